"""The search space of all peers, and how large a trial is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from versus_trainer import FIELDS

if TYPE_CHECKING:
    import optuna

N_TRIALS, N_EPOCHS, LENGTHS = 16, 3, [24, 48]
RATES, DECAYS = (2e-5, 5e-4), (0.0, 0.1)
DEPTHS = {"minilm": 6, "distil_minilm": 3}
N_AT_MOST = 200
"""Trials of finesweep's sweep; its time ends it long before."""
SWEEP = """\
# @package sweep
# The peers' space, and nothing else: the rest are finesweep's defaults   finesweep sweep target
n_trials: {n_at_most}
baseline: false
report: false
params:
  dataset: local
  dataset.name: {name}
  dataset.files.train: {folder}/train.parquet
  dataset.files.validation: {folder}/validation.parquet
  dataset.files.test: {folder}/validation.parquet
  model: choice(minilm, distil_minilm)
  training.learning_rate: tag(log, interval({rates[0]}, {rates[1]}))
  training.epochs: range(1, {stop_epochs})
  dataset.max_length: choice({lengths})
  training.weight_decay: interval({decays[0]}, {decays[1]})
when:
  model=minilm:
    model.freeze_layers: range(0, 7)
  model=distil_minilm:
    model.freeze_layers: range(0, 4)
"""
PATHS = FIELDS | {"decay": "training.weight_decay"}
"""Name of a param here → its field in finesweep."""


def suggest(trial: optuna.Trial) -> dict[str, Any]:
    """A trial's params, as `peers_objective` takes them."""
    model = trial.suggest_categorical("model", list(DEPTHS))
    return {
        "model": model,
        "rate": trial.suggest_float("rate", *RATES, log=True),
        "epochs": trial.suggest_int("epochs", 1, N_EPOCHS),
        "max_length": trial.suggest_categorical("max_length", LENGTHS),
        "decay": trial.suggest_float("decay", *DECAYS),
        "depth": trial.suggest_int(f"depth {model}", 0, DEPTHS[model]),
    }


def sweep_file(name: str, folder: object) -> str:
    """The text of finesweep's sweep over the same space."""
    return SWEEP.format(
        n_at_most=N_AT_MOST,
        name=name,
        folder=folder,
        rates=RATES,
        decays=DECAYS,
        stop_epochs=N_EPOCHS + 1,
        lengths=", ".join(map(str, LENGTHS)),
    )
