"""The winner's single evaluation on the test split, and its model in MLflow."""

from __future__ import annotations

from dataclasses import asdict

from optuna import Study

from finesweep.config import SweepPlan
from finesweep.dataset import load_dataset
from finesweep.model import count_parameters
from finesweep.model.settings.pooling import pooling_of
from finesweep.records import Finalist
from finesweep.runs.preparation import tokens_of
from finesweep.runs.run_logging import Setup
from finesweep.runs.run_summary import doubts
from finesweep.runs.test_evaluation import evaluate_on_test
from finesweep.stats.predictions import correct_rows
from finesweep.sweep.comparisons import ModelComparison
from finesweep.sweep.gains import combination_gain, gains
from finesweep.sweep.selection.baseline import compare_with_baseline
from finesweep.sweep.selection.claims import is_in_store
from finesweep.sweep.selection.combination_gain import gain_of_combination
from finesweep.sweep.selection.combining import load_winner
from finesweep.sweep.selection.confirmation import (
    confirmation_record,
    is_result_of,
    is_up_to_date,
    picked_record,
    up_to_date,
    winner_of,
)
from finesweep.sweep.selection.model_comparison import (
    Pair,
    best_by_model,
    compare_models,
    earlier_comparisons,
    unlike_pairs,
)
from finesweep.sweep.selection.omissions import omit, try_comparison
from finesweep.sweep.selection.restored_run import run_of_winner
from finesweep.sweep.selection.state import SweepState
from finesweep.sweep.selection.telling_words import log_telling_words
from finesweep.sweep.study.keys import (
    BASELINE,
    COMPARED,
    COMPARISONS,
    FINALIST,
    PARENT_RUN_ID,
    VALUES,
)
from finesweep.tracking import Run, TrackingStore
from finesweep.tracking.pages.adoption import adopt
from finesweep.tracking.pages.notes import describe_run, escaped, markdown_table
from finesweep.tracking.tags import WINNER_NAME_TAG, WINNER_RUN_TAG
from finesweep.training import majority_accuracy, predict


def evaluate_winner(
    plan: SweepPlan, study: Study, state: SweepState, store: TrackingStore
) -> Finalist | None:
    """The winner's test result and logged model, recorded in the study; None when no trial is
    complete.

    The test split is read once: again only when another configuration wins or MLflow has lost the
    result. What follows from the studies alone is brought up to date each time.
    """
    winner, recorded = winner_of(state, plan.confirm, plan.pick), state.finalist
    if winner is None:
        return None
    parent = Run(store, state.attributes[PARENT_RUN_ID])
    if recorded is not None and is_result_of(recorded, winner) and is_in_store(store, recorded):
        _compare_models(plan, study, state, store)
        current = recorded if is_up_to_date(recorded, winner) else up_to_date(recorded, winner)
        _log_winner(parent, current)
        if current is not recorded:
            study.set_user_attr(FINALIST, asdict(current))
        return current
    model, tokenizer = load_winner(plan, winner)
    composed = plan.compose_trial(winner.best.user_attrs[VALUES])
    config = composed.config
    dataset = load_dataset(config.dataset)
    tokens = tokens_of(dataset, tokenizer, config)
    validation = predict(model, tokens.validation, tokens, config.training)
    setup = Setup(composed, dataset, tokens, model, count_parameters(model))
    run = run_of_winner(parent, winner, setup, validation, sweep=state.name)
    _compare_models(plan, study, state, store)
    test = evaluate_on_test(run, setup, validation)
    if plan.settings.report:
        try_comparison(
            lambda: log_telling_words(run, setup, test),
            study,
            what="the words behind wrong predictions",
        )
    finalist = Finalist(
        trial=winner.trial,
        run_id=run.run_id,
        model_uri=test.model_uri,
        test_metrics=test.metrics,
        majority_accuracy=majority_accuracy(dataset.train["label"], dataset.test["label"]),
        test_rows=len(dataset.test),
        max_length=tokens.max_length,
        uid=winner.uid,
        test_intervals=test.intervals,
        test_look=test.look,
        confirmed=confirmation_record(winner),
        doubts=doubts(setup, validation),
        pooling=pooling_of(model),
        clean=list(test.decision_rule.clean),
        multi_label=dataset.multi_label,
        pairs=dataset.pairs,
        picked=picked_record(winner),
        combined=gain_of_combination(plan, winner, setup, test),
    )
    _log_winner(parent, finalist)
    if plan.settings.baseline:
        right = correct_rows(test.predictions)
        baseline = try_comparison(
            lambda: compare_with_baseline(parent, setup, right, sweep=state.name),
            study,
            what="the winner with TF-IDF",
        )
        study.set_user_attr(BASELINE, None if baseline is None else asdict(baseline))
    study.set_user_attr(FINALIST, asdict(finalist))
    return finalist


def _compare_models(plan: SweepPlan, study: Study, state: SweepState, store: TrackingStore) -> None:
    """Records how the models' best trials compare, once for the same trials."""
    best = best_by_model(state)
    trials = sorted(trial.number for trial in best.values())
    earlier = earlier_comparisons(state, best)
    contenders = {each.trial for pair in earlier for each in (pair.first, pair.second)}
    # Studies of older versions do not say which trials were compared.
    if state.attributes.get(COMPARED, sorted(contenders)) == trials:
        return
    what = "each model with the others"

    def compare() -> tuple[list[ModelComparison], list[Pair]]:
        unlike = unlike_pairs(plan, best)
        return compare_models(plan, state, store, unlike), unlike

    known, unlike = try_comparison(compare, study, what=what) or (earlier, [])
    if unlike:
        pairs = ", ".join(f"{first} and {second}" for first, second in unlike)
        omit(study, what, f"the best trials have other validation rows: {pairs}")
    study.set_user_attr(COMPARISONS, [asdict(each) for each in known])
    study.set_user_attr(COMPARED, trials)


def _log_winner(parent: Run, finalist: Finalist) -> None:
    """Logs the winner on the sweep's parent run, once, and its confirmation when that changes."""
    data = parent.store.client.get_run(parent.run_id).data
    row = finalist.confirmed or {}
    names = ("mean", "deviation", "optimism_gap", "probability_better")
    values = {f"confirmed/{name}": row[name] for name in names if row.get(name) is not None}
    changed = {k: v for k, v in (values | gains(finalist)).items() if data.metrics.get(k) != v}
    parent.log_metrics(changed, step=0)
    if data.tags.get(WINNER_RUN_TAG) == finalist.run_id:
        return
    adopt(parent, finalist.run_id, finalist.model_uri)
    describe_run(parent, _note(finalist))
    # Last: with these tags the rest is not repeated.
    parent.set_tags(
        {
            WINNER_NAME_TAG: parent.store.client.get_run(finalist.run_id).info.run_name,
            "finesweep.winner_trial": finalist.trial,
            WINNER_RUN_TAG: finalist.run_id,
        }
    )


def _note(finalist: Finalist) -> str:
    """The parent run's description: the winner's scores with intervals, and how to call it."""
    rows = []
    for name, value in finalist.test_metrics.items():
        low, high = finalist.test_intervals.get(name, (None, None))
        rows.append((name, f"{value:.4f}", "" if low is None else f"{low:.4f} … {high:.4f}"))
    combined = "".join(f"\n\n{escaped(line)}." for line in combination_gain(finalist))
    doubts = "".join(f"\n\nLimit: {escaped(doubt)}." for doubt in finalist.doubts)
    return (
        f"**Trial {finalist.trial} won.** On {finalist.test_rows:,} test rows, evaluation"
        f" {finalist.test_look} of them; the most frequent class alone gives"
        f" {finalist.majority_accuracy:.4f}.\n\n"
        f"{markdown_table(('score', 'test', '95 % interval'), rows)}{combined}{doubts}\n\n"
        f'    finesweep predict --model {finalist.model_uri} "a text"\n'
    )
