"""What a user is told of a sweep's search before it runs, one sentence each."""

from __future__ import annotations

from finesweep.config import SweepPlan
from finesweep.sweep.study.pruning.notes import pruner_notes
from finesweep.sweep.study.sampling.notes import sampler_notes


def search_notes(plan: SweepPlan) -> list[str]:
    """What sampler and pruner cannot do, or do by default; empty where nothing needs saying."""
    return [*sampler_notes(plan), *pruner_notes(plan)]
