"""Samplers and pruners that could not do what a sweep asks are refused before it runs."""

from __future__ import annotations

import logging
import sys
import threading
from typing import Any

import optuna
import pytest
from optuna._imports import _LazyImport
from optuna.samplers import RandomSampler

from finesweep.config import compose_sweep
from finesweep.errors import ConfigError
from finesweep.sweep.rehearsal import rehearse, silent_optuna
from finesweep.sweep.study.sampling.node import seeded_sampler

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("workplace")]

SAMPLER = "sweep.sampler={_target_: optuna.samplers.%s}"
PRUNER = "sweep.pruner={_target_: optuna.pruners.%s}"
POINTS = ["training.learning_rate=choice(1e-5, 1e-4)", "training.weight_decay=0.01"]
NUMBERS = ["model=minilm", "model.freeze_layers=0", "dataset.max_length=32"]


class Failing(RandomSampler):
    """Like one that finds out late, when there are trials to learn from, what it lacks."""

    def before_trial(self, study: optuna.Study, trial: Any) -> None:
        if study.get_trials(deepcopy=False)[:-1]:
            raise ZeroDivisionError("no variance")


class Ending(RandomSampler):
    """Like one that ends the study once it has nothing left to try."""

    def after_trial(self, study: optuna.Study, *told: Any) -> None:
        study.stop()


ENDING = f"sweep.sampler={{_target_: {__name__}.Ending}}"
SEVERAL = "sweep.objectives=[validation/loss,latency_ms/one_p50]"
FAILING = f"sweep.sampler={{_target_: {__name__}.Failing}}"


@pytest.mark.parametrize(
    "given",
    [
        [],
        [SAMPLER % "RandomSampler"],
        [SAMPLER % "TPESampler, multivariate: true"],
        [SAMPLER % "TPESampler, n_startup_trials: 40", "sweep.n_trials=60"],
        [SAMPLER % "QMCSampler"],
        [SAMPLER % "NSGAIISampler"],
        [SAMPLER % "GPSampler"],
        [SAMPLER % "CmaEsSampler"],
        [SAMPLER % "CmaEsSampler", *NUMBERS],
        [SAMPLER % "GridSampler", *POINTS],
        [SAMPLER % "BruteForceSampler, avoid_premature_stop: true", *POINTS],
        [PRUNER % "HyperbandPruner"],
        [PRUNER % "SuccessiveHalvingPruner"],
        [PRUNER % "MedianPruner, n_warmup_steps: 25%"],
        [
            PRUNER
            % "PatientPruner, patience: 1, wrapped_pruner: {_target_: optuna.pruners.NopPruner}"
        ],
        [SEVERAL],
        [SEVERAL, SAMPLER % "NSGAIISampler"],
        [SEVERAL, SAMPLER % "GPSampler", *NUMBERS],
        [SEVERAL, PRUNER % "SuccessiveHalvingPruner"],
        ["sweep.pruner=null"],
        ["sweep.n_trials=1"],
    ],
    ids=str,
)
def test_what_can_run_passes(given: list[str]) -> None:
    rehearse(compose_sweep("demo", given))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            SAMPLER % "GridSampler",
            r"^2 problems:\n  training\.learning_rate: .*write choice\(2e-05",
        ),
        (ENDING, r"^sweep\.sampler: Ending stops the study itself, but here n_trials does; use an"),
        (SAMPLER % "TPESamplr", r"^optuna\.samplers\.TPESamplr: .*; did you mean 'TPESampler'\?"),
        (SAMPLER % "TPESampler, n_startup: 4", r"unexpected keyword argument 'n_startup'"),
        (
            "sweep.sampler={_target_: optuna.pruners.NopPruner}",
            r"NopPruner is not an Optuna sampler",
        ),
        (FAILING, r"^sweep\.sampler: Failing failed: ZeroDivisionError: no variance$"),
        (PRUNER % "ThresholdPruner", r"ThresholdPruner: Either lower or upper must be specified"),
        (
            PRUNER % "WilcoxonPruner",
            r"^sweep\.pruner: WilcoxonPruner compares trials on the same in",
        ),
        (PRUNER % "PatientPruner", r"PatientPruner.*missing 2 required positional arguments"),
        (
            "sweep.pruner={_target_: optuna.samplers.TPESampler}",
            r"^sweep\.pruner: TPESampler failed: AttributeError: .* has no attribute 'prune'",
        ),
    ],
)
def test_what_cannot_is_told_before_anything_runs(given: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        rehearse(compose_sweep("demo", [given]))


@pytest.mark.parametrize("numbers", [[], NUMBERS])
def test_a_sampler_whose_package_is_missing_says_what_to_install(
    numbers: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cmaes", None)  # as if it were not installed, if it is
    monkeypatch.setattr("optuna.samplers._cmaes.cmaes", _LazyImport("cmaes"))  # nor loaded
    message = r"^sweep\.sampler: .* needs cmaes: pip install 'finesweep\[samplers\]'$"
    with pytest.raises(ConfigError, match=message):
        rehearse(compose_sweep("demo", [SAMPLER % "CmaEsSampler", *numbers]))


def test_a_rehearsal_leaves_optuna_s_log_as_it_was() -> None:
    logger = logging.getLogger("optuna")
    before = (list(logger.handlers), logger.level, logger.propagate)
    rehearse(compose_sweep("demo", []))
    assert (list(logger.handlers), logger.level, logger.propagate) == before


@pytest.mark.parametrize(
    ("given", "seed"),
    [
        (SAMPLER % "RandomSampler", 42),
        (SAMPLER % "RandomSampler, seed: 7", 7),
        (SAMPLER % "RandomSampler, seed: null", None),
        ("sweep.sampler={n_startup_trials: 3}", 42),
    ],
)
def test_a_sampler_that_takes_a_seed_has_one(given: str, seed: int | None) -> None:
    assert seeded_sampler(compose_sweep("demo", [given]))["seed"] == seed


def test_a_sampler_that_takes_no_seed_gets_none() -> None:
    base = "base_sampler: {_target_: optuna.samplers.RandomSampler}"
    plan = compose_sweep("demo", [SAMPLER % f"PartialFixedSampler, fixed_params: {{}}, {base}"])
    assert "seed" not in seeded_sampler(plan)


@pytest.mark.parametrize(
    ("own", "message"),
    [
        (SAMPLER % "CmaEsSampler", "sampler: CmaEsSampler takes one objective, and sweep.objectiv"),
        (
            "sweep.sampler={_target_: finesweep.samplers.TransferSampler}",
            "sampler: TransferSampler takes one objective, and sweep.objectives has 2; leave it",
        ),
    ],
    ids=str,
)
def test_what_takes_one_objective_is_refused_with_what_takes_several(
    own: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=rf"^sweep\.{message}"):
        rehearse(compose_sweep("demo", [SEVERAL, own, *NUMBERS]))


def test_threads_that_silence_optuna_leave_it_as_it_was() -> None:
    logger = logging.getLogger("optuna")
    before = logger.level, list(logger.handlers), logger.propagate
    others_turn, first_is_over = threading.Event(), threading.Event()

    def second() -> None:
        with silent_optuna():
            others_turn.set()
            first_is_over.wait(10)

    thread = threading.Thread(target=second)
    with silent_optuna():
        thread.start()
        others_turn.wait(0.1)
    first_is_over.set()
    thread.join()
    assert (logger.level, logger.handlers, logger.propagate) == before
