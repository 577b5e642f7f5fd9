"""Concurrent requests to one model: each waits for a few texts of another, never for all."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.warm import forked

from finesweep.serving.service import Service
from finesweep.serving.turns import N_CHARACTERS, N_TEXTS, Turns, split_turns

TEXTS = (
    st.none() | st.integers(0, 3 * N_CHARACTERS // 2).map(lambda n: "x" * n) | st.text(max_size=9)
)


@given(st.lists(TEXTS, max_size=200))
def test_every_text_has_one_turn_and_no_turn_is_long(texts: list[str | None]) -> None:
    turns = list(split_turns(texts))
    assert sorted(place for turn in turns for place in turn) == list(range(len(texts)))
    for turn in turns:
        sizes = [len(texts[place] or "") for place in turn]
        assert 1 <= len(turn) <= N_TEXTS
        assert len(turn) == 1 or sum(sizes) <= N_CHARACTERS
        assert sizes == sorted(sizes)


def test_turns_are_taken_in_the_order_in_which_they_were_asked_for() -> None:
    turns, order = Turns(), []

    async def asker(name: str, n_turns: int) -> None:
        for _ in range(n_turns):
            await turns.run_async(lambda: order.append(name))

    async def together() -> None:
        await asyncio.gather(asker("large", 4), asker("small", 1), asker("middle", 2))

    asyncio.run(together())
    assert order == ["large", "small", "middle", "large", "middle", "large", "large"]


def test_what_a_job_raises_reaches_whoever_asked_and_the_next_is_done() -> None:
    turns = Turns()
    with pytest.raises(ZeroDivisionError):
        turns.run(lambda: 1 // 0)
    assert turns.run(lambda: 1) == 1


SCRIPT = """
import torch
from finesweep.serving.turns import Turns
from tests.exhaustion import find_no_kernel
turns, answers = Turns(), []
for job in (find_no_kernel, lambda: torch.nn.functional.gelu(torch.zeros(13, 17)).sum().item()):
    try:
        answers.append(turns.run(job))
    except RuntimeError as error:
        answers.append(str(error))
print(answers)
"""


def test_a_job_without_memory_spares_those_that_come_after(tmp_path: Path) -> None:
    process = forked([sys.executable, "-c", SCRIPT], environment=os.environ, folder=tmp_path)
    said, errors = process.communicate()
    assert said == "['could not create a primitive', 0.0]\n", errors


def test_a_small_question_is_answered_between_the_parts_of_a_large_one(texts: Service) -> None:
    """The large request has 20 turns; the small one comes during the first of them."""
    done: list[str] = []

    async def both() -> None:
        async def large() -> None:
            await texts.predict_async(["a lovely day"] * 20 * N_TEXTS)
            done.append("large")

        async def small() -> None:
            (answer,) = await texts.predict_async(["awful"])
            done.append(answer.label)

        first = asyncio.create_task(large())
        await asyncio.sleep(0)
        await asyncio.gather(first, small())

    asyncio.run(both())
    (wanted,) = texts.classifier.predict(["awful"])
    assert done == [wanted.label, "large"]


def test_in_turns_the_answers_are_those_that_the_model_gives_at_once(texts: Service) -> None:
    asked = [None if n % 17 == 5 else "day " * (n % 23) for n in range(3 * N_TEXTS + 1)]
    answered, at_once = texts.predict(asked), list(texts.classifier.predict(asked))
    assert [each.text for each in answered] == asked
    for one, other in zip(answered, at_once, strict=True):
        assert (one.label, one.truncated) == (other.label, other.truncated)
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-6)
