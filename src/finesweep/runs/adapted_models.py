"""Folders of adapted models: named by model and dataset, written atomically, never overwritten."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from finesweep.config import Composed
from finesweep.config.field_paths import is_default
from finesweep.disk import is_committed
from finesweep.errors import ConfigError, Problem, differences
from finesweep.records import TextDataset
from finesweep.runs.run_name import model_name
from finesweep.training import Guess

ROOT = "mlruns/adapted"
ANY_CHECKPOINT = "checkpoint"
"""The choice of the group `model` that stands for any checkpoint."""
RECORD = "adaptation.json"
"""File with an adaptation's definition and results."""
SECTIONS = ("dataset.", "model.", "training.", "adapt.")


@dataclass(frozen=True)
class Adaptation:
    """A model adapted to a dataset's text, and the results."""

    folder: str
    """Folder of model and tokenizer."""
    run_id: str
    has_new_head: bool
    """Whether the checkpoint had no masked-language-modelling head."""
    perplexities: tuple[float, float]
    """Perplexity on the validation split's masked tokens, before and after."""
    probe: str
    before: tuple[Guess, ...]
    """Predictions for the probe's masked token before adaptation, best first."""
    after: tuple[Guess, ...]
    """Predictions after adaptation."""


def adapted_folder(composed: Composed) -> Path:
    """The adapted model's folder by the config."""
    config = composed.config
    if config.adapt.folder is not None:
        return Path(config.adapt.folder)
    model = model_name(composed)
    if model == ANY_CHECKPOINT:
        model = Path(config.model.name_or_path).name
    return Path(ROOT) / re.sub(r"[^\w.-]+", "-", f"{model}-{config.dataset.name}")


def definition(composed: Composed, dataset: TextDataset) -> dict[str, Any]:
    """Dotted path → value of all that identifies an adaptation, except its folder."""
    flat = {k: v for k, v in composed.flat().items() if k.startswith(SECTIONS)}
    del flat["adapt.folder"]
    # Through JSON, like the record: tuples become lists.
    return dict(json.loads(json.dumps(flat | {"data fingerprint": dataset.fingerprint})))


def earlier_adaptation(folder: Path, identity: Mapping[str, Any]) -> Adaptation | None:
    """The finished adaptation with this definition in folder; None if the folder does not exist.

    ConfigError when the folder has any other content.
    """
    if not folder.exists():
        return None
    hint = "choose another folder with adapt.folder=…"
    if not (folder / RECORD).exists() or not is_committed(folder):
        message = f"{folder} exists but has no finished adaptation; {hint}"
        raise ConfigError(Problem("adapt.folder", message))
    record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    # A field that the record does not have is newer than the folder, and had its default.
    known = {k: v for k, v in identity.items() if is_default(k, v)} | record["definition"]
    if problems := differences(known, identity, when=f"when {folder} was created"):
        message = f"{folder} has another adaptation; {hint}"
        raise ConfigError(*problems, Problem("adapt.folder", message))
    # The current folder: it may have been moved since.
    return replace(_adaptation(record["adaptation"]), folder=str(folder))


def write_record(folder: Path, adaptation: Adaptation, identity: Mapping[str, Any]) -> None:
    """Writes the record that earlier_adaptation reads."""
    record = {"definition": dict(identity), "adaptation": asdict(adaptation)}
    (folder / RECORD).write_text(json.dumps(record, indent=2), encoding="utf-8")


def _adaptation(fields: Mapping[str, Any]) -> Adaptation:
    guesses = {when: tuple(Guess(**each) for each in fields[when]) for when in ("before", "after")}
    return Adaptation(**{**fields, **guesses, "perplexities": tuple(fields["perplexities"])})
