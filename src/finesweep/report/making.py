"""Makes a sweep's report: reads the sweep, renders the page, and writes or logs it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from optuna import Study

from finesweep.config import SweepPlan, TrackingConfig, compose
from finesweep.databases import sqlite_file
from finesweep.disk import written_aside
from finesweep.errors import ConfigError, Problem, reason
from finesweep.report.page import GENERATOR, report_page
from finesweep.report.reading import read_sweep
from finesweep.sweep.study.keys import PARENT_RUN_ID
from finesweep.sweep.study.study import plan_of
from finesweep.tracking import TrackingStore, active_run, open_store

FILE = "report.html"
"""Name of the artifact on the sweep's parent run."""
N_HEAD = 1000
"""Bytes at a file's beginning that say whether it is a report."""


def report_path(name: str, output: str | Path | None) -> Path:
    """Where the report of a study goes: output, or NAME.html in the current folder.

    ConfigError if that is a folder, lies in none, or is a file that is no report.
    """
    own = re.sub(r"[^\w.-]", "_", name) + ".html"
    path = Path(own if output is None else output)
    problem = None
    if path.is_dir():
        problem = "is a folder; name a file"
    elif not path.parent.is_dir():
        problem = f"there is no folder {path.parent}"
    elif path.exists() and not _is_report(path):
        problem = "exists and is no report; name another file"
    if problem is not None:
        raise ConfigError(Problem("output", f"{path}: {problem}"))
    return path


def report_of(study: Study, overrides: Sequence[str]) -> str:
    """The report of a study at this moment, as HTML; ConfigError if it is of another version.

    overrides are this command's locations, such as tracking.uri; they win over the study's.
    """
    missing = list[str]()
    plan, tracking = _plan(study, overrides, missing)
    return _page(study, plan, _store(tracking, missing), missing)


def write_report_of(study: Study, overrides: Sequence[str], path: Path) -> None:
    """Writes the study's report to path, whole or not at all; ConfigError if it cannot be written.

    overrides are as for report_of.
    """
    text = report_of(study, overrides)
    try:
        with written_aside(path) as aside:
            aside.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(Problem("output", f"{path}: {error.strerror}")) from error


def log_report(plan: SweepPlan, study: Study, say: Callable[[str], object]) -> None:
    """Logs the report on the sweep's parent run; an error is only said, and costs the sweep
    nothing."""
    try:
        store = open_store(plan.base.config.tracking)
        parent = active_run(store, study.user_attrs.get(PARENT_RUN_ID))
        if parent is not None:  # else it was deleted meanwhile, and the next command makes it again
            parent.log_text(_page(study, plan, store, []), FILE)
    except Exception as error:
        say(f"the report was not made: {reason(error)}")


def _page(
    study: Study, plan: SweepPlan | None, store: TrackingStore | None, missing: Sequence[str]
) -> str:
    try:
        sweep = read_sweep(study, plan, store, missing=missing)
    except (KeyError, TypeError) as error:
        # What a study records has changed: a name that is not there, or one that is unknown.
        message = f"study {study.study_name!r} is of another version of finesweep ({reason(error)})"
        raise ConfigError(Problem("sweep", message)) from error
    return report_page(sweep)


def _plan(
    study: Study, overrides: Sequence[str], missing: list[str]
) -> tuple[SweepPlan | None, TrackingConfig]:
    """The study's plan, and where its runs are; without a plan, missing gets the reason."""
    own = compose(overrides).config.tracking
    try:
        plan = plan_of(study, overrides)
    except (ConfigError, KeyError) as error:
        missing.append(f"The sweep's config does not compose here ({reason(error)})")
        return None, own
    return plan, plan.base.config.tracking


def _store(config: TrackingConfig, missing: list[str]) -> TrackingStore | None:
    """The tracking store; if it is away or was deleted, missing gets the reason."""
    database = sqlite_file(config.uri)
    if database is not None and not database.exists():
        missing.append(f"There is no MLflow store at {database}")
        return None
    try:
        return open_store(config)
    except ConfigError as error:
        missing.append(f"MLflow was not read ({error})")
        return None


def _is_report(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return GENERATOR.encode() in file.read(N_HEAD)
    except OSError:
        return False
