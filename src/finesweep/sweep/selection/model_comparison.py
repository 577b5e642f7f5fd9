"""The best of each model against the best of each other one, on the same validation rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import astuple, replace
from itertools import combinations

import numpy as np
from optuna.trial import FrozenTrial

from finesweep.config import SweepPlan
from finesweep.dataset import load_dataset
from finesweep.model import load_model, load_tokenizer
from finesweep.runs.latency import measure_latency
from finesweep.stats.bootstrap import paired_bootstrap
from finesweep.stats.paired_tests import gained_and_lost, holm, mcnemar_two_sided
from finesweep.stats.predictions import (
    is_multi_label,
    log_probabilities_of,
    logits_of,
)
from finesweep.stats.scores import prediction_scores
from finesweep.sweep.comparisons import Contender, ModelComparison
from finesweep.sweep.selection.state import SweepState
from finesweep.sweep.study.keys import MODEL, VALUES
from finesweep.sweep.study.slots import finished_trials
from finesweep.sweep.study.study import comparisons_in
from finesweep.sweep.study.trial_runs import run_of
from finesweep.tracking import TrackingStore
from finesweep.tracking.predictions import FILE, SplitPredictions, read_predictions


def compare_models(
    plan: SweepPlan, state: SweepState, store: TrackingStore
) -> list[ModelComparison]:
    """Every pair of models of which a trial completed, p values adjusted by Holm for their number;
    empty where there are not two.

    The rows are those of the search, which chose each model's best by them: all of them alike.
    """
    best = best_by_model(state)
    if len(best) < 2:
        return []
    answers = dict[str, SplitPredictions]()
    for name, trial in best.items():
        if (answered := _answers(store, state.uid, trial)) is None:
            return _known(state, best)
        answers[name] = answered
    tried = Counter(trial.user_attrs.get(MODEL) for trial in finished_trials(state.trials))
    contenders = {name: _contender(plan, trial, tried[name]) for name, trial in best.items()}
    made = [
        _compared(contenders[first], contenders[second], answers[first], answers[second])
        for first, second in combinations(best, 2)
        if len(answers[first].labels) == len(answers[second].labels)
    ]
    adjusted = holm([each.p for each in made])
    return [replace(each, p=p) for each, p in zip(made, adjusted, strict=True)]


def best_by_model(state: SweepState) -> dict[str, FrozenTrial]:
    """Model → its best complete trial, the best model first."""
    found: dict[str, FrozenTrial] = {}
    for trial in state.ranked:
        found.setdefault(trial.user_attrs[MODEL], trial)
    return found


def _known(state: SweepState, best: Mapping[str, FrozenTrial]) -> list[ModelComparison]:
    """What was found of these trials while their runs were there."""
    numbers = {trial.number for trial in best.values()}
    known = comparisons_in(state.attributes)
    return [each for each in known if {each.first.trial, each.second.trial} <= numbers]


def _answers(store: TrackingStore, study_uid: str, trial: FrozenTrial) -> SplitPredictions | None:
    """To the validation rows, by the trial's model; None where its run was deleted."""
    run = run_of(store, study_uid, trial.number)
    if run is None:
        return None
    path = store.client.download_artifacts(run.run_id, f"validation/{FILE}")
    return read_predictions(path)


def _contender(plan: SweepPlan, trial: FrozenTrial, n_trials: int) -> Contender:
    """What the model costs: its latency does not depend on what it has learned."""
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


def _compared(
    first: Contender, second: Contender, left: SplitPredictions, right: SplitPredictions
) -> ModelComparison:
    labels = left.labels
    new, old = (
        prediction_scores(_logarithms(each), labels, left.label_names) for each in (left, right)
    )
    gaps = paired_bootstrap(new, old, len(labels), seed=0)
    n_gained, n_lost = map(len, gained_and_lost(left.right, right.right))
    return ModelComparison(
        first=first,
        second=second,
        rows=len(labels),
        accuracies=(float(left.right.mean()), float(right.right.mean())),
        n_gained=n_gained,
        n_lost=n_lost,
        p=mcnemar_two_sided(n_gained, n_lost),
        f1=astuple(gaps["f1"].interval),
        loss=astuple(gaps["loss"].interval),
    )


def _logarithms(answered: SplitPredictions) -> np.ndarray:
    """Logarithms of its probabilities, as prediction_scores takes them."""
    multi_label = is_multi_label(answered.labels)
    logits = logits_of(answered.probabilities, multi_label=multi_label)
    return log_probabilities_of(logits, multi_label=multi_label)
