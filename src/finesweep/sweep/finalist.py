"""The winner's one look at the test split, and its model in MLflow."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from optuna import Study
from optuna.trial import TrialState

from finesweep.config import SweepPlan
from finesweep.dataset import load_dataset, tokenise
from finesweep.errors import FinesweepError
from finesweep.model import load_trained
from finesweep.sweep.attempt import RUN_ID, VALUES
from finesweep.sweep.checkpoints import CHECKPOINT
from finesweep.sweep.recording import log_test
from finesweep.sweep.study import FINALIST
from finesweep.tracking import Run, Store
from finesweep.training import majority_accuracy


@dataclass(frozen=True)
class Finalist:
    """The best trial, evaluated on the test split and logged as a model."""

    trial: int
    run_id: str
    model_uri: str
    test_metrics: dict[str, float]
    """`test/name` → value."""
    majority_accuracy: float
    """Accuracy on the same test split of always answering train's commonest class."""
    test_rows: int
    max_length: int
    """Tokens that the model reads of a text."""


def known_finalist(study: Study) -> Finalist | None:
    """What `evaluate_winner` left in the study."""
    stored = study.user_attrs.get(FINALIST)
    return Finalist(**stored) if stored else None


def evaluate_winner(plan: SweepPlan, study: Study, store: Store) -> Finalist | None:
    """The best trial's test result and logged model; None when no trial is complete.

    Done once: the study remembers it, until another trial is best.
    """
    if not study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        return None
    best, known = study.best_trial, known_finalist(study)
    if known is not None and known.trial == best.number:
        return known
    folder = Path(best.user_attrs[CHECKPOINT])
    if not folder.is_dir():
        raise FinesweepError(f"the best trial's weights are gone: {folder} does not exist")
    config = plan.compose_trial(best.user_attrs[VALUES]).config
    dataset = load_dataset(config.dataset)
    model, tokenizer = load_trained(folder)
    tokens = tokenise(dataset, tokenizer, max_length=config.dataset.max_length)
    run = Run(store, best.user_attrs[RUN_ID])
    metrics, uri = log_test(run, dataset, tokens, model, config)
    finalist = Finalist(
        trial=best.number,
        run_id=run.run_id,
        model_uri=uri,
        test_metrics=metrics,
        majority_accuracy=majority_accuracy(dataset.train["label"], dataset.test["label"]),
        test_rows=len(dataset.test),
        max_length=tokens.max_length,
    )
    study.set_user_attr(FINALIST, asdict(finalist))
    return finalist
