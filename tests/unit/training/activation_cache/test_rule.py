"""States are cached where they fit and pay."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from finesweep.training.activation_cache.rule import Facts, decide

FACTS = Facts(
    n_bytes=10**8,
    seconds_once=10,
    reads=3,
    shared=False,
    free_memory_bytes=10**10,
    budget_bytes=10**9,
)


@pytest.mark.parametrize(
    ("change", "why_not"),
    [
        ({}, None),
        ({"reads": 1.0}, "saves 0 s"),
        ({"reads": 1.0, "shared": True}, None),
        ({"budget_bytes": 10**7}, "exceed storage.cache_gb"),
        ({"free_memory_bytes": 10**8}, "half of the free memory"),
        ({"seconds_once": 0.001}, "reading 0.1 GB takes"),
        ({"on_gpu": True}, "a GPU computes layers faster"),
        ({"on_gpu": True, "first_only": True, "seconds_once": 0.001}, None),
        ({"on_gpu": True, "first_only": True, "budget_bytes": 10**7}, "exceed storage.cache_gb"),
    ],
)
def test_states_are_kept_where_they_fit_and_pay(
    change: dict[str, Any], why_not: str | None
) -> None:
    plan = decide(2, replace(FACTS, **change))
    assert (plan.why_not is None) if why_not is None else (why_not in str(plan.why_not))
    assert str(plan).startswith("depth 2: 100 MB" if why_not is None else "off: ")
