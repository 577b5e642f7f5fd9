"""What is kept of a dataset that was explored: its pictures, numbers and page, in a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from finesweep.config import Composed
from finesweep.databases import hidden_password
from finesweep.dataset.load import fingerprint
from finesweep.dataset.profile.profile import PHRASES, Profile
from finesweep.figures.exploration import balance_figure, truncation_figure
from finesweep.figures.exploration_page import exploration_page
from finesweep.figures.lengths import lengths_figure
from finesweep.figures.phrases import clouds_figure, phrases_figure
from finesweep.records import SPLITS, Finding, Severity, Splits
from finesweep.runs.evaluation_files import write_picture, write_readable_json
from finesweep.tracking.runs import Run, input_fields, start_run
from finesweep.tracking.store import TrackingStore

KIND = "explore"
PAGE = "explore.html"
SEVERITIES: tuple[Severity, ...] = ("severe", "warning", "note")
MAX_DRAWN = 8
"""Classes in a picture: more could not be told apart."""


def write_exploration(
    folder: Path,
    profile: Profile,
    made: Mapping[str, Any],
    findings: Sequence[Finding],
    *,
    max_length: int,
    seed: int,
) -> None:
    """Writes explore.html, explore.json, findings.json and the pictures into folder.

    made is profile as plain values; max_length is marked where lengths are drawn; seed places the
    words of the clouds.
    """
    told = [asdict(finding) for finding in findings]
    write_readable_json(folder / "explore.json", made)
    write_readable_json(folder / "findings.json", told)
    for name, figure in _figures(profile, max_length=max_length, seed=seed).items():
        write_picture(folder / f"{name}.png", figure)
    pictures = {path.stem: path.read_bytes() for path in folder.glob("*.png")}
    page = exploration_page(made, told, pictures)
    (folder / PAGE).write_text(page, encoding="utf-8")


def log_exploration(
    store: TrackingStore,
    composed: Composed,
    splits: Splits,
    findings: Sequence[Finding],
    folder: Path,
) -> Run:
    """A finished run of its own kind that holds the folder under explore/, and the numbers of rows
    and findings."""
    config = composed.config.dataset
    params = composed.choices | composed.flat()
    run = start_run(
        store,
        name=f"explore {config.name}",
        tags={"finesweep.kind": KIND},
        params={name: hidden_password(str(value)) for name, value in params.items()},
    )
    sizes = {split: len(splits.frames[split]) for split in SPLITS}
    source = config.hub or config.path or "files"
    digest = fingerprint(splits.frames, splits.label_names, multi_label=splits.multi_label)
    run.log_input(input_fields(config.name, digest, sizes, source), context="exploration")
    severities = [finding.severity for finding in findings]
    metrics = {f"rows/{split}": n for split, n in sizes.items()}
    metrics |= {f"findings/{severity}": severities.count(severity) for severity in SEVERITIES}
    run.log_metrics(metrics, step=0)
    run.log_folder(folder)
    run.finish("FINISHED")
    return run


def _figures(profile: Profile, *, max_length: int, seed: int) -> dict[str, Figure]:
    """By the names of their files."""
    shown = commonest(profile.counts["train"], MAX_DRAWN)
    names = [profile.label_names[label] for label in shown]
    which = _which(profile, shown)
    counts = {str(split): rows[shown].tolist() for split, rows in profile.counts.items()}
    totals = list(profile.n_rows.values())
    train = profile.lengths["train"]
    lengths = {str(name): [each.of(label) for label in shown] for name, each in train.items()}
    cuts = {
        "by split": {str(split): each["tokens"].values for split, each in profile.lengths.items()},
        f"train by class{which}": dict(zip(names, lengths["tokens"], strict=True)),
    }
    tops = {
        name: [
            [(each.text, each.count) for each in profile.phrases[name][label]] for label in shown
        ]
        for name in PHRASES
    }
    words = f"words of train by class{which}"
    return {
        "balance": balance_figure(
            counts, names, totals=totals, title=f"share of each class{which}"
        ),
        "lengths": lengths_figure(lengths, names, title=f"texts of train by class{which}"),
        "cut": truncation_figure(
            cuts,
            n_special=profile.n_special,
            chosen=max_length,
            title="texts that max_length cuts, special tokens counted",
        ),
        "clouds": clouds_figure(
            tops["words"], names, title=f"{words}, without English stop words", seed=seed
        ),
        **{
            name: phrases_figure(top, names, title=f"commonest {name} of train by class{which}")
            for name, top in tops.items()
        },
    }


def commonest(counts: np.ndarray, n_classes: int) -> list[int]:
    """At most n_classes of the classes with most rows, in id order; empty ones never."""
    best = np.argsort(-counts, kind="stable")[:n_classes]
    return sorted(int(label) for label in best if counts[label])


def _which(profile: Profile, shown: Sequence[int]) -> str:
    n_classes, counts = len(profile.label_names), profile.counts["train"]
    if len(shown) == n_classes:
        return ""
    share = counts[list(shown)].sum() / counts.sum()
    return f": the {len(shown)} commonest of {n_classes}, {share:.0%} of train"
