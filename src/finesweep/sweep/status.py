"""A sweep's status and leaderboard, from its study."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from optuna import Study
from optuna.trial import FrozenTrial, TrialState

from finesweep.config import plain_path
from finesweep.records import Direction
from finesweep.sweep.prune_audit import audit_in
from finesweep.sweep.selection.combination import combination_in
from finesweep.sweep.selection.confirmation import confirmation_table
from finesweep.sweep.selection.state import ConfirmationState, SweepState, read_state
from finesweep.sweep.study.keys import (
    BEST_RUN,
    DEFINITION,
    GIVEN,
    LEDGER,
    MODEL,
    OBJECTIVES,
    ORIGIN,
    PARENT_RUN_ID,
    PRUNE_AUDIT,
    REASON,
    REGISTERED,
    SLOT,
    STOP,
    SWEEP,
)
from finesweep.sweep.study.leases import WorkerRow
from finesweep.sweep.study.objectives.front import Front
from finesweep.sweep.study.ranking import worse_by
from finesweep.sweep.study.sampling.known_slots import Grid, grid_in
from finesweep.sweep.study.slots import (
    FINISHED,
    Slot,
    SlotState,
    counts,
    finished_trials,
    is_duplicate,
    is_retried,
    slots_of,
)
from finesweep.sweep.study.study import baseline_in, comparisons_in
from finesweep.sweep.study.workers import live_workers
from finesweep.sweep.time_budget import time_budget_in
from finesweep.sweep.time_left import seconds_left

if TYPE_CHECKING:
    from finesweep.tracking import TrackingStore

BUDGET = "sweep.n_trials"
WORKER_FIELDS = ("id", "host", "pid", "slot", "step", "total", "beat_age_seconds")


@dataclass(frozen=True)
class Status:
    """One sweep at one moment; its fields are those of `status --json`."""

    sweep: str
    study: str
    metric: str
    direction: str
    target: int
    """Number of slots: n_trials; in a sweep by time, those begun and, while it is open, a few."""
    counts: Mapping[SlotState, int]
    """Number of slots by state; they sum to target."""
    beyond: int
    """Number of finished slots beyond target: an earlier command had a larger n_trials."""
    best: Mapping[str, Any] | None
    """trial, value, params by plain path, run_id, origin (enqueued, portfolio or sampler)."""
    parent_run_id: str | None
    confirmed: Sequence[Mapping[str, Any]]
    """Confirmed configurations, best first: trial, searched, n_seeds, mean, deviation, low, high,
    optimism_gap, dropped. Empty before the confirmation starts, and without `sweep.confirm`."""
    n_confirmations: int
    """Number of confirmation slots: configurations times seeds."""
    combination: Mapping[str, Any] | None
    """Once the winner's seeds were combined: trial, seeds, chosen (best seed, uniform soup, greedy
    soup or ensemble), members, values on validation, and omissions with their reasons."""
    winner: Mapping[str, Any] | None
    """Once evaluated on the test split: trial, run_id, model_uri, test_metrics, test_intervals,
    test_rows, and test_look, the number of times these rows had been used, this one included; and
    combined, what its combined seeds gain over the best one."""
    baseline: Mapping[str, Any] | None
    """test_metrics, seconds, n_gained and n_lost rows, and p of the winner being no better."""
    comparisons: Sequence[Mapping[str, Any]]
    """Pairwise comparisons of the models' best trials."""
    registered: Mapping[str, Any] | None
    """name, version, alias it was registered with; aliases, those of now, once they were read."""
    workers: Sequence[Mapping[str, Any]]
    """id, host, pid, slot, step, beat_age_seconds of each live worker."""
    failures: Sequence[Mapping[str, Any]]
    """slot, trial, reason of each slot that failed without a retry."""
    interrupted_attempts: int
    """Number of attempts that were interrupted and retried."""
    spent: Mapping[str, float]
    """`seconds/part` and `seconds_saved/by`, summed over all attempts on all workers."""
    prune_audit: Mapping[str, Any] | None
    """The fields of a PruneAudit; None while no audited trial has completed."""
    seconds_left: float | None
    """Estimated seconds for the slots that are not finished; in an open sweep by time, those until
    its end. A confirmation counts once it has begun."""
    grid: Mapping[str, Any] | None
    """Of an exhaustive sampler: n_points of its grid, n_finished of them, n_beside, the enqueued
    trials beside the grid, and is_complete once all have ended; None without one."""
    time_budget: Mapping[str, Any] | None
    """minutes, ends_at, is_by_time, is_open, reserved_seconds; None without a limit on the time."""
    stopped: str | None
    """Reason why no new trial starts; None while the sweep runs."""
    front: Mapping[str, Any] | None = None
    """With several objectives: objectives (metric, direction), members (trial, values; the best by
    the first objective first), machine whose latencies are compared, and foreign: trials whose
    latency is still another machine's."""
    failed_seeds: Sequence[Mapping[str, Any]] = ()
    """trial of the search, seed (from 1), reason of each seed of the confirmation that failed
    without a retry."""

    @property
    def is_budget_spent(self) -> bool:
        return self.counts["running"] + self.counts["waiting"] == 0


@dataclass(frozen=True)
class Row:
    """One finished trial in the leaderboard."""

    trial: int
    slot: int
    state: str
    value: float | None
    """Objective value; for a pruned trial the last reported one."""
    model: str
    params: Mapping[str, Any]
    seconds: float | None
    reason: str | None
    origin: str | None = None
    """Who chose its params: enqueued, portfolio or sampler; None in an older study."""
    is_audited: bool = False
    """Whether the pruner would have stopped it, and it ran on for the prune audit."""
    objectives: Mapping[str, float] = field(default_factory=dict)
    """Metric → value, of a complete trial with several objectives."""
    is_on_front: bool = False
    """Whether no other trial beats it in all objectives."""


def status_of(study: Study) -> Status:
    """The sweep's current status; the study is read once."""
    return status_in(read_state(study), live_workers(study))


def status_in(state: SweepState, workers: Sequence[WorkerRow]) -> Status:
    """A sweep's status from its state and its live workers."""
    attributes, trials, target = state.attributes, state.trials, state.n_slots
    definition, registered = attributes[DEFINITION], attributes.get(REGISTERED)
    slots, confirmation = slots_of(trials, target), state.confirmation
    budget = time_budget_in(attributes)
    confirming = [] if confirmation is None else confirmation.trials
    by_state = counts(slots)
    return Status(
        sweep=attributes[SWEEP],
        study=state.name,
        metric=definition["sweep.metric"],
        direction=state.direction,
        target=target,
        counts=by_state,
        beyond=_beyond(trials, target),
        best=_best(state.ranked, attributes.get(BEST_RUN, {})),
        parent_run_id=attributes.get(PARENT_RUN_ID),
        confirmed=list(map(asdict, confirmation_table(state))),
        n_confirmations=0 if confirmation is None else len(confirmation.slots),
        combination=None if (made := combination_in(attributes)) is None else asdict(made),
        winner=None if (finalist := state.finalist) is None else asdict(finalist),
        baseline=None if (baseline := baseline_in(attributes)) is None else asdict(baseline),
        comparisons=list(map(asdict, comparisons_in(attributes))),
        registered=registered and {key: registered[key] for key in ("name", "version", "alias")},
        workers=[{name: getattr(row, name) for name in WORKER_FIELDS} for row in workers],
        failures=[
            {"slot": s.index, "trial": s.trial.number, "reason": s.trial.user_attrs.get(REASON)}
            for s in slots
            if s.state == "failed" and s.trial is not None
        ],
        interrupted_attempts=sum(is_retried(trial) and not is_duplicate(trial) for trial in trials),
        spent=spent([*trials, *confirming]),
        prune_audit=None if (a := audit_in(trials, state.direction)) is None else asdict(a),
        seconds_left=seconds_left(state, workers),
        grid=_grid(slots, grid_in(attributes)),
        time_budget=None if budget is None else asdict(budget),
        stopped=attributes.get(STOP) or None,
        front=None if state.front is None else state.front.as_json(),
        failed_seeds=[] if confirmation is None else _failed_seeds(confirmation),
    )


def with_aliases_of_now(status: Status, store: TrackingStore) -> Status:
    """The status with the aliases that its registered version has now; without the version if that
    was deleted."""
    if not status.registered:
        return status
    from finesweep.registry.versions import version_of  # MLflow is slow to import

    name, number = status.registered["name"], status.registered["version"]
    version = version_of(store.client, f"models:/{name}/{number}")
    if version is None:
        return replace(status, registered=None)
    return replace(status, registered={**status.registered, "aliases": sorted(version.aliases)})


def _failed_seeds(confirmation: ConfirmationState) -> list[dict[str, Any]]:
    failed = [slot for slot in confirmation.slots if slot.state == "failed"]
    return [
        {"trial": trial, "seed": seed + 1, "reason": slot.trial.user_attrs.get(REASON)}
        for slot in failed
        for trial, seed in [confirmation.seed_runs[slot.index]]
        if slot.trial is not None
    ]


def _grid(slots: Sequence[Slot], grid: Grid | None) -> dict[str, Any] | None:
    if grid is None:
        return None
    finished = {slot.index for slot in slots if slot.state in FINISHED}
    return {
        "n_points": grid.n_points,
        "n_finished": len(finished - {*grid.beside}),
        "n_beside": len(grid.beside),
        "is_complete": len(finished) == grid.n_slots,
    }


def _beyond(trials: Sequence[FrozenTrial], target: int) -> int:
    indices = {int(trial.user_attrs.get(SLOT, -1)) for trial in trials}
    slots = slots_of(trials, max(indices, default=-1) + 1, only=indices - set(range(-1, target)))
    return sum(slot.state in FINISHED for slot in slots)


def command_of(study: Study, *, n_trials: int | None = None) -> str:
    """The command that resumes the sweep, as last typed, or with a budget of n_trials."""
    return command_in(study.user_attrs, n_trials=n_trials)


def command_in(attributes: Mapping[str, Any], *, n_trials: int | None = None) -> str:
    """The same, from the user attributes of its study."""
    typed = list(attributes.get(GIVEN, []))
    if n_trials is not None:
        others = (text for text in typed if text.lstrip("+").partition("=")[0] != BUDGET)
        typed = [*others, f"{BUDGET}={n_trials}"]
    return shlex.join(["finesweep", "sweep", attributes[SWEEP], *typed])


def spent(trials: Iterable[FrozenTrial]) -> dict[str, float]:
    """Seconds of all attempts by part, and seconds saved by cache and pruning."""
    totals: dict[str, float] = {}
    for trial in trials:
        for name, value in trial.user_attrs.get(LEDGER, {}).items():
            if name.startswith("seconds"):
                totals[name] = totals.get(name, 0.0) + value
    return totals


def leaderboard(
    trials: Iterable[FrozenTrial], direction: Direction, front: Front | None = None
) -> list[Row]:
    """One row per finished slot: complete trials, best first, then pruned, then failed ones; front
    is that of the trials, if they have several objectives."""
    worse, order = worse_by(direction), [TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL]

    def sort_key(trial: FrozenTrial) -> tuple[int, float]:
        return order.index(trial.state), worse(_value(trial))

    return [row_of(trial, front) for trial in sorted(finished_trials(trials), key=sort_key)]


def _best(ranked: Sequence[FrozenTrial], best_run: Mapping[str, Any]) -> dict[str, Any] | None:
    if not ranked:
        return None
    best = ranked[0]
    return {
        "trial": best.number,
        "value": best.value,
        "params": {plain_path(name): value for name, value in best.params.items()},
        "run_id": best_run.get("run_id") if best_run.get("trial") == best.number else None,
        "origin": best.user_attrs.get(ORIGIN),
    }


def row_of(trial: FrozenTrial, front: Front | None = None) -> Row:
    recorded = trial.user_attrs.get(OBJECTIVES, {})
    return Row(
        trial=trial.number,
        slot=trial.user_attrs.get(SLOT, -1),
        state=trial.state.name,
        value=_value(trial),
        model=trial.user_attrs.get(MODEL, ""),
        params={plain_path(name): value for name, value in trial.params.items()},
        seconds=trial.duration.total_seconds() if trial.duration else None,
        reason=trial.user_attrs.get(REASON),
        origin=trial.user_attrs.get(ORIGIN),
        is_audited=PRUNE_AUDIT in trial.user_attrs,
        objectives=recorded if front is None else front.values.get(trial.number, {}),
        is_on_front=front is not None and trial.number in front.members,
    )


def _value(trial: FrozenTrial) -> float | None:
    """The objective value; for a pruned trial Optuna's value, which is the last reported one."""
    return None if trial.state == TrialState.FAIL else trial.value
