"""The notes of a search are those of its sampler and of its pruner."""

from __future__ import annotations

from tests.unit.sweep.study.sampling.spaces import plan_with

from finesweep.sweep.notes import search_notes


def test_sampler_and_pruner_are_noted() -> None:
    pruner = {"_target_": "optuna.pruners.HyperbandPruner"}
    notes = search_notes(plan_with("TPESampler", n_trials=9, pruner=pruner))
    assert [note.partition(":")[0] for note in notes] == ["sampler", "pruner"]
    assert search_notes(plan_with("GridSampler")) == []
