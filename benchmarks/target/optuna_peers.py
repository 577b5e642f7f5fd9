"""Peers that users write with Optuna: TPE, a Gaussian process and random search around Trainer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from versus_trainer import peers_objective

from target.clock import Clock
from target.peers import GP, RANDOM, TPE
from target.rows import n_labels_in
from target.space import N_TRIALS, suggest
from target.task import FRESH_SEEDS, Outcome, Task, Trajectory

if TYPE_CHECKING:
    import optuna

TRIALS = {TPE: N_TRIALS, GP: N_TRIALS, RANDOM: 2 * N_TRIALS}


def sampler_of(peer: str, seed: int) -> optuna.samplers.BaseSampler:
    from optuna.samplers import GPSampler, RandomSampler, TPESampler

    if peer == GP:
        return GPSampler(seed=seed)
    if peer == RANDOM:
        return RandomSampler(seed=seed)
    return TPESampler(multivariate=True, group=True, n_startup_trials=8, seed=seed)


def run(task: Task) -> Outcome:
    """A study with a median pruner at the epochs' ends; the clock starts when all is imported."""
    import optuna
    from transformers import TrainerCallback

    optuna.logging.set_verbosity(optuna.logging.ERROR)

    class Pruning(TrainerCallback):  # type: ignore[misc]
        def __init__(self, trial: optuna.Trial) -> None:
            self.trial = trial

        def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Any, **_: Any) -> None:
            self.trial.report(metrics["eval_loss"], step=round(state.epoch))
            if self.trial.should_prune():
                raise optuna.TrialPruned

    params: dict[int, dict[str, Any]] = {}

    def suggested(trial: optuna.Trial) -> dict[str, Any]:
        params[trial.number] = suggest(trial)
        return params[trial.number]

    warm_up(task.peer)
    objective = peers_objective(
        task.path,
        suggested,
        seed=task.seed,
        n_labels=n_labels_in(task.path),
        callbacks=lambda trial: [Pruning(trial)],
    )
    study = optuna.create_study(
        sampler=sampler_of(task.peer, task.seed),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=4),
    )
    trajectory = Trajectory(task, Clock().read)

    def ended(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        complete = trial.state == optuna.trial.TrialState.COMPLETE
        trajectory.add(trial.value if complete else None, trial.state.name, params[trial.number])
        if trajectory.is_over():
            study.stop()

    study.optimize(objective, n_trials=TRIALS[task.peer], callbacks=[ended])
    return Outcome(tuple(trajectory.ends), trajectory.winner, fresh_losses(task, trajectory.winner))


def warm_up(peer: str) -> None:
    """Makes the sampler import what it imports when it first has trials to learn from."""
    import optuna

    study = optuna.create_study(sampler=sampler_of(peer, 0))
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=12)


def fresh_losses(task: Task, winner: dict[str, Any] | None) -> tuple[float, ...]:
    """The winner's best validation losses with fresh seeds, by the same code as its trial."""
    if winner is None:
        return ()
    return tuple(
        _objective_of(task, winner, seed)(None)  # type: ignore[arg-type]
        for seed in FRESH_SEEDS
    )


def _objective_of(task: Task, params: dict[str, Any], seed: int) -> Callable[[optuna.Trial], float]:
    n_labels = n_labels_in(task.path)
    return peers_objective(task.path, lambda trial: params, seed=seed, n_labels=n_labels)
