"""What Samklang adds to Airflow itself: the note that tells what a run did."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "include"))  # where samklang is not installed

from airflow.plugins_manager import AirflowPlugin

from samklang.airflow import listener


class SamklangAirflowPlugin(AirflowPlugin):
    name = "samklang_airflow"
    listeners = [listener]  # noqa: RUF012
