"""Explores a dataset: profile, checks, page and MLflow run."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finesweep.api.caller import preserve_caller
from finesweep.api.inputs import check_checkpoint
from finesweep.api.results import Exploration
from finesweep.api.text_lists import checked_texts
from finesweep.config import Composed, compose, override_path
from finesweep.disk import written_aside
from finesweep.errors import ConfigError, Problem
from finesweep.wording import counted

if TYPE_CHECKING:
    from finesweep.dataset.profile.profile import Profile
    from finesweep.records import Finding, Splits
    from finesweep.tracking import TrackingStore

PAGES = Path("mlruns/explore")
SOURCES = ("dataset.path", "dataset.files", "dataset.hub")
"""Fields, and a group of them, that name the data."""
LOCAL = "local"
"""The name in conf/dataset/local.yaml, which does not identify the data."""
MAX_CHARACTERS = 80
"""Maximum length of a page's name."""


@preserve_caller()
def explore(overrides: Sequence[str] = (), *, progress: bool = True) -> Exploration:
    """Reports on a dataset: numbers, findings, and a page with pictures.

    Args:
        overrides: Hydra overrides, as for `finesweep explore`.
        progress: Shows the current step on standard error or in the notebook's cell.

    Returns:
        An Exploration; its page is in mlruns/explore/ and in the MLflow run.

    Raises:
        ConfigError: If an override, the data or the store is invalid; with dataset.checks=strict,
            also if a finding is severe, after page and run are written.

    Example:
        >>> explored = finesweep.explore(["dataset=local", "dataset.path=reviews.csv"])
        >>> [finding.message for finding in explored.findings]
    """
    from finesweep.api.progress import progress_console

    composed = compose(checked_texts(overrides))
    with progress_console(progress).status("reading the dataset") as status:
        explored = run_exploration(composed, on_part=status.update)
    refuse_severe(composed, explored)
    return explored


def run_exploration(
    composed: Composed,
    *,
    on_part: Callable[[str], None],
    on_ready: Callable[[], None] = lambda: None,
) -> Exploration:
    """The report on a dataset, once page and run are written.

    on_part is called with the name of each step; on_ready once the slow imports are done.
    """
    from finesweep.dataset import prepare

    config = composed.config
    check_checkpoint(config.model)
    # A missing text is reported here; training would stop at it.
    splits = prepare(replace(config.dataset, missing="drop"))

    # Imported after the data are read, so that errors in the data come before slow imports.
    from finesweep.dataset.checks import examine
    from finesweep.dataset.profile.profile import profile
    from finesweep.model import load_tokenizer
    from finesweep.tracking import open_store

    on_ready()
    tokenizer = load_tokenizer(config.model)
    store = open_store(config.tracking)
    profiled = profile(splits, tokenizer, seed=config.dataset.seed, on_part=on_part)
    findings = examine(splits, on_check=lambda name: on_part(f"checking: {name}"))
    numbers = _numbers(composed, splits, profiled)
    on_part("drawing and logging")
    page, run_id = _write(composed, splits, profiled, numbers, findings, store)
    return Exploration(page, run_id, findings, numbers, _has_missing(splits))


def refuse_severe(composed: Composed, explored: Exploration) -> None:
    """ConfigError when dataset.checks is strict and a finding is severe."""
    n_severe = sum(finding.severity == "severe" for finding in explored.findings)
    if n_severe and composed.config.dataset.checks == "strict":
        verb = "is" if n_severe == 1 else "are"
        message = f"'strict' given, and {counted(n_severe, 'finding')} of the data {verb} severe"
        raise ConfigError(Problem("dataset.checks", message))


def _numbers(composed: Composed, splits: Splits, profile: Profile) -> dict[str, Any]:
    from finesweep.dataset.profile.as_json import MAX_LENGTHS, profile_json

    config = composed.config
    lengths = sorted({*MAX_LENGTHS, config.dataset.max_length})
    return {
        "name": _source(composed) or config.dataset.name,
        "model": composed.choices.get("model", config.model.name_or_path),
        "max_length": config.dataset.max_length,
        "data_notes": list(splits.notes),
        **profile_json(profile, max_lengths=lengths),
    }


def _write(
    composed: Composed,
    splits: Splits,
    profile: Profile,
    numbers: dict[str, Any],
    findings: Sequence[Finding],
    store: TrackingStore,
) -> tuple[Path, str]:
    """The page's path and the run's id, once everything is logged."""
    from finesweep.runs.exploration import KIND, PAGE, log_exploration, write_exploration

    config = composed.config.dataset
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / KIND
        folder.mkdir()
        write_exploration(
            folder, profile, numbers, findings, max_length=config.max_length, seed=config.seed
        )
        run = log_exploration(store, composed, splits, findings, Path(parent))
        PAGES.mkdir(parents=True, exist_ok=True)
        page = PAGES / f"{page_name(composed)}.html"
        with written_aside(page) as aside:
            aside.write_bytes((folder / PAGE).read_bytes())
        return page, run.run_id


def page_name(composed: Composed) -> str:
    """The page's name: the dataset's, or its source where an override names that.

    Two sources never share a name: a source with characters that are replaced gets a hash.
    """
    source = _source(composed)
    if source is None:
        return re.sub(r"[^\w-]", "_", composed.config.dataset.name)
    name = re.sub(r"[^\w.-]+", "-", source).strip("-.")[-MAX_CHARACTERS:]
    digest = hashlib.sha256(source.encode()).hexdigest()[:6]
    return name if name == source else f"{name}-{digest}"


def _source(composed: Composed) -> str | None:
    """The source named by an override; None where the dataset config names it."""
    config, paths = composed.config.dataset, set(map(override_path, composed.overrides))
    is_named = any(path.startswith(SOURCES) for path in paths)
    source = config.path or config.files.train or config.hub
    if source is None or "dataset.name" in paths or not (is_named or config.name == LOCAL):
        return None
    return source if "://" in source else os.path.normpath(source)


def _has_missing(splits: Splits) -> bool:
    from finesweep.dataset.row_filters import is_missing

    return any(
        (is_missing(frame["text"]) | is_missing(frame["label"])).any()
        for frame in splits.raw.values()
    )
