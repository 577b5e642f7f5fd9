"""Trials until a sampler is as good as sixteen trials of TPE, on functions fitted to real trials.

python benchmarks/samplers.py [--seeds 10] [--trials 16]

Each data set of the table that comes with finesweep is a function of the settings: a Gaussian
process through its trials, with the noise of a seed added to each value. Nothing is trained, so a
run takes seconds. TransferSampler never sees the trials of the set that it is tried on; without
any table it is TPE by definition, and its own process without a prior is tried as well.
"""

from __future__ import annotations

import argparse
import statistics
import warnings
from collections.abc import Callable

import numpy as np
import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler, GPSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial

from finesweep.samplers import Branch, TransferSampler
from finesweep.samplers.encoding import encoding_of
from finesweep.samplers.packaged import packaged_tasks
from finesweep.samplers.prior import fit_prior

SETS = ("sst2", "imdb", "amazon", "yelp_stars", "phishing_3k")
SEED_NOISE = 0.01
"""Standard deviation of a loss over seeds; see docs/log.md, eight seeds of one configuration."""
MODELS = ("distil_minilm", "minilm")
Make = Callable[[str, int], BaseSampler]


def samplers() -> dict[str, Make]:
    """Name → the sampler for a data set and a seed."""
    return {
        "TPE": lambda _, seed: TPESampler(multivariate=True, group=True, seed=seed),
        "random": lambda _, seed: RandomSampler(seed=seed),
        "Optuna's GP": lambda _, seed: GPSampler(seed=seed, warn_independent_sampling=False),
        "TransferSampler": lambda name, seed: TransferSampler(
            without=[name], search_space=branches(), seed=seed
        ),
        "the same, fields unknown": lambda name, seed: TransferSampler(
            [unknown()], without=["all"], search_space=branches(), seed=seed
        ),
    }


def unknown() -> list[FrozenTrial]:
    """Four equal trials: they know the fields, and nothing about them."""
    (first, *_), *_ = packaged_tasks()
    return [
        optuna.create_trial(params=first.params, distributions=first.distributions, value=0.5)
    ] * 4


def branches() -> list[Branch]:
    spaces: dict[str, dict[str, optuna.distributions.BaseDistribution]] = {}
    for trial in packaged_tasks()[0]:
        spaces[trial.params["model"]] = trial.distributions
    return [Branch(space, {"model": (model,)}) for model, space in spaces.items()]


def surrogate(trials: list[FrozenTrial]) -> Callable[[dict[str, object], dict], float]:  # type: ignore[type-arg]
    """Params and distributions → loss, through these trials."""
    encoding = encoding_of(trial.distributions for trial in trials)
    rows = encoding.rows([(trial.params, trial.distributions) for trial in trials])
    losses = np.array([trial.value for trial in trials])
    process = fit_prior([rows], [losses])
    mean, deviation = losses.mean(), losses.std()

    def loss(params: dict[str, object], space: dict) -> float:  # type: ignore[type-arg]
        expected = process.mean(encoding.rows([(params, space)]))[0]
        return float(mean + deviation * expected)

    return loss


def best_so_far(
    sampler: BaseSampler, loss: Callable[..., float], *, n_trials: int, seed: int
) -> list[float]:
    """The lowest noise-free loss after each trial."""
    noise = np.random.default_rng(seed)
    true: list[float] = []

    def objective(trial: optuna.Trial) -> float:
        model = trial.suggest_categorical("model", MODELS)
        space = next(each.space for each in branches() if each.only["model"] == (model,))
        for name, each in space.items():
            if isinstance(each, CategoricalDistribution):
                trial.suggest_categorical(name, each.choices)
            elif isinstance(each, IntDistribution):
                trial.suggest_int(name, each.low, each.high)
            elif isinstance(each, FloatDistribution):
                trial.suggest_float(name, each.low, each.high, log=each.log)
        true.append(loss(trial.params, trial.distributions))
        return true[-1] + float(noise.normal(0.0, SEED_NOISE))

    study = optuna.create_study(sampler=sampler)
    study.optimize(objective, n_trials=n_trials)
    return list(np.minimum.accumulate(true))


def main() -> None:
    cli = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    cli.add_argument("--seeds", type=int, default=10)
    cli.add_argument("--trials", type=int, default=16)
    given = cli.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore")
    makers = samplers()
    curves: dict[str, list[list[float]]] = {name: [] for name in makers}
    for trials, data_set in zip(packaged_tasks(), SETS, strict=True):
        loss = surrogate(trials)
        for seed in range(given.seeds):
            for name, make in makers.items():
                sampler = make(data_set, seed)
                curves[name].append(best_so_far(sampler, loss, n_trials=given.trials, seed=seed))
    targets = [curve[-1] for curve in curves["TPE"]]
    for name, found in curves.items():
        needed = [
            next((n for n, value in enumerate(curve, 1) if value <= target + SEED_NOISE / 2), None)
            for curve, target in zip(found, targets, strict=True)
        ]
        missed = needed.count(None)
        reached = [given.trials + 1 if n is None else n for n in needed]
        final = statistics.mean(c[-1] - t for c, t in zip(found, targets, strict=True))
        third = statistics.mean(c[2] - t for c, t in zip(found, targets, strict=True))
        print(
            f"{name:26} median {statistics.median(reached):4.1f} trials to TPE's loss after "
            f"{given.trials}, missed {missed:2d} of {len(reached)}; above it by {third:+.4f} after "
            f"3 trials, {final:+.4f} at the end"
        )


if __name__ == "__main__":
    main()
