"""The peer that users write with Ray Tune: random configurations around Trainer, halved by ASHA."""

from __future__ import annotations

import importlib.util
import os
import tempfile
import time
from collections.abc import Mapping
from typing import Any

from versus_trainer import peers_objective

from target.clock import Seconds
from target.optuna_peers import fresh_losses
from target.rows import n_labels_in
from target.space import DECAYS, DEPTHS, LENGTHS, N_EPOCHS, N_TRIALS, RATES
from target.task import Outcome, Task, Trajectory

MISSING = "peer asha is left out: Ray is not installed (pip install 'ray[tune]')"


def is_installed() -> bool:
    return importlib.util.find_spec("ray") is not None


def run(task: Task) -> Outcome:
    """Twice as many configurations as the peers', one at a time.

    Its clock adds up the seconds inside the trials: Ray's own processes and imports are left out.
    """
    import ray
    from ray import tune
    from ray.tune.schedulers import ASHAScheduler
    from ray.tune.search import BasicVariantGenerator

    spent = [0.0, 0.0]
    trajectory = Trajectory(task, lambda: Seconds(*spent))

    class Record(tune.Callback):  # type: ignore[misc]
        """Adds each trial at its end, whether it ran through or ASHA stopped it."""

        def on_trial_complete(self, iteration: int, trials: Any, trial: Any, **_: Any) -> None:
            last = trial.last_result
            spent[0] += last["cpu"]
            spent[1] += last["wall"]
            params = params_of(trial.config)
            state = "COMPLETE" if last["epoch"] >= params["epochs"] else "PRUNED"
            trajectory.add(last["best"], state, params)

    class Stop(tune.Stopper):  # type: ignore[misc]
        def __call__(self, trial_id: str, result: Mapping[str, Any]) -> bool:
            return False

        def stop_all(self) -> bool:
            return trajectory.is_over()

    ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False)
    with tempfile.TemporaryDirectory(prefix="finesweep-ray-") as storage:
        tune.Tuner(
            tune.with_resources(tune.with_parameters(train, task=task), {"cpu": 1}),
            param_space={
                "share": tune.uniform(0, 1),
                "model": tune.choice(list(DEPTHS)),
                "rate": tune.loguniform(*RATES),
                "epochs": tune.randint(1, N_EPOCHS + 1),
                "max_length": tune.choice(LENGTHS),
                "decay": tune.uniform(*DECAYS),
            },
            tune_config=tune.TuneConfig(
                metric="eval_loss",
                mode="min",
                num_samples=2 * N_TRIALS,
                search_alg=BasicVariantGenerator(max_concurrent=1, random_state=task.seed),
                scheduler=ASHAScheduler(
                    time_attr="epoch", grace_period=1, max_t=N_EPOCHS, reduction_factor=2
                ),
                reuse_actors=True,
            ),
            run_config=tune.RunConfig(
                storage_path=storage, callbacks=[Record()], stop=Stop(), verbose=0
            ),
        ).fit()
    ray.shutdown()
    return Outcome(tuple(trajectory.ends), trajectory.winner, fresh_losses(task, trajectory.winner))


def train(config: dict[str, Any], task: Task) -> None:
    """One trial in Ray's process: it reports its losses and its seconds at each epoch's end."""
    from ray import tune
    from transformers import TrainerCallback

    params = params_of(config)
    best = float("inf")

    class Report(TrainerCallback):  # type: ignore[misc]
        def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Any, **_: Any) -> None:
            nonlocal best
            best = min(best, metrics["eval_loss"])
            cpu, wall = time.process_time() - began[0], time.monotonic() - began[1]
            tune.report(
                {
                    "eval_loss": metrics["eval_loss"],
                    "best": best,
                    "epoch": round(state.epoch),
                    "cpu": cpu,
                    "wall": wall,
                }
            )

    os.chdir(task.folder)
    objective = peers_objective(
        task.path,
        lambda trial: params,
        seed=task.seed,
        n_labels=n_labels_in(task.path),
        callbacks=lambda trial: [Report()],
    )
    began = time.process_time(), time.monotonic()
    objective(None)  # type: ignore[arg-type]


def params_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """A trial's params as `peers_objective` takes them: a depth among those of its model."""
    params = {key: value for key, value in config.items() if key != "share"}
    depth = int(config["share"] * (DEPTHS[config["model"]] + 1))
    return params | {"epochs": int(config["epochs"]), "depth": depth}
