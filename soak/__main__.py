"""`python -m soak [--rounds N] [--seed M]`: rounds on a real Airflow while things break; exit 1 on any violation."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.table import Table

from samklang.demo.airflow_server import PROJECT
from soak.faults import KINDS
from soak.place import Place
from soak.rounds import Round, Verdict

FOLDER = PROJECT / ".soak"


def main() -> int:
    """:returns: the exit code."""
    parser = argparse.ArgumentParser(prog="python -m soak", description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=None, help="of the first round; fresh ones each day by default")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    options = parser.parse_args()
    first = options.seed if options.seed is not None else int(time.time() // 86_400) * 1000
    signal.signal(signal.SIGTERM, _as_interrupt)
    console = Console(highlight=False, soft_wrap=True)
    verdicts: list[Verdict] = []
    interrupted = False
    try:
        console.print(f"{options.rounds} rounds from seed {first} on; Airflow starts …")
        with Place(options.folder) as place:
            if place.disk.trouble:
                console.print(f"[yellow]The disk will not be filled: {place.disk.trouble}[/]")
            for seed in range(first, first + options.rounds):
                verdicts.append(Round(place, seed).play())
                _tell(console, verdicts[-1])
    except KeyboardInterrupt:
        interrupted = True
        console.print("Stopped; everything that was started has ended.")
    _table(console, verdicts)
    if any(verdict.violations for verdict in verdicts):
        return 1
    return 130 if interrupted else 0


def _tell(console: Console, verdict: Verdict) -> None:
    fired = ", ".join(f"{number} {name}" for name, number in verdict.fired.items()) or "nothing broke"
    state = "[red]VIOLATED[/]" if verdict.violations else "[green]ok[/]"
    console.print(
        f"{verdict.seed}  {state}  {verdict.seconds:3.0f} s  {verdict.kind}, {verdict.runs} runs, "
        f"{verdict.writes} writes, {verdict.demands} values typed; {fired}"
    )
    for violation in verdict.violations[:10]:
        console.print(f"    {violation}", markup=False)
    if verdict.violations:
        console.print(f"    kept in {verdict.evidence}; again: make soak ROUNDS=1 SEED={verdict.seed}")


def _table(console: Console, verdicts: list[Verdict]) -> None:
    fired = sum((verdict.fired for verdict in verdicts), Counter[str]())
    table = Table(title="Soak", title_justify="left")
    table.add_column("")
    table.add_column("how many", justify="right")
    table.add_row("rounds", str(len(verdicts)))
    table.add_row("runs of DAGs", str(sum(verdict.runs for verdict in verdicts)))
    table.add_row("writes by us", str(sum(verdict.writes for verdict in verdicts)))
    table.add_row("values typed by people", str(sum(verdict.demands for verdict in verdicts)))
    table.add_row(
        "seconds a round", f"{sum(v.seconds for v in verdicts) / max(len(verdicts), 1):.0f}", end_section=True
    )
    for kind in KINDS:
        table.add_row(f"fault: {kind.name}", str(fired[kind.name]))
    table.add_section()
    table.add_row("rounds with a violation", str(sum(1 for verdict in verdicts if verdict.violations)))
    console.print(table)


def _as_interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
