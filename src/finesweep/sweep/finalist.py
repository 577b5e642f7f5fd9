"""The winner's one look at the test split, and its model in MLflow."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from optuna import Study
from optuna.trial import TrialState

from finesweep.config import SweepPlan
from finesweep.dataset import load_dataset, tokenise
from finesweep.errors import FinesweepError
from finesweep.model import count_parameters, load_trained
from finesweep.records import Finalist
from finesweep.sweep.attributes import CHECKPOINT, FINALIST, VALUES
from finesweep.sweep.parent import run_of
from finesweep.sweep.recording import Setup, log_test
from finesweep.sweep.study import known_finalist
from finesweep.tracking import Store
from finesweep.training import majority_accuracy


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
    composed = plan.compose_trial(best.user_attrs[VALUES])
    config = composed.config
    dataset = load_dataset(config.dataset)
    model, tokenizer = load_trained(folder)
    tokens = tokenise(
        dataset,
        tokenizer,
        max_length=config.dataset.max_length,
        cache=Path(config.storage.cache),
    )
    run = run_of(store, study, best)
    if run is None:
        raise FinesweepError(f"the best trial {best.number} has no run in {store.uri}")
    test = log_test(run, Setup(composed, dataset, tokens, model, count_parameters(model)))
    finalist = Finalist(
        trial=best.number,
        run_id=run.run_id,
        model_uri=test.model_uri,
        test_metrics=test.metrics,
        majority_accuracy=majority_accuracy(dataset.train["label"], dataset.test["label"]),
        test_rows=len(dataset.test),
        max_length=tokens.max_length,
    )
    study.set_user_attr(FINALIST, asdict(finalist))
    return finalist
