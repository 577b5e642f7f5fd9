"""Seconds until a sweep is as good as the peer's sweep of sixteen trials ends.

python benchmarks/time_to_target.py DATA [--rows 400] [--seeds 3] [--precision P] [--pruning-rows N]

DATA is a parquet file with the columns text and label. The peer is an Optuna objective around
Trainer, in fp32, with a median pruner at the epochs' ends. finesweep searches the same space with
the same sampler, seed and pruner, in --precision; it looks at --pruning-rows of the validation rows
(half of them; 0 is all) four times an epoch, prunes from the first one's end on, as the peer does,
and stops at the first trial whose validation loss on the whole split is not above the peer's best.
Each side runs in a process of its own with the same number of threads; imports are not counted.
Printed are the peer's whole time, and its time until its own best trial ended, over finesweep's.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from versus_trainer import (
    BATCH_SIZE,
    EVALUATION_BATCH_SIZE,
    WARMUP,
    peers_objective,
    prepare,
    printed_last,
    worked,
)

N_TRIALS, N_AT_MOST, N_EPOCHS, LENGTHS = 16, 48, 3, [64, 128]
RATES, DECAYS = (2e-5, 5e-4), (0.0, 0.1)
DEPTHS = {"minilm": 6, "distil_minilm": 3}
SWEEP = """\
# @package sweep
# The peer's space   finesweep sweep target
n_trials: {n_at_most}
sampler:
  _target_: optuna.samplers.TPESampler
  multivariate: true
  group: true
  n_startup_trials: 8
pruner:
  _target_: optuna.pruners.MedianPruner
  n_startup_trials: 4
  n_warmup_steps: {n_train}
keep_top_k: 1
params:
  dataset: local
  dataset.files.train: {folder}/train.parquet
  dataset.files.validation: {folder}/validation.parquet
  dataset.files.test: {folder}/validation.parquet
  training.batch_size: {batch_size}
  training.evaluation_batch_size: {evaluation_batch_size}
  training.evaluations_per_epoch: 4
  training.pruning_rows: {pruning_rows}
  training.precision: {precision}
  training.warmup_ratio: {warmup}
  model: choice(minilm, distil_minilm)
  training.learning_rate: tag(log, interval({rates[0]}, {rates[1]}))
  training.epochs: range(1, {stop_epochs})
  dataset.max_length: choice(64, 128)
  training.weight_decay: interval({decays[0]}, {decays[1]})
when:
  model=minilm:
    model.freeze_layers: range(0, 7)
  model=distil_minilm:
    model.freeze_layers: range(0, 4)
"""


def peer(folder: Path, seed: int) -> dict[str, Any]:
    """Sixteen trials as users write them: seconds in all, until the best one's end, its loss."""
    import optuna
    from transformers import TrainerCallback

    optuna.logging.set_verbosity(optuna.logging.WARNING)

    class Pruning(TrainerCallback):
        def __init__(self, trial: optuna.Trial) -> None:
            self.trial = trial

        def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Any, **_: Any) -> None:
            self.trial.report(metrics["eval_loss"], step=round(state.epoch))
            if self.trial.should_prune():
                raise optuna.TrialPruned

    def suggested(trial: optuna.Trial) -> dict[str, Any]:
        name = trial.suggest_categorical("model", list(DEPTHS))
        return {
            "model": name,
            "rate": trial.suggest_float("rate", *RATES, log=True),
            "epochs": trial.suggest_int("epochs", 1, N_EPOCHS),
            "max_length": trial.suggest_categorical("max_length", LENGTHS),
            "decay": trial.suggest_float("decay", *DECAYS),
            "depth": trial.suggest_int(f"depth {name}", 0, DEPTHS[name]),
        }

    objective = peers_objective(
        folder, suggested, seed=seed, callbacks=lambda trial: [Pruning(trial)]
    )
    sampler = optuna.samplers.TPESampler(
        multivariate=True, group=True, n_startup_trials=8, seed=seed
    )
    study = optuna.create_study(
        sampler=sampler, pruner=optuna.pruners.MedianPruner(n_startup_trials=4)
    )
    ends: list[float] = []
    began = time.perf_counter()
    study.optimize(
        objective,
        n_trials=N_TRIALS,
        callbacks=[lambda study, trial: ends.append(time.perf_counter() - began)],
    )
    best = study.best_trial
    pruned = sum(trial.state == optuna.trial.TrialState.PRUNED for trial in study.trials)
    return {
        "seconds": ends[-1],
        "until_best": ends[best.number],
        "loss": best.value,
        "trials": N_TRIALS,
        "pruned": pruned,
    }


def ours(folder: Path, seed: int, target: float) -> dict[str, Any]:
    """The sweep of one worker, until a trial's loss is not above the target."""
    import optuna

    from finesweep.sweep.study.keys import STOP
    from finesweep.sweep.worker.attempt import Attempt

    run = Attempt.run

    def watched(self: Attempt) -> float:
        value = run(self)
        if value <= target:
            self.study.set_user_attr(STOP, True)
        return value

    Attempt.run = watched  # type: ignore[method-assign]
    seconds, study = worked(
        folder, "target", [f"sweep.sampler.seed={seed}", f"training.seed={seed}"]
    )
    trials = [trial for trial in study.get_trials() if trial.state.is_finished()]
    pruned = sum(trial.state == optuna.trial.TrialState.PRUNED for trial in trials)
    loss = study.best_value
    return {"seconds": seconds, "loss": loss, "trials": len(trials), "pruned": pruned}


def write_sweep(folder: Path, *, n_train: int, precision: str, pruning_rows: int) -> None:
    text = SWEEP.format(
        n_at_most=N_AT_MOST,
        folder=folder,
        batch_size=BATCH_SIZE,
        evaluation_batch_size=EVALUATION_BATCH_SIZE,
        n_train=n_train,
        precision=precision,
        pruning_rows=pruning_rows or "null",
        warmup=WARMUP,
        rates=RATES,
        decays=DECAYS,
        stop_epochs=N_EPOCHS + 1,
    )
    (folder / "sweeps").mkdir()
    (folder / "sweeps" / "target.yaml").write_text(text)


def main() -> None:
    cli = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    cli.add_argument("data", type=Path)
    cli.add_argument("--rows", type=int, default=400)
    cli.add_argument("--seeds", type=int, default=3)
    cli.add_argument("--precision", default="auto")
    cli.add_argument("--pruning-rows", type=int)
    cli.add_argument("--seed", type=int, help=argparse.SUPPRESS)
    cli.add_argument("--target", type=float, help=argparse.SUPPRESS)
    given = cli.parse_args()
    if given.seed is not None:
        print(
            json.dumps(
                peer(given.data, given.seed)
                if given.target is None
                else ours(given.data, given.seed, given.target)
            )
        )
        return
    with tempfile.TemporaryDirectory(prefix="finesweep-target-") as name:
        folder = Path(name).resolve()
        prepare(folder, given.data, given.rows)
        half = given.rows // 10
        n = half if given.pruning_rows is None else given.pruning_rows
        write_sweep(folder, n_train=4 * given.rows // 5, precision=given.precision, pruning_rows=n)
        whole, until = [], []
        for seed in range(given.seeds):
            theirs = printed_last(__file__, folder, "--seed", seed)
            found = printed_last(__file__, folder, "--seed", seed, "--target", theirs["loss"])
            print(f"seed {seed}: peer {theirs}\n        finesweep {found}", flush=True)
            if found["loss"] > theirs["loss"]:
                print(f"        not reached in {found['trials']} trials", flush=True)
            whole.append(theirs["seconds"] / found["seconds"])
            until.append(theirs["until_best"] / found["seconds"])
    print(f"peer's sixteen trials over finesweep's time, median: {statistics.median(whole):.2f}")
    print(f"peer's time until its best over it, median: {statistics.median(until):.2f}")


if __name__ == "__main__":
    main()
