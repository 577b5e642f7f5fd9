"""What each slot of the search, and of the confirmation of its best, is to train."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from optuna import Study
from optuna.trial import TrialState
from tests.unit.sweep.studies import add_trial
from tests.unit.sweep.worker.conftest import JoinedWorker

from finesweep.config import ConfirmConfig
from finesweep.sweep.selection.confirmation import SEED
from finesweep.sweep.study.keys import CHECKPOINT, N_TRIALS, PORTFOLIO, VALUES
from finesweep.sweep.study.reconcile import reconcile
from finesweep.sweep.study.slots import claim, slots_of
from finesweep.sweep.worker import phases
from finesweep.sweep.worker.phases import Confirmation, Phase, Search, TrialSpec, trial_seed

pytestmark = pytest.mark.slow

RATE = "training.learning_rate"
TWICE = ConfirmConfig(top_k=2, seeds=2)


def next_spec(joined_worker: JoinedWorker, phase: Phase) -> TrialSpec:
    """What the lowest free slot is to train; it is taken now."""
    n_slots = phase.n_slots()
    reconcile(phase.study, joined_worker.plan.settings, n_slots, phase.enqueued, may_reap=False)
    claimed = claim(phase.study, n_slots)
    assert claimed is not None
    return phase.spec(phase.start_trial(claimed))


def complete_trial(study: Study, loss: float) -> None:
    slot = len(study.trials)
    weights = Path(f"mlruns/checkpoints/demo/slot-{slot:04d}/attempt-1/model")
    weights.mkdir(parents=True)
    own = {VALUES: {RATE: 0.1 * (slot + 1)}, CHECKPOINT: str(weights)}
    add_trial(study, TrialState.COMPLETE, loss, **own)


def search_of(joined_worker: JoinedWorker, *losses: float) -> Study:
    """The study, whose slots ended with these losses and left weights."""
    for loss in losses:
        complete_trial(joined_worker.study, loss)
    joined_worker.study.set_user_attr(N_TRIALS, len(losses))
    return joined_worker.study


def complete_seed(phase: Confirmation, slot: int, loss: float) -> None:
    weights = Path(f"mlruns/checkpoints/demo+confirmation/slot-{slot:04d}/attempt-1/model")
    weights.mkdir(parents=True)
    add_trial(phase.study, TrialState.COMPLETE, loss, slot=slot, **{CHECKPOINT: str(weights)})


def weights_left(study: str) -> list[str]:
    return sorted(each.name for each in Path(f"mlruns/checkpoints/{study}").glob("slot-*"))


def test_what_is_enqueued_comes_first_and_then_what_the_sampler_draws(
    joined_worker: JoinedWorker,
) -> None:
    joined_worker.study.set_user_attr(N_TRIALS, 3)
    phase = Search(joined_worker.plan, joined_worker.study)
    first, second, third = (next_spec(joined_worker, phase) for _ in range(3))
    assert (first.values["model"], second.values["model"]) == ("minilm", "distil_minilm")
    assert (first.values[RATE], first.values["dataset.max_length"]) == (2e-4, 32)
    assert 2e-5 <= third.values[RATE] <= 5e-4
    assert third.values[RATE] != 2e-4
    assert [spec.name for spec in (first, second, third)] == ["0", "1", "2"]
    assert len({spec.seed for spec in (first, second, third)}) == 3


def test_the_studys_portfolio_comes_between_the_enqueued_and_the_sampler(
    joined_worker: JoinedWorker,
) -> None:
    joined_worker.study.set_user_attr(N_TRIALS, 4)
    known = {"model": "minilm", RATE: 3e-4, "model.freeze_layers": 2}
    joined_worker.study.set_user_attr(PORTFOLIO, {"params": [known], "note": ""})
    phase = Search(joined_worker.plan, joined_worker.study)
    specs = [next_spec(joined_worker, phase) for _ in range(4)]
    assert [spec.origin for spec in specs] == ["enqueued", "enqueued", "portfolio", "sampler"]
    assert specs[2].values.items() >= known.items()
    assert specs[2].values["dataset.max_length"] in (24, 32, 48)


def test_a_seed_depends_on_study_and_slot_alone(joined_worker: JoinedWorker) -> None:
    seeds = [trial_seed(joined_worker.study, slot) for slot in (0, 0, 1, "seed 0")]
    assert seeds[0] == seeds[1] == 1178517862
    assert len(set(seeds)) == 3
    assert all(0 <= seed < 2**31 for seed in seeds)


def test_the_search_keeps_the_weights_of_its_best_and_shows_them(
    joined_worker: JoinedWorker,
) -> None:
    search_of(joined_worker, 0.4, 0.1, 0.5, 0.2)
    assert joined_worker.plan.settings.keep_top_k == 3
    Search(joined_worker.plan, joined_worker.study).completed(joined_worker.callbacks.delivery)
    assert weights_left("demo") == ["slot-0000", "slot-0001", "slot-0003"]
    assert list(joined_worker.deliveries.jobs) == ["best"]


def test_what_another_worker_completes_while_the_best_are_chosen_keeps_its_weights(
    joined_worker: JoinedWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def then(choose: str, complete: Callable[[], None]) -> None:
        """Completes a trial just after this function has chosen."""
        chosen_by = getattr(phases, choose)

        def choosing(*args: Any, **keywords: Any) -> Any:
            chosen = chosen_by(*args, **keywords)
            complete()
            return chosen

        monkeypatch.setattr(phases, choose, choosing)

    study = search_of(joined_worker, 0.4, 0.3, 0.5, 0.2)
    then("kept", lambda: complete_trial(study, 0.1))
    Search(joined_worker.plan, study).completed(joined_worker.callbacks.delivery)
    assert weights_left("demo") == ["slot-0000", "slot-0001", "slot-0003", "slot-0004"]
    confirming = Confirmation(joined_worker.plan, study, TWICE)
    confirming.n_slots()
    complete_seed(confirming, 0, 0.3)
    then("kept_seeds", lambda: complete_seed(confirming, 2, 0.2))
    confirming.completed(joined_worker.callbacks.delivery)
    assert weights_left("demo+confirmation") == ["slot-0000", "slot-0002"]


def test_each_of_the_best_is_trained_with_the_same_fresh_seeds(joined_worker: JoinedWorker) -> None:
    study = search_of(joined_worker, 0.4, 0.1, 0.2)
    phase = Confirmation(joined_worker.plan, study, TWICE)
    specs = [next_spec(joined_worker, phase) for _ in range(4)]
    assert [spec.tags for spec in specs] == [{"finesweep.confirms": n} for n in (1, 2, 1, 2)]
    assert [spec.name for spec in specs] == ["1 seed 1", "2 seed 1", "1 seed 2", "2 seed 2"]
    assert [spec.values[RATE] for spec in specs] == pytest.approx([0.2, 0.3, 0.2, 0.3])
    assert [spec.seed for spec in specs] == [spec.values[SEED] for spec in specs]
    assert specs[0].seed == specs[1].seed != specs[2].seed == specs[3].seed
    assert phase.study.study_name == "demo+confirmation"


def test_seeds_of_what_cannot_win_any_more_are_not_run(joined_worker: JoinedWorker) -> None:
    study = search_of(joined_worker, 0.1, 0.2)
    phase = Confirmation(joined_worker.plan, study, ConfirmConfig(top_k=2, seeds=3))
    assert phase.n_slots() == 6
    for slot, loss in enumerate((0.10, 0.90, 0.11, 0.91)):
        add_trial(phase.study, TrialState.COMPLETE, loss, slot=slot)
    assert phase.n_slots() == 6
    states = [slot.state for slot in slots_of(phase.study.trials, 6)]
    assert states == ["complete"] * 4 + ["waiting", "pruned"]


def test_seeds_that_were_not_wanted_are_run_once_they_are(joined_worker: JoinedWorker) -> None:
    study = search_of(joined_worker, 0.1, 0.2)
    phase, fewer = (
        Confirmation(joined_worker.plan, study, ConfirmConfig(top_k=2, seeds=n)) for n in (2, 1)
    )
    assert phase.n_slots() == 4
    for slot in (0, 1):
        add_trial(phase.study, TrialState.COMPLETE, 0.1, slot=slot)
    assert fewer.n_slots() == 4
    assert phase.n_slots() == 6
    states = [slot.state for slot in slots_of(phase.study.trials, 6)]
    assert states == ["complete"] * 2 + ["pruned"] * 2 + ["waiting"] * 2


def test_the_confirmation_keeps_the_weights_of_each_ones_best_seed(
    joined_worker: JoinedWorker,
) -> None:
    study = search_of(joined_worker, 0.1, 0.2)
    phase = Confirmation(joined_worker.plan, study, TWICE)
    phase.n_slots()
    for slot, loss in enumerate((0.3, 0.4, 0.2, 0.5)):
        complete_seed(phase, slot, loss)
    phase.completed(joined_worker.callbacks.delivery)
    assert weights_left("demo+confirmation") == ["slot-0001", "slot-0002"]
    assert weights_left("demo") == ["slot-0000", "slot-0001"]


def test_seeds_whose_weights_are_averaged_start_from_the_same_head(
    joined_worker: JoinedWorker,
) -> None:
    study = search_of(joined_worker, 0.4, 0.1)
    config = ConfirmConfig(top_k=2, seeds=2, soup=True)
    phase = Confirmation(joined_worker.plan, study, config)
    specs = [next_spec(joined_worker, phase) for _ in range(4)]
    heads = {spec.values["training.head_seed"] for spec in specs}
    assert len(heads) == 1
    assert heads.isdisjoint(spec.values[SEED] for spec in specs)
    composed = joined_worker.plan.compose_trial(specs[0].values).config.training
    assert (composed.seed, composed.head_seed) == (specs[0].values[SEED], heads.pop())
