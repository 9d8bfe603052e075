"""What all tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def shared_apis() -> Path:
    """The folder of reference documents of both APIs; tests that hold us to them skip where it is absent."""
    folder = ROOT.parent / "shared" / "apis"
    if not folder.is_dir():
        pytest.skip("the reference documents of both APIs are not beside this checkout (../shared/apis)")
    return folder
