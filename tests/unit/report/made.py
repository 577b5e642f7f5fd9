"""Sweeps in studies of their own, as they stand at any moment, without a training."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from optuna import Study
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState, create_trial
from tests.unit.sweep.studies import new_study

from finesweep.records import DecisionRule, Direction, Finalist
from finesweep.report.reading import read_sweep
from finesweep.report.records import Evaluated, Leader, SweepRecord
from finesweep.sweep.comparisons import BaselineResult, Contender, ModelComparison
from finesweep.sweep.study.keys import (
    BASELINE,
    COMPARISONS,
    DEFINITION,
    FINALIST,
    LEDGER,
    MODEL,
    ORIGIN,
    SLOT,
    SWEEP,
    VALUES,
)

BEGUN = datetime(2026, 1, 1, tzinfo=UTC)
DEPTHS = {"bert": 12, "distilbert": 6}


def made_study(
    n_trials: int = 0,
    *,
    models: Sequence[str] = ("bert", "distilbert"),
    metric: str = "validation/loss",
    direction: Direction = "minimize",
    target: int | None = None,
    pruned: float = 0.4,
    **attributes: Any,
) -> Study:
    """A study with n_trials finished trials, drawn at random; the learning rate decides them."""
    definition = {"sweep.metric": metric, "sweep.direction": direction}
    known = {SWEEP: "own", DEFINITION: definition, **attributes}
    study = new_study(name="own", n_trials=target or n_trials, direction=direction, **known)
    drawn = random.Random(0)
    study.add_trials(
        [
            made_trial(
                number,
                drawn.choice(models),
                drawn,
                direction=direction,
                is_pruned=number > 0 and drawn.random() < pruned,
                choices=models,
            )
            for number in range(n_trials)
        ]
    )
    return study


def made_trial(
    number: int,
    model: str,
    drawn: random.Random,
    *,
    direction: Direction = "minimize",
    is_pruned: bool = False,
    choices: Sequence[str] = ("bert", "distilbert"),
    **attributes: Any,
) -> Any:
    """A complete or pruned trial of this model, with its curve and its time."""
    rate, depth = 10 ** drawn.uniform(-5, -3), drawn.randrange(DEPTHS.get(model, 6) + 1)
    length, decay = drawn.choice((128, 256)), drawn.uniform(0, 0.1)
    params = {
        "model": model,
        "training.learning_rate": rate,
        "training.weight_decay": decay,
        "dataset.max_length": length,
        f"model.freeze_layers|model={model}": depth,
    }
    distance = abs(np.log10(rate) + 4) + (0.1 if model != choices[0] else 0)
    losses = [0.3 + distance + 0.5 / (k + 1) + drawn.uniform(0, 0.05) for k in range(6)]
    values = losses if direction == "minimize" else [1 - 0.4 * loss for loss in losses]
    best = min(values) if direction == "minimize" else max(values)
    trial = create_trial(
        state=TrialState.PRUNED if is_pruned else TrialState.COMPLETE,
        value=values[1] if is_pruned else best,
        params=params,
        distributions={
            "model": CategoricalDistribution(choices),
            "training.learning_rate": FloatDistribution(1e-5, 1e-3, log=True),
            "training.weight_decay": FloatDistribution(0, 0.1),
            "dataset.max_length": CategoricalDistribution((128, 256)),
            f"model.freeze_layers|model={model}": IntDistribution(0, DEPTHS.get(model, 6)),
        },
        intermediate_values={
            100 * (k + 1): value for k, value in enumerate(values[: 2 if is_pruned else 6])
        },
        user_attrs={
            SLOT: number,
            MODEL: model,
            ORIGIN: "sampler",
            VALUES: {name.split("|")[0]: value for name, value in params.items()},
            LEDGER: {
                "seconds/training": 20.0,
                "seconds/loading": 4.0,
                "seconds_saved/cache": 6.0,
                **({"seconds_saved/pruning": 10.0} if is_pruned else {}),
            },
            **attributes,
        },
    )
    trial.datetime_start = BEGUN + timedelta(seconds=30 * number)
    trial.datetime_complete = trial.datetime_start + timedelta(seconds=24)
    return trial


def best_of(study: Study) -> int:
    return study.best_trial.number


def decide(study: Study, *, confirmed: dict[str, Any] | None = None) -> Finalist:
    """Records a winner, its baseline and the comparison of the models, as the last worker does."""
    number = best_of(study)
    finalist = Finalist(
        trial=number,
        run_id="run",
        model_uri="models:/m-1",
        test_metrics={"test/accuracy": 0.9, "test/f1": 0.89, "test/loss": 0.3},
        majority_accuracy=0.5,
        test_rows=200,
        max_length=128,
        uid=f"uid/{number}",
        test_intervals={"test/accuracy": [0.86, 0.94]},
        confirmed=confirmed,
    )
    study.set_user_attr(FINALIST, asdict(finalist))
    study.set_user_attr(BASELINE, asdict(baseline()))
    study.set_user_attr(COMPARISONS, [asdict(comparison(study))])
    return finalist


def baseline(*, p: float = 0.001) -> BaselineResult:
    scores = {"validation/loss": 0.6, "test/accuracy": 0.8}
    return BaselineResult("tfidf", {"validation/loss": 0.6}, scores, 0.4, 30, 10, p)


def comparison(study: Study) -> ModelComparison:
    """Of the best trial of each model; the second is smaller and faster."""
    best = {}
    for trial in sorted(study.trials, key=lambda t: t.value or 0):
        if trial.state == TrialState.COMPLETE:
            best.setdefault(trial.user_attrs[MODEL], trial.number)
    contenders = [
        Contender(model, number, 5, latency_ms=20.0 / (k + 1), parameters=110_000_000 // (k + 1))
        for k, (model, number) in enumerate(sorted(best.items()))
    ]
    nothing = (0.0, -0.1, 0.1)
    return ModelComparison(
        contenders[0], contenders[-1], 300, (0.9, 0.88), 20, 14, 0.4, nothing, nothing
    )


def evaluated(names: Sequence[str] = ("bad", "good"), text: str = "a dull film") -> Evaluated:
    """40 test rows, the first ten of which are wrong."""
    labels = np.arange(40) % 2
    right = np.where(np.arange(40) < 10, 0.3, 0.8 + np.arange(40) / 400)
    probabilities = np.stack([np.where(labels == 0, right, 1 - right)] * 2, axis=1)
    probabilities[:, 1] = 1 - probabilities[:, 0]
    error = {"row": 0, "text": text, "truth": names[0], "prediction": names[1], "probability": 0.7}
    return Evaluated(
        split="test",
        label_names=names,
        confusion=np.array([[15, 5], [5, 15]]),
        labels=labels,
        probabilities=probabilities,
        errors=[{**error, "kinds": ["negation"]} for _ in range(10)],
        slices=[{"slice": f"label {name}", "rows": 20, "accuracy": 0.75} for name in names],
        rule=DecisionRule(temperature=1.2, uncertain_below=0.75),
        words={0: text.split()[1:]},
    )


def leader(trial: int, **fields: Any) -> Leader:
    """The winner's run, with every file."""
    known: dict[str, Any] = {
        "run_id": "run",
        "metrics": {"latency_ms/one_p50": 8.0},
        "params": {
            "dataset.name": "films",
            "training.seed": "7",
            "parameters.trainable": "60",
            "parameters.frozen": "40",
        },
        "tags": {},
        "config": "training:\n  epochs: 2\n",
        "evaluated": evaluated(),
        "data": {
            "name": "films",
            "fingerprint": "f" * 64,
            "labels": ["bad", "good"],
            "multi_label": False,
            "notes": [],
            "splits": {"train": {"rows": 400, "labels": [100, 300]}},
        },
    }
    return Leader(trial=trial, **(known | fields))


def record(study: Study) -> SweepRecord:
    """The study as a report reads it, without MLflow."""
    return read_sweep(study, None, None)
