"""One model for many clients: requests take turns, a few texts at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

N_TEXTS = 32
"""Maximum number of texts in a turn: one batch."""
N_CHARACTERS = 100_000
"""Maximum for a turn of several texts: a tenth of a second of tokenizing."""
Result = TypeVar("Result")


class Turns:
    """A thread that runs jobs one by one, first come, first served.

    torch uses all cores for one job. Long requests take one turn after another, each requested when
    the last is done, so that others wait for one turn at most. After a job that raises, a new
    thread runs the next: one in which oneDNN found no memory can compute nothing any more
    (`training/soundness.py`).
    """

    def __init__(self) -> None:
        self._queue = ThreadPoolExecutor(max_workers=1, thread_name_prefix="turns")
        self._thread = _one_thread()

    def run(self, job: Callable[[], Result]) -> Result:
        """The job's result."""
        return self._submit(job).result()

    async def run_async(self, job: Callable[[], Result]) -> Result:
        """The same, without blocking a thread."""
        return await asyncio.wrap_future(self._submit(job))

    def _submit(self, job: Callable[[], Result]) -> Future[Result]:
        return self._queue.submit(self._done, job)

    def _done(self, job: Callable[[], Result]) -> Result:
        try:
            return self._thread.submit(job).result()
        except BaseException:
            self._thread.shutdown(wait=False)
            self._thread = _one_thread()
            raise


def _one_thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="model")


def split_turns(texts: Sequence[str | None]) -> Iterator[list[int]]:
    """The indices of the texts of each turn, each text in one of them; texts of similar length come
    together, the shortest first, because a batch is padded to its longest."""
    sizes = [len(text or "") for text in texts]
    turn: list[int] = []
    n_characters = 0
    for index in sorted(range(len(texts)), key=sizes.__getitem__):
        if turn and (len(turn) == N_TEXTS or n_characters + sizes[index] > N_CHARACTERS):
            yield turn
            turn, n_characters = [], 0
        turn.append(index)
        n_characters += sizes[index]
    if turn:
        yield turn
