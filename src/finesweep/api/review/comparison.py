"""Compares runs, or sweeps, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from finesweep.api.caller import preserve_caller
from finesweep.api.model_uri import require_store
from finesweep.api.text_lists import checked_texts
from finesweep.config import Config, compose
from finesweep.errors import ConfigError, Problem

if TYPE_CHECKING:
    from finesweep.report.compared_names import Named
    from finesweep.report.comparison import Comparison
    from finesweep.runs.recorded import RecordedRun
    from finesweep.tracking import TrackingStore

MAX_SIDES = 10


@preserve_caller()
def compare(names: Sequence[str], overrides: Sequence[str] = ()) -> Comparison:
    """Compares runs, or sweeps: what differs in their settings, scores with intervals, and paired
    tests where the rows are the same.

    Args:
        names: Two to ten MLflow run ids, their beginnings, run names, models:/NAME@ALIAS,
            models:/NAME/VERSION, or sweeps. A sweep among runs stands for its winner's run.
        overrides: Hydra overrides of tracking.… or storage.…

    Returns:
        A Comparison, whose `notes` tell what could not be compared.

    Raises:
        ConfigError: If a name is unknown or ambiguous, or if no two of them share a score.

    Example:
        >>> finesweep.compare(["models:/tweets@champion", "models:/tweets@challenger"]).tests
    """
    names = checked_texts(names, field="names")
    check_names(names, field="names")
    return compare_named(names, compose(checked_texts(overrides)).config)


def check_names(names: Sequence[str], *, field: str) -> None:
    """ConfigError, naming field, when these are not two to ten different names."""
    if not 2 <= len(names) <= MAX_SIDES:
        message = f"{len(names)} given; must be 2 to {MAX_SIDES} runs or sweeps"
        raise ConfigError(Problem(field, message))
    if twice := sorted({name for name in names if list(names).count(name) > 1}):
        raise ConfigError(Problem(field, f"{twice[0]!r} is given more than once"))


def compare_named(names: Sequence[str], config: Config) -> Comparison:
    """The comparison of what the names mean in the stores of config."""
    require_store(config.tracking.uri)

    from finesweep.report.compared_names import named
    from finesweep.report.compared_runs import compare_runs
    from finesweep.report.compared_sweeps import compare_sweeps
    from finesweep.tracking import open_store

    store = open_store(config.tracking)
    found = named(store, config.storage.url, names)
    notes = [each.note for each in found if each.note]
    sweeps = [each.sweep for each in found if each.sweep is not None]
    if len(sweeps) == len(found):
        _require_different([each.name for each in sweeps])
        return compare_sweeps(store, sweeps, notes)
    runs = [each.run or _winner(store, each) for each in found]
    _require_different([run.run_id for run in runs])
    mixed = [
        f"{each.text!r} is a sweep among runs: compared is the run of its winner."
        for each in found
        if each.sweep is not None
    ]
    return compare_runs(runs, [*notes, *mixed])


def _winner(store: TrackingStore, each: Named) -> RecordedRun:
    from finesweep.report.compared_sweeps import winner_run

    assert each.sweep is not None
    if (run := winner_run(store, each.sweep)) is None:
        message = "is a sweep without a winner yet, which cannot be compared with runs"
        raise ConfigError(Problem(each.text, message))
    return run


def _require_different(ids: Sequence[str]) -> None:
    if twice := sorted({each for each in ids if ids.count(each) > 1}):
        raise ConfigError(Problem("compare", f"two of the names mean the same, {twice[0]}"))
