"""The console, as an entry in Airflow's navigation and as a tab of each of our DAGs."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "include"))  # where samklang is not installed

from airflow.plugins_manager import AirflowPlugin

from samklang.console.mount import MOUNT, Console


class SamklangConsolePlugin(AirflowPlugin):
    name = "samklang_console"
    fastapi_apps = [{"app": Console(), "url_prefix": MOUNT, "name": "Samklang"}]  # noqa: RUF012
    external_views = [  # noqa: RUF012
        {
            "name": "Samklang",
            "href": f"{MOUNT.removeprefix('/')}/customers/overview",
            "destination": "nav",
            "url_route": "samklang",
        }
    ]
