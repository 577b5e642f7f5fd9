"""What pruners save and lose, on measured learning curves.

python benchmarks/pruning.py CURVES [--sweeps 40] [--dataset NAME] [--half]

CURVES is a file of JSON lines, one per trained configuration: `dataset`, `i` (the configuration),
`rep` (its seed), `model`, `epochs` and `curve`, a list of evaluations with `epoch`, `loss`, `half`
(the loss on half of the rows) and the seconds so far, `train_s` and `eval_s`.

Each simulated sweep shuffles a dataset's configurations and runs them in that order on a real
Optuna study in memory, each pruner on the same orders. Steps are examples seen, as in a sweep, or
for the pruners named `share` the share of the trial's own schedule. Printed for the first 16 trials
are the seconds saved, as a share of the sweep without a pruner; how often the best of the 16 was
pruned; and the regret, final best minus the best of the 16, in standard deviations of the dataset's
final losses. Last, the regret at equal time: a sweep goes on with further configurations until it
has used the time of its 16 without a pruner, and is compared with the best of all configurations.
Intervals are 95 % over the orders; those of a few datasets say nothing about the next dataset, so
each has its own table, and the last one leaves each out in turn.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna import Study
from optuna.pruners import (
    BasePruner,
    HyperbandPruner,
    MedianPruner,
    NopPruner,
    PatientPruner,
    PercentilePruner,
    SuccessiveHalvingPruner,
)
from optuna.trial import FrozenTrial, TrialState

from finesweep.sweep.study.keys import MODEL, TOTAL
from finesweep.sweep.study.pruner import PerModelPruner, SharePruner
from finesweep.sweep.study.pruning.shares import AtShares

N_TRIALS = 16
EPOCH = 300
"""Examples, and so Optuna's steps, in an epoch."""


@dataclass(frozen=True)
class Curve:
    """One trained configuration: values by step, seconds until each, and its final value."""

    model: str
    steps: Sequence[int]
    seen: Sequence[float]
    """Losses that the pruner sees."""
    seconds: Sequence[float]
    final: float
    """Best loss on all validation rows."""


@dataclass(frozen=True)
class Outcome:
    """One simulated sweep beside the same sweep without a pruner."""

    saved: float
    lost: float
    """1 when the best of the 16 was pruned, else 0."""
    regret: float
    equal_time: float


class CannotWin(BasePruner):
    """Prunes a trial that would not be the best even if it still improved as much as others did.

    That is a quantile of what complete trials gained from this step on; 1 is the most.
    """

    def __init__(self, quantile: float, n_startup_trials: int = 4, n_warmup_steps: int = 0) -> None:
        self.quantile, self.n_startup_trials = quantile, n_startup_trials
        self.n_warmup_steps = n_warmup_steps

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        step = trial.last_step
        gains = [
            min(v for s, v in t.intermediate_values.items() if s <= step) - t.value
            for t in complete
            if step in t.intermediate_values
        ]
        if len(gains) < self.n_startup_trials or step < self.n_warmup_steps:
            return False
        bound = min(trial.intermediate_values.values()) - np.quantile(gains, self.quantile)
        return bool(bound > min(t.value for t in complete))


def median(**arguments: Any) -> BasePruner:
    return MedianPruner(**{"n_startup_trials": 4, **arguments})


def percentile(percent: float, **arguments: Any) -> BasePruner:
    return PercentilePruner(percent, **{"n_startup_trials": 4, **arguments})


def halving() -> BasePruner:
    return SuccessiveHalvingPruner(min_resource=EPOCH // 2, reduction_factor=2)


def hyperband() -> BasePruner:
    return HyperbandPruner(min_resource=EPOCH // 4, max_resource=3 * EPOCH, reduction_factor=2)


PRUNERS: Mapping[str, Callable[[], BasePruner]] = {
    "none": NopPruner,
    "median": median,
    "median from epoch 0.5": lambda: median(n_warmup_steps=EPOCH // 2),
    "median from epoch 1": lambda: median(n_warmup_steps=EPOCH),
    "median, patience 1": lambda: PatientPruner(median(), patience=1),
    "best 25 %": lambda: percentile(25.0),
    "best 25 % from epoch 0.5": lambda: percentile(25.0, n_warmup_steps=EPOCH // 2),
    "best 25 % from epoch 1": lambda: percentile(25.0, n_warmup_steps=EPOCH),
    "best 75 %": lambda: percentile(75.0),
    "best 75 % from epoch 1": lambda: percentile(75.0, n_warmup_steps=EPOCH),
    "successive halving": halving,
    "hyperband": hyperband,
    "the default": SharePruner,
    "share, median": lambda: AtShares(median()),
    "share, median from 1/4": lambda: AtShares(median(n_warmup_steps=25)),
    "share, best 25 %": lambda: AtShares(percentile(25.0)),
    "share, best 25 % from 1/4": lambda: AtShares(percentile(25.0, n_warmup_steps=25)),
    "share, best 25 % from 1/3": lambda: AtShares(percentile(25.0, n_warmup_steps=33)),
    "share, cannot win": lambda: AtShares(CannotWin(1.0)),
    "share, cannot win, 90 %": lambda: AtShares(CannotWin(0.9)),
}
"""Name → a new pruner; all but halving and hyperband begin after four trials of a model."""


def curves_of(path: Path, *, half: bool) -> dict[str, list[Curve]]:
    """Dataset → its configurations, of the first seed."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    curves: dict[str, list[Curve]] = {}
    for row in sorted(rows, key=lambda row: (row["dataset"], row["i"])):
        if row["rep"] == 0:
            curves.setdefault(row["dataset"], []).append(_curve(row, half=half))
    return curves


def _curve(row: Mapping[str, Any], *, half: bool) -> Curve:
    points = row["curve"]
    return Curve(
        model=row["model"],
        steps=[round(EPOCH * point["epoch"]) for point in points],
        # As with training.pruning_rows, an epoch's end is evaluated on all rows.
        seen=[p["half" if half and p["epoch"] % 1 else "loss"] for p in points],
        seconds=[row["cache_s"] + point["train_s"] + point["eval_s"] for point in points],
        final=min(point["loss"] for point in points),
    )


def simulate(curves: Sequence[Curve], order: Sequence[int], pruner: BasePruner) -> Outcome:
    """One sweep over the curves in this order."""
    study = optuna.create_study(pruner=PerModelPruner(pruner))
    ordered = [curves[k] for k in order]
    budget = sum(curve.seconds[-1] for curve in ordered[:N_TRIALS])
    spent, finals = list[float](), list[float]()
    for curve in ordered:
        if len(spent) >= N_TRIALS and sum(spent) >= budget:
            break
        seconds, final = run(study, curve)
        spent.append(seconds)
        finals.append(final)
    every = [curve.final for curve in curves]
    best, found = min(curve.final for curve in ordered[:N_TRIALS]), min(finals[:N_TRIALS])
    in_time = [f for f, end in zip(finals, np.cumsum(spent), strict=True) if end <= budget + 1e-9]
    return Outcome(
        saved=1 - sum(spent[:N_TRIALS]) / budget,
        lost=float(found > best),
        regret=float((found - best) / np.std(every)),
        equal_time=float((min(in_time) - min(every)) / np.std(every)),
    )


def run(study: Study, curve: Curve) -> tuple[float, float]:
    """Seconds and final value of one trial; infinity when it was pruned."""
    trial = study.ask()
    trial.set_user_attr(MODEL, curve.model)
    trial.set_user_attr(TOTAL, curve.steps[-1])
    for step, value, seconds in zip(curve.steps, curve.seen, curve.seconds, strict=True):
        trial.report(value, step)
        if trial.should_prune():
            study.tell(trial, state=TrialState.PRUNED)
            return seconds, float("inf")
    study.tell(trial, curve.final)
    return curve.seconds[-1], curve.final


Table = dict[str, np.ndarray]
"""Pruner → outcomes [sweeps, 4], in the order of Outcome's fields."""


def table_of(curves: Sequence[Curve], n_sweeps: int) -> Table:
    """The outcomes of every pruner on the same n_sweeps orders."""
    drawn = np.random.default_rng(0)
    orders = [drawn.permutation(len(curves)) for _ in range(n_sweeps)]
    return {
        name: np.array([astuple(simulate(curves, order, make())) for order in orders])
        for name, make in PRUNERS.items()
    }


def print_table(title: str, table: Table) -> None:
    print(f"\n{title:<28}" + "".join(f"{field.name:>17}" for field in fields(Outcome)), flush=True)
    for name, outcomes in table.items():
        cells = zip(outcomes.mean(0), 1.96 * outcomes.std(0) / len(outcomes) ** 0.5, strict=True)
        print(f"{name:<28}" + "".join(f"{mean:>9.3f} ± {half:.3f}" for mean, half in cells))


def print_without_each(tables: Mapping[str, Table]) -> None:
    """Lowest and highest mean over all datasets but one."""
    print(f"\n{'all but one dataset':<28}" + "".join(f"{f.name:>17}" for f in fields(Outcome)))
    for name in PRUNERS:
        means = np.array([table[name].mean(0) for table in tables.values()])
        left = (means.sum(0) - means) / (len(means) - 1)
        cells = zip(left.min(0), left.max(0), strict=True)
        print(f"{name:<28}" + "".join(f"{low:>8.3f} … {high:.3f}" for low, high in cells))


def main() -> None:
    cli = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    cli.add_argument("curves", type=Path)
    cli.add_argument("--sweeps", type=int, default=40, help="simulated sweeps per dataset")
    cli.add_argument("--dataset", help="only this one")
    cli.add_argument("--half", action="store_true", help="the pruner sees half of the rows")
    given = cli.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    tables: dict[str, Table] = {}
    for dataset, curves in curves_of(given.curves, half=given.half).items():
        if given.dataset in (None, dataset):
            tables[dataset] = table_of(curves, given.sweeps)
            print_table(dataset, tables[dataset])
    if len(tables) > 1:
        pooled = {name: np.concatenate([t[name] for t in tables.values()]) for name in PRUNERS}
        print_table("all datasets", pooled)
        print_without_each(tables)


if __name__ == "__main__":
    main()
