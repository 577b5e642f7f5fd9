"""The best trial of each model compared with every other model's, on the same validation rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace
from itertools import combinations

from optuna.trial import FrozenTrial

from finesweep.config import SweepPlan
from finesweep.dataset import load_dataset
from finesweep.model import load_model, load_tokenizer
from finesweep.runs.latency import measure_latency
from finesweep.stats.paired_comparison import compare_pair
from finesweep.stats.paired_tests import holm
from finesweep.sweep.comparisons import Contender, ModelComparison
from finesweep.sweep.selection.state import SweepState
from finesweep.sweep.study.keys import DATA_FINGERPRINT, MODEL, VALUES
from finesweep.sweep.study.slots import finished_trials
from finesweep.sweep.study.study import comparisons_in
from finesweep.sweep.study.trial_runs import run_of
from finesweep.tracking import TrackingStore
from finesweep.tracking.predictions import FILE, SplitPredictions, read_predictions

Pair = tuple[str, str]
"""Names of two models, the better first."""


def compare_models(
    plan: SweepPlan, state: SweepState, store: TrackingStore, unlike: Collection[Pair]
) -> list[ModelComparison]:
    """One comparison per pair of models that is not unlike, p values adjusted by Holm; empty with
    fewer than two models.

    The rows are the validation rows by which the search chose each model's best trial, so the bias
    of that choice is the same for all models.
    """
    best = best_by_model(state)
    if len(best) < 2:
        return []
    predictions = dict[str, SplitPredictions]()
    for name, trial in best.items():
        if (logged := _predictions(store, state.uid, trial)) is None:
            return earlier_comparisons(state, best)
        predictions[name] = logged
    tried = Counter(trial.user_attrs.get(MODEL) for trial in finished_trials(state.trials))
    contenders = {name: _contender(plan, trial, tried[name]) for name, trial in best.items()}
    comparisons = [
        _compare(contenders[first], contenders[second], predictions[first], predictions[second])
        for first, second in combinations(best, 2)
        if (first, second) not in unlike
        and len(predictions[first].labels) == len(predictions[second].labels)
    ]
    adjusted = holm([each.p for each in comparisons])
    return [replace(each, p=p) for each, p in zip(comparisons, adjusted, strict=True)]


def best_by_model(state: SweepState) -> dict[str, FrozenTrial]:
    """Model → its best complete trial, the best model first."""
    best: dict[str, FrozenTrial] = {}
    for trial in state.ranked:
        best.setdefault(trial.user_attrs[MODEL], trial)
    return best


def unlike_pairs(plan: SweepPlan, best: Mapping[str, FrozenTrial]) -> list[Pair]:
    """The pairs of models whose trials were evaluated on other validation rows, because the sweep
    varies what the data are read from, or how."""
    return [
        (first, second)
        for first, second in combinations(best, 2)
        if not _have_same_rows(plan, best[first], best[second])
    ]


def _have_same_rows(plan: SweepPlan, *trials: FrozenTrial) -> bool:
    """Whether the validation rows are the same; the data differ also where only train does."""
    if len({trial.user_attrs.get(DATA_FINGERPRINT) for trial in trials}) == 1:
        return True
    configs = [plan.compose_trial(trial.user_attrs[VALUES]).config for trial in trials]
    first, second = (load_dataset(config.dataset).validation for config in configs)
    return all(first[column][:] == second[column][:] for column in ("text", "label"))


def earlier_comparisons(
    state: SweepState, best: Mapping[str, FrozenTrial]
) -> list[ModelComparison]:
    """Recorded comparisons of these trials, from before their runs were deleted."""
    numbers = {trial.number for trial in best.values()}
    recorded = comparisons_in(state.attributes)
    return [each for each in recorded if {each.first.trial, each.second.trial} <= numbers]


def _predictions(
    store: TrackingStore, study_uid: str, trial: FrozenTrial
) -> SplitPredictions | None:
    """Predictions of the trial's model for the validation rows; None when its run was deleted."""
    run = run_of(store, study_uid, trial.number)
    if run is None:
        return None
    path = store.client.download_artifacts(run.run_id, f"validation/{FILE}")
    return read_predictions(path)


def _contender(plan: SweepPlan, trial: FrozenTrial, n_trials: int) -> Contender:
    """The model's cost, measured with untrained weights: latency does not depend on training."""
    config = plan.compose_trial(trial.user_attrs[VALUES]).config
    dataset = load_dataset(config.dataset)
    model = load_model(
        config.model, label_names=dataset.label_names, seed=0, multi_label=dataset.multi_label
    )
    latency = measure_latency(
        model,
        load_tokenizer(config.model),
        dataset,
        max_length=config.dataset.max_length,
    )
    name = trial.user_attrs[MODEL]
    return Contender(
        model=name,
        trial=trial.number,
        n_trials=n_trials,
        latency_ms=latency.one_p50,
        parameters=sum(p.numel() for p in model.parameters()),
    )


def _compare(
    first: Contender, second: Contender, left: SplitPredictions, right: SplitPredictions
) -> ModelComparison:
    pair = compare_pair(left.probabilities, right.probabilities, left.labels, left.label_names)
    return ModelComparison(first, second, **vars(pair))
