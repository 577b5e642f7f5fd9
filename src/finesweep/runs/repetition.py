"""A recorded run, trained again as it was: same settings, seed, precision and threads."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace

import torch
import yaml

from finesweep.config import Composed
from finesweep.config.recorded import recorded_config
from finesweep.errors import ConfigError, FinesweepError, Problem
from finesweep.ledger import TimeLedger
from finesweep.records import Evaluation, Objective
from finesweep.runs.finetune import Watch, run_finetuning
from finesweep.runs.recorded import RecordedRun, read_run
from finesweep.runs.reproduction import Input, Reproduction, compare_repeated, inputs_of
from finesweep.runs.run_logging import Setup, tracked_run
from finesweep.stats.metric_names import better_direction
from finesweep.tracking import PARENT, TEST_FINGERPRINT, Run, active_run, artifact_path
from finesweep.tracking.tags import TRIAL_STATE
from finesweep.training import is_native

KINDS = ("train", "trial", "confirmation")
"""Kinds of runs that can be trained again."""
REPRODUCES = "finesweep.reproduces"
"""Tag of a repeated run: the id of its original."""
REPRODUCTION = "finesweep.reproduction"
"""Tag of a repeated run: equal, within noise, or differs."""
MEMBERS = "finesweep.members"
"""Tag of a run of combined seeds: the ids of their runs."""
DEVIATION = "confirmed/deviation"
"""Metric of a sweep's run: standard deviation between the winner's seeds."""


@dataclass(frozen=True)
class Repetition:
    """A run to train again, and what is needed for that."""

    original: RecordedRun
    composed: Composed
    objective: Objective
    """By which its best checkpoint was chosen."""
    deviation: float | None
    """Standard deviation of the objective between seeds; None without a confirmation."""


class _PrunedError(FinesweepError):
    """Raised where the original was pruned."""


def plan_repetition(original: RecordedRun, *, now: Composed) -> Repetition:
    """What to train, with tracking, storage and launcher of now.

    ConfigError when the run was not trained to an end, or recorded too little.
    """
    _require_repeatable(original)
    if (text := original.config) is None:
        raise _problem(original, "its config.yaml is not in the tracking store")
    composed = recorded_config(text, original.params, now=now)
    objective, deviation = Objective(), None
    if original.kind != "train":
        sweep = _sweep_of(original)
        path = artifact_path(sweep.store.client, sweep.run_id, "sweep.yaml")
        if path is None:
            raise _problem(original, "its sweep's sweep.yaml is not in the tracking store")
        metric = yaml.safe_load(path.read_text(encoding="utf-8"))["sweep.metric"]
        objective = Objective(metric, better_direction(metric))
        deviation = sweep.metrics.get(DEVIATION)
    return Repetition(original, _as_recorded(composed, original), objective, deviation)


def repeat(
    repetition: Repetition,
    *,
    watch: Watch,
    on_inputs: Callable[[tuple[Input, ...]], None],
    ledger: TimeLedger,
) -> Reproduction:
    """The comparison with the original, after training in a run of its own, which links to it.

    on_inputs gets the inputs, changed or not, before the training.
    """
    original, repeated = repetition.original, list[Run]()
    tags = {"finesweep.kind": "reproduce", REPRODUCES: original.run_id}

    @contextmanager
    def record(setup: Setup) -> Iterator[Run]:
        name = f"{original.name}, reproduced"
        with tracked_run(setup, name=name, tags=tags, ledger=ledger) as run:
            repeated.append(run)
            on_inputs(inputs_of(original, read_run(run.store, run.run_id)))
            yield run

    with _threads(original):
        try:
            run_finetuning(
                repetition.composed,
                objective=repetition.objective,
                record=record,
                watch=replace(watch, on_evaluation=_until_pruned(original, watch)),
                ledger=ledger,
                one_of_many=original.kind != "train",
            )
        except _PrunedError:
            repeated[0].set_tags({TRIAL_STATE: "PRUNED"})
            repeated[0].finish("KILLED")
    (run,) = repeated
    reproduction = compare_repeated(
        original,
        read_run(run.store, run.run_id),
        metric=repetition.objective.metric,
        deviation=repetition.deviation,
        notes=tuple(_notes(original)),
    )
    run.set_tags({REPRODUCTION: reproduction.verdict})
    run.log_text(json.dumps(asdict(reproduction), indent=2), "reproduction.json")
    return reproduction


def _require_repeatable(run: RecordedRun) -> None:
    if run.kind == "sweep":
        winner = run.tags.get("finesweep.winner_run_id") or run.tags.get("finesweep.best_run_id")
        hint = f"; reproduce its winner: {winner}" if winner else ""
        raise _problem(run, f"is a sweep, not one training{hint}")
    if original := run.tags.get(REPRODUCES):
        raise _problem(run, f"is itself a repetition; reproduce its original: {original}")
    if members := run.tags.get(MEMBERS, "").split():
        message = f"combines several runs; reproduce one of them: {', '.join(members)}"
        raise _problem(run, message)
    if run.kind not in KINDS:
        raise _problem(run, f"is of kind {run.kind or 'none'}; must be {', '.join(KINDS)}")
    if run.state not in ("COMPLETE", "PRUNED"):
        why = run.tags.get("finesweep.reason", run.state)
        raise _problem(run, f"did not finish: {why}")


def _sweep_of(run: RecordedRun) -> RecordedRun:
    parent = active_run(run.store, run.tags.get(PARENT))
    if parent is None:
        message = "its sweep's run is not in the tracking store, which names the metric"
        raise _problem(run, message)
    return read_run(run.store, parent.run_id)


def _as_recorded(composed: Composed, original: RecordedRun) -> Composed:
    """The config with what was measured or chosen on the original's machine, where possible here:
    the precision of `auto`, and that no activations were cached."""
    config, precision = composed.config, original.inputs.get("precision", "")
    training, storage = config.training, config.storage
    if training.precision == "auto" and precision and is_native(precision):
        training = replace(training, precision=precision)
    if original.inputs.get("activation cache") == "off":
        storage = replace(storage, cache_gb=0.0)
    return replace(composed, config=replace(config, training=training, storage=storage))


def _until_pruned(original: RecordedRun, watch: Watch) -> Callable[[Evaluation], None]:
    """watch.on_evaluation, which ends the training where the original was pruned."""
    last = max(original.evaluations, default=0) if original.state == "PRUNED" else None

    def on_evaluation(evaluation: Evaluation) -> None:
        watch.on_evaluation(evaluation)
        if last is not None and evaluation.step >= last:
            raise _PrunedError("pruned where the original was")

    return on_evaluation


@contextmanager
def _threads(original: RecordedRun) -> Iterator[None]:
    """Trains with the original's number of threads, which decides the order of sums."""
    before = torch.get_num_threads()
    torch.set_num_threads(int(original.inputs.get("threads", before)))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _notes(original: RecordedRun) -> Iterator[str]:
    if original.state == "PRUNED":
        yield "The original was pruned; it was trained again to the same evaluation."
    if int(original.tags.get("finesweep.attempt", 1)) > 1:
        yield (
            "The original was interrupted and continued, or repeated, from a checkpoint; here it"
            " was trained without interruption."
        )
    if TEST_FINGERPRINT in original.tags:
        yield "The test split was not evaluated again, since each use of its rows is counted."


def _problem(run: RecordedRun, message: str) -> ConfigError:
    return ConfigError(Problem(run.run_id, message))
