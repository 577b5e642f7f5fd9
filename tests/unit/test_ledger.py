"""Each second belongs to the innermost part under way."""

from __future__ import annotations

import pytest

from finesweep import ledger
from finesweep.ledger import TimeLedger


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(ledger.time, "monotonic", lambda: now[0])
    return now


def test_seconds_go_to_the_innermost_part(clock: list[float]) -> None:
    book = TimeLedger()
    clock[0] += 50  # nobody's
    with book.on("training"):
        clock[0] += 3
        with book.on("evaluating"):
            clock[0] += 2
            with book.on("caching"):
                clock[0] += 1
        clock[0] += 4
    clock[0] += 50
    taken = {part: seconds for part, seconds in book.seconds.items() if seconds}
    assert taken == {"training": 7, "evaluating": 2, "caching": 1}


def test_a_part_ends_with_its_exception(clock: list[float]) -> None:
    book = TimeLedger()

    def broken() -> None:
        with book.on("training"):
            clock[0] += 1
            raise KeyError

    with pytest.raises(KeyError):
        broken()
    clock[0] += 9
    with book.on("loading"):
        clock[0] += 2
    assert (book.seconds["training"], book.seconds["loading"]) == (1, 2)


def test_speeds_are_of_the_seconds_of_training(clock: list[float]) -> None:
    book = TimeLedger()
    with book.on("training"):
        for _ in range(4):
            book.count_batch(8, 200)
            clock[0] += 0.5
    metrics = book.metrics()
    assert metrics["train/examples_per_second"] == 16
    assert metrics["train/tokens_per_second"] == 400
    assert book.first_step == 100
