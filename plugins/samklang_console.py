"""The console: an entry in Airflow's navigation, and a tab on each of our DAGs and their runs."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "include"))  # where samklang is not installed

from airflow.plugins_manager import AirflowPlugin

from samklang.console.address import MOUNT
from samklang.console.mount import Console

_ROOT = MOUNT.lstrip("/")


class SamklangConsolePlugin(AirflowPlugin):
    name = "samklang_console"
    fastapi_apps = [{"app": Console(), "url_prefix": MOUNT, "name": "Samklang"}]  # noqa: RUF012
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
