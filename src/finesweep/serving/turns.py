"""One model for many at once: questions take turns, a few texts at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

N_TEXTS = 32
"""In one turn, as many as a model takes in one batch."""
N_CHARACTERS = 100_000
"""In one turn, where it has more texts than one: a tokenizer's tenth of a second."""
Result = TypeVar("Result")


class Turns:
    """A thread that does one job after another, first come, first served.

    torch uses all cores for one job. Whoever has a long one asks for a turn after another, each
    when the last is done, so that others wait for a turn at the longest, and never for the whole.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="model")

    def take(self, job: Callable[[], Result]) -> Result:
        """What the job returns."""
        return self._begin(job).result()

    async def awaited(self, job: Callable[[], Result]) -> Result:
        """The same, while no other thread waits for it."""
        return await asyncio.wrap_future(self._begin(job))

    def _begin(self, job: Callable[[], Result]) -> Future[Result]:
        return self._thread.submit(job)


def shared_out(texts: Sequence[str | None]) -> Iterator[list[int]]:
    """The places of texts that stand in one turn, so that each text is in one of them; texts of
    like length stand together, the shortest first, as a batch is padded to its longest."""
    sizes = [len(text or "") for text in texts]
    turn: list[int] = []
    n_characters = 0
    for place in sorted(range(len(texts)), key=sizes.__getitem__):
        if turn and (len(turn) == N_TEXTS or n_characters + sizes[place] > N_CHARACTERS):
            yield turn
            turn, n_characters = [], 0
        turn.append(place)
        n_characters += sizes[place]
    if turn:
        yield turn
