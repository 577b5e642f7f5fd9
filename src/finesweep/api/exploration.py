"""A dataset explored: profile, checks, page and MLflow run."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finesweep.api.caller import caller_kept
from finesweep.api.inputs import check_checkpoint
from finesweep.api.results import Exploration
from finesweep.config import Composed, compose
from finesweep.disk import written_aside
from finesweep.errors import ConfigError, Problem
from finesweep.wording import counted

if TYPE_CHECKING:
    from finesweep.dataset.profile.profile import Profile
    from finesweep.records import Finding, Splits
    from finesweep.tracking import TrackingStore

PAGES = Path("mlruns/explore")
SOURCES = ("dataset.path=", "dataset.files.", "dataset.files=", "dataset.hub=")
LOCAL = "local"
"""The name of conf/dataset/local.yaml, which says nothing of what the data are."""
MAX_CHARACTERS = 80
"""Of the name of a page."""


@caller_kept()
def explore(overrides: Sequence[str] = (), *, progress: bool = True) -> Exploration:
    """What is known about a dataset: numbers, findings, and a page with pictures.

    Args:
        overrides: Hydra overrides, as behind `finesweep explore`.
        progress: Says on standard error, or in the notebook's cell, what is being done.

    Returns:
        An Exploration; its page lies in mlruns/explore/ and in an MLflow run.

    Raises:
        ConfigError: An override, the data or the store is wrong; with dataset.checks=strict, also
            when a finding is severe, once page and run are written.

    Example:
        >>> explored = finesweep.explore(["dataset=local", "dataset.path=reviews.csv"])
        >>> [finding.message for finding in explored.findings]
    """
    from finesweep.api.progress import notes_on

    composed = compose(overrides)
    with notes_on(progress).status("reading the dataset") as status:
        explored = explored_from(composed, on_part=status.update)
    refuse_severe(composed, explored)
    return explored


def explored_from(
    composed: Composed,
    *,
    on_part: Callable[[str], None],
    on_ready: Callable[[], None] = lambda: None,
) -> Exploration:
    """What is known about a dataset, once page and run are written.

    on_part is told what is done next; on_ready is called when all that takes seconds to import is.
    """
    from finesweep.dataset import prepare

    config = composed.config
    check_checkpoint(config.model)
    # A missing text is something to show; training would stop at it.
    splits = prepare(replace(config.dataset, missing="drop"))

    # After the data, so that what is wrong with them is told before the seconds these take.
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
    page, run_id = _kept(composed, splits, profiled, numbers, findings, store)
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


def _kept(
    composed: Composed,
    splits: Splits,
    profile: Profile,
    numbers: dict[str, Any],
    findings: Sequence[Finding],
    store: TrackingStore,
) -> tuple[Path, str]:
    """Where the page lies, and the run's id, once all is logged."""
    from finesweep.runs.exploration import KIND, PAGE, log_exploration, write_exploration

    config = composed.config.dataset
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / KIND
        folder.mkdir()
        write_exploration(
            folder, profile, numbers, findings, max_length=config.max_length, seed=config.seed
        )
        run = log_exploration(store, composed, splits, findings, Path(place))
        PAGES.mkdir(parents=True, exist_ok=True)
        page = PAGES / f"{page_name(composed)}.html"
        with written_aside(page) as aside:
            aside.write_bytes((folder / PAGE).read_bytes())
        return page, run.run_id


def page_name(composed: Composed) -> str:
    """What the page is called: the dataset's name, or where the command names the data, these.

    Two sources never share a name: one that a file's name cannot hold has a part of its hash.
    """
    source = _source(composed)
    if source is None:
        return re.sub(r"[^\w-]", "_", composed.config.dataset.name)
    name = re.sub(r"[^\w.-]+", "-", source).strip("-.")[-MAX_CHARACTERS:]
    digest = hashlib.sha256(source.encode()).hexdigest()[:6]
    return name if name == source else f"{name}-{digest}"


def _source(composed: Composed) -> str | None:
    """The data as the command names them; None where the choice of the dataset does."""
    config = composed.config.dataset
    named = any(text.lstrip("+").startswith(SOURCES) for text in composed.overrides)
    given = config.path or config.files.train or config.hub
    has_name = any(text.lstrip("+").startswith("dataset.name=") for text in composed.overrides)
    if given is None or has_name or not (named or config.name == LOCAL):
        return None
    return given if "://" in given else os.path.normpath(given)


def _has_missing(splits: Splits) -> bool:
    from finesweep.dataset.row_filters import is_missing

    return any(
        (is_missing(frame["text"]) | is_missing(frame["label"])).any()
        for frame in splits.raw.values()
    )
