"""`python -m samklang.demo`: the story. `python -m samklang.demo up [--demo]`: Airflow with its UI, until Ctrl-C."""

from __future__ import annotations

import argparse
import os
import secrets
import shlex
import shutil
import signal
import sys
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from types import FrameType

from rich.console import Console

from samklang.demo.airflow_server import AIRFLOW_FOR_A_SHELL, PROJECT, AirflowServer, sign_in_as
from samklang.demo.place import FOLDER, write_environment, write_mappings
from samklang.demo.processes import BIN, PostgreSQL, Simulators, connection_variables, store_connection
from samklang.demo.story import RECORDS, Story

_UP = PROJECT / ".airflow"
_USER = "admin"


def main() -> int:
    """:returns: the exit code; 0 for the story only if both systems are equal in the end."""
    parser = argparse.ArgumentParser(prog="python -m samklang.demo", description=__doc__)
    parser.add_argument("--records", type=int, default=RECORDS, help="customers, and products, on each side")
    commands = parser.add_subparsers(dest="command")
    up = commands.add_parser("up", help="Airflow with its UI, until Ctrl-C")
    up.add_argument("--demo", action="store_true", help="against the simulators instead of the connections you set")
    up.add_argument("--port", type=int, default=8080)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, _as_interrupt)
    console = Console()
    try:
        if options.command == "up":
            return _up(console, demo=options.demo, port=options.port, records=options.records)
        return 0 if Story(console, options.records).tell() else 1
    except KeyboardInterrupt:
        console.print("\nStopped; everything that was started has ended.")
        return 130


def _up(console: Console, *, demo: bool, port: int, records: int) -> int:
    home = FOLDER if demo else _UP
    if demo:
        shutil.rmtree(home, ignore_errors=True)  # the simulators start over, so the store does too
    yours = {name: value for name, value in os.environ.items() if name.startswith(("AIRFLOW_CONN_", "SAMKLANG_"))}
    variables, urls = dict(yours), dict[str, str]()
    with ExitStack() as stack:
        console.print("Starting …")
        postgres = stack.enter_context(PostgreSQL(home / "postgres"))
        if demo:
            simulators = stack.enter_context(Simulators(home / "logs", records=records))
            variables |= connection_variables({**simulators.connections(), **store_connection(postgres)})
            variables |= {"SAMKLANG_MAPPINGS": str(write_mappings(home / "mappings", quiet=False))}
            urls = {"POWEROFFICEGO": simulators.powerofficego.url, "SHOPIFY": simulators.shopify.url}
            console.print(f"PowerOffice Go (simulated) at {urls['POWEROFFICEGO']}")
            console.print(f"Shopify (simulated) at {urls['SHOPIFY']}")
        elif "AIRFLOW_CONN_SAMKLANG_STORE" not in variables:
            variables |= connection_variables(store_connection(postgres))
        if not demo:
            password = secrets.token_urlsafe(12)
            variables |= sign_in_as(_USER, password, home / "airflow")
        airflow = stack.enter_context(AirflowServer(home / "airflow", postgres.url("airflow"), variables, port=port))
        way = "no password" if demo else f"user {_USER}, password {password}, until it ends"
        console.print(
            f"\n[bold]Airflow is at {airflow.url}[/] — {way}; this machine only. Ctrl-C ends everything.",
            markup=True, highlight=False, soft_wrap=True,
        )  # fmt: skip
        environment = write_environment(home, *for_a_shell(airflow.environment, yours, urls))
        stack.callback(environment.unlink, missing_ok=True)
        console.print(
            "In another shell, so that its commands look at the same store:\n"
            f"  source {shlex.quote(str(environment))}\n  {BIN / 'samklang'} status",
            markup=False, highlight=False, soft_wrap=True,
        )  # fmt: skip
        _note_missing(console, variables)
        with suppress(KeyboardInterrupt):
            signal.pause()
        console.print("Stopping …")
    return 0


def for_a_shell(
    airflow: Mapping[str, str], yours: Mapping[str, str], simulators: Mapping[str, str]
) -> tuple[dict[str, str], list[str]]:
    """What a shell needs of the environment of our Airflow, and which of it only the user can set."""
    ours = {name: value for name, value in airflow.items() if yours.get(name) != value}
    needed = {name: value for name, value in ours.items() if name.startswith(("AIRFLOW_CONN_", "SAMKLANG_"))}
    needed |= {name: airflow[name] for name in AIRFLOW_FOR_A_SHELL}
    needed |= dict(simulators)
    return needed, [name for name in yours if name not in needed]


def _note_missing(console: Console, variables: dict[str, str]) -> None:
    for name in ("POWEROFFICEGO_DEFAULT", "SHOPIFY_DEFAULT"):
        if f"AIRFLOW_CONN_{name}" not in variables:
            console.print(f"There is no AIRFLOW_CONN_{name} yet: add the connection under Admin, Connections.")


def _as_interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
