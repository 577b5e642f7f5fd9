"""The rule that decides where states of frozen layers live, from a record of facts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Place = Literal["device", "pinned", "disk", "none"]
"""device: in the training device's memory, filled from the file. pinned: each batch is gathered
from the file into pinned memory and copied to the device. disk: gathered from the file into
ordinary memory. none: not cached."""
MEMORY_SHARE = 0.5
"""Share of free memory that states may use. Of the host's, because the file is read through its
page cache: from the disk itself it would be slower than computing. Of the device's, because
training needs the rest."""
SUFFIXES: dict[Place, str] = {
    "device": ", in the device's memory",
    "pinned": ", through pinned memory",
}


@dataclass(frozen=True)
class Rates:
    """Speeds and free memory of a machine, measured or stated."""

    device: str
    """Type of the device that trains: `cpu`, `cuda` and so on."""
    layer_seconds: float
    """One layer's forward pass for one batch on the device, in the precision of training."""
    read_bytes_per_second: float
    """Gathering rows from a file in the page cache into memory."""
    copy_bytes_per_second: float
    """Copying from pinned memory to the device; infinite on a CPU, where nothing is copied."""
    device_free_bytes: int
    """0 on a CPU."""
    host_free_bytes: int
    disk_free_bytes: int
    """Free space of the cache's disk once all older entries are evicted."""


@dataclass(frozen=True)
class Facts:
    """The facts that decide whether caching pays, and where."""

    n_bytes: int
    """States of all rows."""
    n_batches: float
    """Batches in all rows, as many tokens long as the one that was timed."""
    reads: float
    """How often this trial needs a row's states, on average: its epochs and evaluations."""
    shared: bool
    """Whether other trials may need them too; counted as one more read of each row."""
    budget_bytes: int
    rates: Rates
    first_only: bool = False

    def compute_seconds(self, depth: int) -> float:
        """Computing the states of every row once."""
        return depth * self.rates.layer_seconds * self.n_batches

    @property
    def move_seconds(self) -> float:
        """Moving the states of every row once between the file and the device."""
        rates = self.rates
        return (
            self.n_bytes / rates.read_bytes_per_second + self.n_bytes / rates.copy_bytes_per_second
        )


@dataclass(frozen=True)
class Plan:
    """Where states live, and the estimates behind it."""

    depth: int
    place: Place
    reason: str
    """One sentence."""
    n_bytes: int = 0
    seconds_saved: float = 0.0
    """By the whole trial, and by one more read of each row if other trials share the states."""
    seconds_saved_per_pass: float = 0.0
    """By reading every row once instead of computing it."""
    first_only: bool = False
    """Only each row's first token is cached: the model reads no other."""

    @property
    def why_not(self) -> str | None:
        """Why states are not cached; None if they are."""
        return self.reason if self.place == "none" else None

    def __str__(self) -> str:
        if self.place == "none":
            return f"off: {self.reason}"
        size = f"{self.n_bytes / 1e6:,.0f} MB, saves about {self.seconds_saved:.0f} s"
        return f"depth {self.depth}: {size}{SUFFIXES.get(self.place, '')}"


def decide(depth: int, facts: Facts) -> Plan:
    """The plan with the place that saves most; states are cached if they fit, and if writing and
    reading them is faster than computing them again."""
    if (excess := _excess(facts)) is not None:
        return Plan(depth, "none", excess, facts.n_bytes, first_only=facts.first_only)
    uses = facts.reads + (1 if facts.shared else 0)
    compute = facts.compute_seconds(depth)
    saved = compute * (uses - 1)
    # On a tie the first, which needs no host memory for each batch.
    place = min(_places(facts), key=lambda each: _moves(each, facts))
    cost = facts.move_seconds * _moves(place, facts)
    size = _gigabytes(facts.n_bytes)
    figures = f"moving {size} takes {cost:.2g} s and saves {saved:.2g} s of computing"
    read = 0.0 if place == "device" else facts.move_seconds
    return Plan(
        depth,
        place if saved > cost else "none",
        figures,
        facts.n_bytes,
        saved - cost,
        compute - read,
        facts.first_only,
    )


def _excess(facts: Facts) -> str | None:
    """The limit that states exceed."""
    size, rates = _gigabytes(facts.n_bytes), facts.rates
    if facts.n_bytes > facts.budget_bytes:
        return f"{size} exceed storage.cache_gb, {_gigabytes(facts.budget_bytes)}"
    if facts.n_bytes > rates.disk_free_bytes:
        return f"{size} exceed the free disk space"
    if facts.n_bytes > MEMORY_SHARE * rates.host_free_bytes:
        return f"{size} exceed half of the free memory"
    return None


def _places(facts: Facts) -> Iterator[Place]:
    rates = facts.rates
    if rates.device != "cpu" and facts.n_bytes <= MEMORY_SHARE * rates.device_free_bytes:
        yield "device"
    yield "pinned" if rates.device == "cuda" else "disk"


def _moves(place: Place, facts: Facts) -> float:
    """How often all states are moved between file and device: they are written once, and then
    loaded once by each trial, or read batch by batch. Reading them in the device's memory is not
    counted: it is hundreds of times faster."""
    shared = 1 if facts.shared else 0
    return 1 + shared if place == "device" else 1 + facts.reads + shared


def _gigabytes(n_bytes: int) -> str:
    return f"{n_bytes / 1e9:.1f} GB"
