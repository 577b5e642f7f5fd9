"""One snapshot of a sweep: from its studies, and from the MLflow run of its best trial."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from optuna import Study
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.trial import FrozenTrial, TrialState

from finesweep.config import SweepPlan, plain_path
from finesweep.records import Finalist
from finesweep.report.importances import importances_of
from finesweep.report.leader import findings_of, read_leader
from finesweep.report.records import Curve, Dimension, Leader, SweepRecord
from finesweep.report.retraining import train_command
from finesweep.samplers.encoding import is_number
from finesweep.sweep.prune_audit import audit_in
from finesweep.sweep.selection.claims import evaluated_winner
from finesweep.sweep.selection.omissions import omissions
from finesweep.sweep.selection.state import SweepState, read_state
from finesweep.sweep.status import (
    leaderboard,
    row_of,
    spent,
    status_in,
    with_aliases_of_now,
)
from finesweep.sweep.study.keys import DATA_FINGERPRINT, MODEL
from finesweep.sweep.study.slots import is_duplicate, is_retried
from finesweep.sweep.study.study import baseline_in, comparisons_in, data_notes_of
from finesweep.sweep.study.trial_runs import run_of
from finesweep.sweep.study.workers import live_workers
from finesweep.tracking import TrackingStore, active_run

GROUP = "model"
"""The searched group that has a colour of its own and is no dimension like the others."""


def read_sweep(
    study: Study,
    plan: SweepPlan | None,
    store: TrackingStore | None,
    *,
    missing: Sequence[str] = (),
) -> SweepRecord:
    """The sweep at this moment; its studies are read once.

    plan is None if its config does not compose here, store None if MLflow is away; missing says
    why, in sentences.
    """
    state = read_state(study)
    status = status_in(state, live_workers(study))
    if store is not None:
        status = with_aliases_of_now(status, store)
    rows = leaderboard(state.trials, state.direction, state.front)
    finalist, missing = _finalist(state, plan), list(missing)
    chosen = finalist.trial if finalist else state.ranked[0].number if state.ranked else None
    leader = _leader(state, store, finalist, chosen, missing)
    models = list(dict.fromkeys(row.model for row in rows if row.model))
    attempts = [*state.trials, *(state.confirmation.trials if state.confirmation else ())]
    return SweepRecord(
        made_at=datetime.now().astimezone(),
        status=status,
        attributes=state.attributes,
        leaderboard=rows,
        curves=[
            Curve(row_of(trial), sorted(trial.intermediate_values.items()))
            for trial in _begun(state.trials)
        ],
        dimensions=dimensions_of(state.trials),
        importances=importances_of(state.trials, models, state.direction),
        seconds_by_model=_seconds_by_model(attempts),
        wall_seconds=_wall_seconds(attempts),
        finalist=finalist,
        baseline=baseline_in(state.attributes),
        prune_audit=audit_in(state.trials, state.direction),
        comparisons=comparisons_in(state.attributes),
        omissions=omissions(study),
        data_notes=data_notes_of(study),
        findings=_findings(store, state.trials),
        leader=leader,
        train_command=None
        if chosen is None
        else train_command(plan, state, finalist, chosen, leader),
        missing=missing,
    )


def dimensions_of(trials: Iterable[FrozenTrial]) -> list[Dimension]:
    """The searched fields by plain path, without the model; conditional ones are one field."""
    drawn: dict[str, list[tuple[BaseDistribution, Any]]] = {}
    for trial in trials:
        for name, distribution in trial.distributions.items():
            path = plain_path(name)
            if path != GROUP:
                drawn.setdefault(path, []).append((distribution, trial.params[name]))
    return [_dimension(path, drawn[path]) for path in sorted(drawn)]


def _dimension(path: str, drawn: Sequence[tuple[BaseDistribution, Any]]) -> Dimension:
    """The field over every distribution that it has, each with the value that a trial drew."""
    offered = [
        choice
        for distribution, _ in drawn
        if isinstance(distribution, CategoricalDistribution)
        for choice in distribution.choices
    ]
    values = [value for _, value in drawn]
    if all(map(is_number, offered)):  # on a scale, as dataset.max_length=choice(128, 256)
        is_log = any(getattr(distribution, "log", False) for distribution, _ in drawn)
        return Dimension(path, is_log and min(values) > 0)
    known = dict.fromkeys((*offered, *values))
    numbers = sorted(filter(is_number, known))
    return Dimension(path, choices=(*numbers, *(each for each in known if not is_number(each))))


def _begun(trials: Iterable[FrozenTrial]) -> list[FrozenTrial]:
    return [
        trial
        for trial in trials
        if trial.state != TrialState.WAITING and not is_retried(trial) and not is_duplicate(trial)
    ]


def _finalist(state: SweepState, plan: SweepPlan | None) -> Finalist | None:
    """The winner; None before it is evaluated, and when a larger budget is being searched or
    confirmed."""
    if plan is None:
        return state.standing_finalist
    return evaluated_winner(state, plan.confirm, plan.pick)


def _leader(
    state: SweepState,
    store: TrackingStore | None,
    finalist: Finalist | None,
    chosen: int | None,
    missing: list[str],
) -> Leader | None:
    """The run of the chosen trial; without it, missing gets the reason."""
    if store is None or chosen is None:
        return None
    if finalist is not None:
        run = active_run(store, finalist.run_id)
    else:
        run = run_of(store, state.uid, chosen)
    if run is None:
        what = "the winner's" if finalist else "the best trial's"
        missing.append(
            f"MLflow has no run of trial {chosen} any more, so {what} files are left out"
        )
        return None
    return read_leader(store, run.run_id, trial=chosen)


def _findings(
    store: TrackingStore | None, trials: Sequence[FrozenTrial]
) -> list[Mapping[str, Any]] | None:
    fingerprints = {trial.user_attrs.get(DATA_FINGERPRINT, "") for trial in trials} - {""}
    return findings_of(store, fingerprints) if store and fingerprints else None


def _seconds_by_model(trials: Iterable[FrozenTrial]) -> dict[str, dict[str, float]]:
    of_model: dict[str, list[FrozenTrial]] = {}
    for trial in trials:
        if model := trial.user_attrs.get(MODEL):
            of_model.setdefault(model, []).append(trial)
    return {model: spent(each) for model, each in of_model.items()}


def _wall_seconds(trials: Sequence[FrozenTrial]) -> float | None:
    begun = [trial.datetime_start for trial in trials if trial.datetime_start]
    ended = [trial.datetime_complete for trial in trials if trial.datetime_complete]
    return (max(ended) - min(begun)).total_seconds() if begun and ended else None
