"""The table of past trials that comes with finesweep."""

from __future__ import annotations

from finesweep.samplers.packaged import packaged_tasks


def test_each_data_set_has_trials_within_the_tables_ranges() -> None:
    tasks = packaged_tasks()

    assert [len(task) for task in tasks] == [43, 43, 43, 43, 42]
    for trial in (trial for task in tasks for trial in task):
        assert trial.params.keys() == trial.distributions.keys()  # create_trial checks the ranges
        assert 0.1 < trial.value < 2.0


def test_data_sets_can_be_left_out() -> None:
    assert len(packaged_tasks(["sst2", "imdb"])) == 3
    assert packaged_tasks(["all"]) == []
