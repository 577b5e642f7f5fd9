"""A dataset exploration in a tracked run: figures, numbers and page."""

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
"""Maximum number of classes in a figure: more could not be distinguished."""


def write_exploration(
    folder: Path,
    profile: Profile,
    profile_json: Mapping[str, Any],
    findings: Sequence[Finding],
    *,
    max_length: int,
    seed: int,
) -> None:
    """Writes explore.html, explore.json, findings.json and the pictures into folder.

    profile_json is profile as plain values; max_length is marked in the figure of lengths; seed
    places the words in the clouds.
    """
    findings_json = [asdict(finding) for finding in findings]
    write_readable_json(folder / "explore.json", profile_json)
    write_readable_json(folder / "findings.json", findings_json)
    for name, figure in _figures(profile, max_length=max_length, seed=seed).items():
        write_picture(folder / f"{name}.png", figure)
    pictures = {path.stem: path.read_bytes() for path in folder.glob("*.png")}
    page = exploration_page(profile_json, findings_json, pictures)
    (folder / PAGE).write_text(page, encoding="utf-8")


def log_exploration(
    store: TrackingStore,
    composed: Composed,
    splits: Splits,
    findings: Sequence[Finding],
    folder: Path,
) -> Run:
    """A finished run of kind `explore` with the folder's files, and the numbers of rows and
    findings."""
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
    """Figures by file name."""
    labels = commonest(profile.counts["train"], MAX_DRAWN)
    names = [profile.label_names[label] for label in labels]
    which = _which(profile, labels)
    counts = {str(split): rows[labels].tolist() for split, rows in profile.counts.items()}
    totals = list(profile.n_rows.values())
    train = profile.lengths["train"]
    lengths = {str(name): [each.of(label) for label in labels] for name, each in train.items()}
    cuts = {
        "by split": {str(split): each["tokens"].values for split, each in profile.lengths.items()},
        f"train by class{which}": dict(zip(names, lengths["tokens"], strict=True)),
    }
    tops = {
        name: [
            [(each.text, each.count) for each in profile.phrases[name][label]] for label in labels
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
            title="texts that max_length truncates, special tokens included",
        ),
        "clouds": clouds_figure(
            tops["words"], names, title=f"{words}, without English stop words", seed=seed
        ),
        **{
            name: phrases_figure(top, names, title=f"most frequent {name} of train by class{which}")
            for name, top in tops.items()
        },
    }


def commonest(counts: np.ndarray, n_classes: int) -> list[int]:
    """At most n_classes of the classes with most rows, in id order, without empty ones."""
    best = np.argsort(-counts, kind="stable")[:n_classes]
    return sorted(int(label) for label in best if counts[label])


def _which(profile: Profile, labels: Sequence[int]) -> str:
    n_classes, counts = len(profile.label_names), profile.counts["train"]
    if len(labels) == n_classes:
        return ""
    share = counts[list(labels)].sum() / counts.sum()
    return f": the {len(labels)} most frequent of {n_classes}, {share:.0%} of train"
