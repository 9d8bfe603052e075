"""How tests run commands, and the systems that the commands ask."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from typer.testing import Result

from samklang.simulators.powerofficego import PowerOfficeGoSimulator
from samklang.simulators.shopify import ShopifySimulator

Command = Callable[..., Result]
"""`samklang("status")` gives what it printed and its exit code."""

Answer = Callable[..., Any]
"""`answer("status")` gives what it prints with `--json`."""


@dataclass
class Systems:
    """Both simulators, and their connections by side."""

    go: PowerOfficeGoSimulator
    shop: ShopifySimulator
    connections: dict[str, dict[str, Any]]
    monkeypatch: pytest.MonkeyPatch

    def connect(self) -> None:
        """Bring the environment up to `connections`."""
        for side, fields in self.connections.items():
            self.monkeypatch.setenv(f"AIRFLOW_CONN_{side.upper()}_DEFAULT", json.dumps(fields))
