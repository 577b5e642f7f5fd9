"""The rule that decides whether states are cached, from a record of facts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

BYTES_PER_SECOND = 1e9
"""Speed of copying states to and from memory; measured values are higher."""
MEMORY_SHARE = 0.5
"""Share of free memory that states may use: read from disk, they would be slower than computing."""


@dataclass(frozen=True)
class Plan:
    """Whether states are cached, and the estimates behind it."""

    depth: int
    n_bytes: int
    seconds_saved: float
    why_not: str | None
    first_only: bool = False
    """Only each row's first token is cached: the model reads no other."""

    def __str__(self) -> str:
        size = f"{self.n_bytes / 1e6:,.0f} MB, saves about {self.seconds_saved:.0f} s"
        return f"depth {self.depth}: {size}" if self.why_not is None else f"off: {self.why_not}"


@dataclass(frozen=True)
class Facts:
    """The facts that decide whether caching pays."""

    n_bytes: int
    seconds_once: float
    """Time to compute the states of every row once."""
    reads: float
    """How often this trial needs a row's states, on average."""
    shared: bool
    """Whether other trials may need them too."""
    free_memory_bytes: int
    budget_bytes: int
    first_only: bool = False
    on_gpu: bool = False


def decide(depth: int, facts: Facts) -> Plan:
    """A plan: states are cached if they fit and if reading them is faster than recomputing."""
    repeated = facts.reads - 1 + (1 if facts.shared else 0)
    saved = facts.seconds_once * repeated
    cost = facts.n_bytes / BYTES_PER_SECOND * (facts.reads + 1)
    plan = partial(Plan, depth, facts.n_bytes, saved - cost, first_only=facts.first_only)
    size = f"{facts.n_bytes / 1e9:.1f} GB"
    if facts.n_bytes > facts.budget_bytes:
        return plan(f"{size} exceed storage.cache_gb, {facts.budget_bytes / 1e9:.1f} GB")
    if facts.n_bytes > MEMORY_SHARE * facts.free_memory_bytes:
        return plan(f"{size} exceed half of the free memory")
    if facts.on_gpu:
        # The estimates are for CPUs. States of one token are small, and replace all layers, so
        # that caching them pays in any case.
        why = "a GPU computes layers faster than it reads their states"
        return plan(None if facts.first_only else why)
    if saved <= cost:
        return plan(f"reading {size} takes {cost:.0f} s and saves {saved:.0f} s of computing")
    return plan(None)
