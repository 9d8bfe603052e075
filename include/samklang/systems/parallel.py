"""A function over many items with a few threads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_parallel(function: Callable[[Item], Result], items: Iterable[Item], workers: int) -> Iterator[Result]:
    """Yield results as they finish; one worker works inline and in order.

    Items are taken as room comes up, so a caller that stops early, or an item that raises, leaves the rest undone.
    What has been started is finished first; its results are lost to that caller.
    """
    if workers <= 1:
        yield from map(function, items)
        return
    rest = iter(items)
    with ThreadPoolExecutor(max_workers=workers) as pool:
        running: set[Future[Result]] = {pool.submit(function, item) for item in islice(rest, workers)}
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            running |= {pool.submit(function, item) for item in islice(rest, len(done))}
            for future in done:
                yield future.result()
