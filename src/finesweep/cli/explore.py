"""`finesweep explore [OVERRIDE…]`: a dataset in tables, pictures and checks."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finesweep.cli.arguments.compose_args import composed_from
from finesweep.cli.arguments.inputs import check_checkpoint
from finesweep.cli.startup import collector
from finesweep.cli.startup.quiet import silence_libraries
from finesweep.config import Composed
from finesweep.disk import written_aside
from finesweep.errors import ConfigError, Problem
from finesweep.wording import counted

if TYPE_CHECKING:
    from rich.console import Console

    from finesweep.dataset.profile.profile import Profile
    from finesweep.records import Finding, Splits
    from finesweep.tracking import TrackingStore

EXAMPLES = """
examples:
  finesweep explore                                           the demo's tweets
  finesweep explore dataset=imdb model=distilbert             with that model's tokens
  finesweep explore dataset=local dataset.path=reviews.csv    a file of yours
  finesweep explore dataset=local dataset.path=reviews.csv dataset.checks=strict
                                                              exit code 2 if data are unsound
"""
PAGES = Path("mlruns/explore")
SOURCES = ("dataset.path=", "dataset.files.", "dataset.files=", "dataset.hub=")
LOCAL = "local"
"""The name of conf/dataset/local.yaml, which says nothing of what the data are."""
MAX_CHARACTERS = 80
"""Of the name of a page."""


def run(arguments: Sequence[str]) -> int:
    composed = composed_from("explore", arguments, examples=EXAMPLES)
    if composed is not None:
        silence_libraries()
        _explore(composed)
    return 0


def _explore(composed: Composed) -> None:
    from finesweep.cli.screens.console import screen

    console = screen()
    with console.status("reading the dataset") as status:
        splits, profile, findings, store = _examined(composed, on_part=status.update)
        made = _made(composed, splits, profile)
        status.update("drawing and logging")
        page = _kept(composed, splits, profile, made, findings, store)

    from finesweep.cli.screens.dataset_report import print_findings, print_overview

    print_overview(console, made)
    print_findings(console, findings)
    _print_end(console, composed, splits, page)
    n_severe = sum(finding.severity == "severe" for finding in findings)
    if n_severe and composed.config.dataset.checks == "strict":
        verb = "is" if n_severe == 1 else "are"
        message = f"'strict' given, and {counted(n_severe, 'finding')} of the data {verb} severe"
        raise ConfigError(Problem("dataset.checks", message))


def _examined(
    composed: Composed, *, on_part: Callable[[str], None]
) -> tuple[Splits, Profile, tuple[Finding, ...], TrackingStore]:
    """What is known about the dataset, and where it will be kept; on_part is told what is next."""
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

    collector.resume()
    tokenizer = load_tokenizer(config.model)
    store = open_store(config.tracking)
    made = profile(splits, tokenizer, seed=config.dataset.seed, on_part=on_part)
    findings = examine(splits, on_check=lambda name: on_part(f"checking: {name}"))
    return splits, made, findings, store


def _made(composed: Composed, splits: Splits, profile: Profile) -> dict[str, Any]:
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
    made: dict[str, Any],
    findings: Sequence[Finding],
    store: TrackingStore,
) -> Path:
    """Where the page lies, once all is logged."""
    from finesweep.runs.exploration import KIND, PAGE, log_exploration, write_exploration

    config = composed.config.dataset
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / KIND
        folder.mkdir()
        write_exploration(
            folder, profile, made, findings, max_length=config.max_length, seed=config.seed
        )
        log_exploration(store, composed, splits, findings, Path(place))
        PAGES.mkdir(parents=True, exist_ok=True)
        page = PAGES / f"{page_name(composed)}.html"
        with written_aside(page) as aside:
            aside.write_bytes((folder / PAGE).read_bytes())
        return page


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


def _print_end(console: Console, composed: Composed, splits: Splits, page: Path) -> None:
    from finesweep.dataset.row_filters import is_missing

    missing = any(
        (is_missing(frame["text"]) | is_missing(frame["label"])).any()
        for frame in splits.raw.values()
    )
    overrides = list(composed.overrides)
    if missing and composed.config.dataset.missing == "error":
        overrides.append("dataset.missing=drop")
    console.print(f"\npage: {page}", highlight=False, soft_wrap=True)
    console.print("next:", highlight=False)
    command = shlex.join(["finesweep", "train", *overrides])
    console.print(f"  {command}\n  finesweep ui", highlight=False, soft_wrap=True, markup=False)
