"""Folders of adapted models: named after what they are of, written whole, never written over."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from finesweep.config import Composed
from finesweep.disk import is_whole
from finesweep.errors import ConfigError, Problem, differences
from finesweep.records import TextDataset
from finesweep.runs.run_logging import model_name
from finesweep.training import Guess

ROOT = "mlruns/adapted"
OF_ITSELF = "checkpoint"
"""The choice of the group `model` that says nothing of which model it is."""
RECORD = "adaptation.json"
"""What made the model of a folder, and what that brought."""
SECTIONS = ("dataset.", "model.", "training.", "adapt.")


@dataclass(frozen=True)
class Adaptation:
    """A model that was trained on a dataset's own text, and what that brought."""

    folder: str
    """Where model and tokenizer lie."""
    run_id: str
    has_new_head: bool
    """Whether the checkpoint had no head for guessing tokens."""
    perplexities: tuple[float, float]
    """Perplexity on the validation split's masked tokens, before and after."""
    probe: str
    before: tuple[Guess, ...]
    """The likeliest tokens in the probe's masked place, top first, before adaptation."""
    after: tuple[Guess, ...]
    """The same after it."""


def adapted_folder(composed: Composed) -> Path:
    """Where the config wants the adapted model."""
    config = composed.config
    if config.adapt.folder is not None:
        return Path(config.adapt.folder)
    model = model_name(composed)
    if model == OF_ITSELF:
        model = Path(config.model.name_or_path).name
    return Path(ROOT) / re.sub(r"[^\w.-]+", "-", f"{model}-{config.dataset.name}")


def definition(composed: Composed, dataset: TextDataset) -> dict[str, Any]:
    """Dotted path → value of all that makes two adaptations the same, the folder's name apart."""
    flat = {k: v for k, v in composed.flat().items() if k.startswith(SECTIONS)}
    del flat["adapt.folder"]
    # As the folder gives it back: tuples are lists by then.
    return dict(json.loads(json.dumps(flat | {"data fingerprint": dataset.fingerprint})))


def earlier_adaptation(folder: Path, wanted: Mapping[str, Any]) -> Adaptation | None:
    """The finished adaptation of this definition that folder holds; None when there is no folder.

    ConfigError when it holds anything else.
    """
    if not folder.exists():
        return None
    other = "adapt.folder=… names another folder"
    if not (folder / RECORD).exists() or not is_whole(folder):
        message = f"{folder} exists and holds no finished adaptation; {other}"
        raise ConfigError(Problem("adapt.folder", message))
    kept = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    if problems := differences(kept["definition"], wanted, when=f"when {folder} was made"):
        message = f"{folder} holds another adaptation; {other}"
        raise ConfigError(*problems, Problem("adapt.folder", message))
    # The folder as it is called now: it may have been moved since.
    return replace(_adaptation(kept["adaptation"]), folder=str(folder))


def write_record(folder: Path, adaptation: Adaptation, wanted: Mapping[str, Any]) -> None:
    """Writes what earlier_adaptation reads."""
    record = {"definition": dict(wanted), "adaptation": asdict(adaptation)}
    (folder / RECORD).write_text(json.dumps(record, indent=2), encoding="utf-8")


def _adaptation(kept: Mapping[str, Any]) -> Adaptation:
    guesses = {when: tuple(Guess(**each) for each in kept[when]) for when in ("before", "after")}
    return Adaptation(**{**kept, **guesses, "perplexities": tuple(kept["perplexities"])})
