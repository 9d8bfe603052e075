"""The console: an entry in Airflow's navigation, and a tab on each of our DAGs and their runs."""

import sys
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1] / "include"))  # where samklang is not installed

from urllib.parse import urlsplit

from airflow.configuration import conf
from airflow.plugins_manager import AirflowPlugin

from samklang.console.address import MOUNT
from samklang.console.mount import Console
from samklang.local_names import LocalNames

_ROOT = MOUNT.lstrip("/")


def _without_login() -> list[dict[str, Any]]:
    """Where Airflow lets everybody in as an admin, it answers to its own names only; with a login, a page elsewhere has
    no session under its name, and nothing is changed here."""
    if not conf.getboolean("core", "simple_auth_manager_all_admins", fallback=False):
        return []
    addresses = (conf.get("api", "base_url", fallback=""), conf.get("core", "execution_api_server_url", fallback=""))
    known = {name for address in addresses if (name := urlsplit(address).hostname)}
    return [{"middleware": LocalNames, "kwargs": {"known": known}, "name": "Samklang: local names"}]


class SamklangConsolePlugin(AirflowPlugin):
    name = "samklang_console"
    fastapi_apps = [{"app": Console(), "url_prefix": MOUNT, "name": "Samklang"}]  # noqa: RUF012
    fastapi_root_middlewares = _without_login()
    external_views = [  # noqa: RUF012
        {"name": "Samklang", "href": f"{_ROOT}/", "destination": "nav", "url_route": _ROOT},
        {
            "name": "Samklang",
            "href": f"{_ROOT}/dags/{{DAG_ID}}",
            "destination": "dag",
            "url_route": f"{_ROOT}_dag",
        },
        {
            "name": "Samklang",
            "href": f"{_ROOT}/dags/{{DAG_ID}}/runs/{{RUN_ID}}",
            "destination": "dag_run",
            "url_route": f"{_ROOT}_run",
        },
    ]
