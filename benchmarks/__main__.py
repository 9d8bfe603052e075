"""`python -m benchmarks [--rows N] [--rounds N]`: all subjects in turn, each in a fresh process, and one table.

`python -m benchmarks --lists` instead: pages of a store with a million links, on SQLite and PostgreSQL; some minutes.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys

from rich.console import Console
from rich.table import Table

from benchmarks.merge import SCENARIOS, SUBJECTS


def main() -> None:
    """Run and print. Times are medians over the rounds; ratios compare the same round."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000, help="linked customers")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--lists", nargs="?", type=int, const=1_000_000, metavar="LINKS", help="pages of a large store")
    options = parser.parse_args()
    console = Console(width=110)
    if options.lists:
        from benchmarks import lists

        console.print(lists.table(options.lists))
        return
    table = Table(title=f"Transform and merge of {options.rows:,} linked customers, 9 fields")
    for heading in ("scenario", "subject", "µs a row", "peak memory", "times ours", "writes found"):
        table.add_column(heading, justify="left" if heading in ("scenario", "subject") else "right")
    for scenario, part in SCENARIOS.items():
        rounds = []
        for number in range(options.rounds):
            console.print(f"{scenario}: round {number + 1} of {options.rounds}", style="dim")
            rounds.append({name: _measure(name, options.rows, part) for name in SUBJECTS})
        for name in SUBJECTS:
            seconds = statistics.median(one[name][0] for one in rounds)
            ratio = statistics.median(one[name][0] / one["ours"][0] for one in rounds)
            peak = statistics.median(one[name][2] for one in rounds)
            table.add_row(
                scenario,
                name,
                f"{seconds / options.rows * 1e6:.2f}",
                f"{peak:.0f} MB",
                f"{ratio:.1f}",
                f"{rounds[0][name][1]:.0f}",
            )
    console.print(table)
    console.print(
        "`ours` reads both trees and the bases from the store, merges with all rules and builds the plan; the peers "
        "start from normalised rows in memory and only look for changes. ‘dicts’ keeps no conflict, no policy, no base "
        "on disk."
    )


def _measure(subject: str, rows: int, part: float) -> tuple[float, float, float]:
    answer = subprocess.run(
        [sys.executable, "-m", "benchmarks.merge", subject, str(rows), str(part)],
        check=True,
        capture_output=True,
        text=True,
    )
    seconds, found, peak = answer.stdout.split()
    return float(seconds), float(found), float(peak)


if __name__ == "__main__":
    main()
