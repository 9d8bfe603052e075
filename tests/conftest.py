"""What all tests share: the reference documents, and one Airflow home for all tests that import Airflow."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# Property tests must not fail because a machine is busy: no deadline per example. Nor may one run leave its examples to
# the next. `--hypothesis-profile=thorough` (minutes) and `nightly` (hours) are for the tests in `fuzz`.
settings.register_profile("samklang", deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", settings.get_profile("samklang"), max_examples=1_000)
settings.register_profile("nightly", settings.get_profile("samklang"), max_examples=20_000)
settings.load_profile("samklang")

ROOT = Path(__file__).parents[1]
AIRFLOW_HOME = Path(tempfile.mkdtemp(prefix="samklang-airflow-"))
atexit.register(shutil.rmtree, AIRFLOW_HOME, ignore_errors=True)

os.environ |= {
    "AIRFLOW_HOME": str(AIRFLOW_HOME),
    "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
    "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
}


_TOGETHER = {
    "tests/browser/": "scheduler",
    "tests/soak/": "scheduler",
    "tests/airflow/test_scheduler.py": "scheduler",
    "tests/airflow/": "airflow",
    "tests/simulation/": "simulation",
}
"""Tests that one process has in a row, by path: what they start is started once, and no two Airflows slow each other
down."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    # by path, since pytest 9.2 no longer lets xdist put the name of a group into the id of a test
    from xdist.scheduler import LoadScopeScheduling

    class TogetherScheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return next((name for path, name in _TOGETHER.items() if nodeid.startswith(path)), nodeid)

    return TogetherScheduling(config, log)


@pytest.fixture(scope="session")
def airflow_imported() -> None:
    """Airflow reads its home, and sets up its logging, when it is first imported, for good.

    So that must not happen inside a test that has set a home of its own, or replaced stderr.
    """
    import airflow.settings

    assert str(AIRFLOW_HOME) in airflow.settings.AIRFLOW_HOME


@pytest.fixture(scope="session")
def shared_apis() -> Path:
    """The folder of reference documents of both APIs; tests that hold us to them skip where it is absent."""
    folder = ROOT.parent / "shared" / "apis"
    if not folder.is_dir():
        pytest.skip("the reference documents of both APIs are not beside this checkout (../shared/apis)")
    return folder
