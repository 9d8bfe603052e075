"""`python -m simulation.planner --traces N --first-seed M`: N small worlds; exit 1 on any violation."""

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from simulation.planner.running import Outcome, blocks, run_block

_SHOWN = 10


def main() -> int:
    """Run and print. :returns: the exit code."""
    parser = argparse.ArgumentParser(prog="python -m simulation.planner", description=__doc__)
    parser.add_argument("--traces", type=int, default=100_000)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes")
    options = parser.parse_args()
    started, total = time.perf_counter(), Outcome()
    work = blocks(options.first_seed, options.traces)
    if options.workers > 1:
        with ProcessPoolExecutor(options.workers) as pool:
            for outcome in pool.map(run_block, work, chunksize=4):
                total.add(outcome)
    else:
        for seeds in work:
            total.add(run_block(seeds))
    _report(total, time.perf_counter() - started)
    return 1 if total.violations else 0


def _report(total: Outcome, elapsed: float) -> None:
    for situation, times in sorted(total.seen.items()):
        print(f"{times:>12,}  {situation}")
    for violation in total.violations[:_SHOWN]:
        print(f"\nseed {violation.seed}, step {violation.step}: {violation.what}")
        if violation.told:
            print(f"  after: {', '.join(violation.told)}")
        print(f"  replay: python -m simulation.planner --traces 1 --first-seed {violation.seed}")
    print(
        f"\n{total.traces:,} traces with {total.plans:,} plans of a pair or a world, "
        f"{len(total.violations):,} violations; {elapsed:.1f} s, "
        f"{total.traces / max(total.seconds, 1e-9):,.0f} traces per second and core"
    )


if __name__ == "__main__":
    sys.exit(main())
