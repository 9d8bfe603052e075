"""What Samklang adds to Airflow itself: notes that tell what runs did, and deadlines that count from a run's start."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "include"))  # where samklang is not installed

from airflow.plugins_manager import AirflowPlugin

from samklang.airflow import listener
from samklang.airflow.deadlines import RunMadeDeadline


class SamklangAirflowPlugin(AirflowPlugin):
    name = "samklang_airflow"
    listeners = (listener,)
    deadline_references = (RunMadeDeadline,)
