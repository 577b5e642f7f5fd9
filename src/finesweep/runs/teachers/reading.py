"""What a teacher's files say about it, without loading its weights."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from transformers import AutoConfig, PretrainedConfig

from finesweep.config.names import uri_complaint
from finesweep.config.package_files import packaged_path
from finesweep.errors import ConfigError, Problem, first_line
from finesweep.model import UNREADABLE
from finesweep.prediction import find_model, pinned_uri, run_params
from finesweep.records import ANSWERING_KEY

FIELD = "training.teacher"
CONFIG = "config.json"
MULTI_LABEL = "multi_label_classification"


@dataclass(frozen=True)
class Teacher:
    """A trained classifier as a study records it; JSON can hold it."""

    uri: str
    """The version, never an alias."""
    sha256: str
    """Of config and weights."""
    label_names: tuple[str, ...]
    """In the order of its logits."""
    multi_label: bool
    max_length: int | None
    """Tokens that it reads of a text; None if that is not recorded: as many as the student."""
    pairs: bool | None
    """Whether it reads text pairs; None if that is not recorded."""
    clean: tuple[str, ...] | None
    """Cleaning of its texts; None if that is not recorded."""
    text_columns: tuple[str, ...] | None
    """Columns joined to one text; empty for one column, None if that is not recorded."""

    @staticmethod
    def from_record(record: Mapping[str, Any]) -> Teacher:
        """The teacher of which JSON has turned tuples into lists."""
        fields: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in record.items()
        }
        return Teacher(**fields)


@dataclass(frozen=True)
class TeacherFiles:
    """Where a teacher's files are on this machine, and what its run recorded."""

    uri: str
    weights: Path
    tokenizer: Path
    max_length: int | None
    params: Mapping[str, str]


def read_teacher(uri: str, *, tracking_uri: str) -> Teacher:
    """The teacher that uri means now; ConfigError when it is no trained classifier."""
    files = teacher_files(uri, tracking_uri=tracking_uri)
    config = _config(files)
    rule: Mapping[str, Any] | None = getattr(config, ANSWERING_KEY, None)
    columns = files.params.get("dataset.text_columns")
    return Teacher(
        uri=files.uri,
        sha256=weights_sha256(files),
        label_names=tuple(str(config.id2label[k]) for k in range(config.num_labels)),
        multi_label=config.problem_type == MULTI_LABEL,
        max_length=files.max_length,
        pairs=None if rule is None else bool(rule.get("pairs")),
        clean=None if rule is None else tuple(rule.get("clean", ())),
        text_columns=None if columns is None else tuple(yaml.safe_load(columns) or ()),
    )


def teacher_files(uri: str, *, tracking_uri: str) -> TeacherFiles:
    """The files that uri means now; ConfigError when there are none."""
    folder = packaged_path(uri, field=FIELD)
    if (folder / CONFIG).is_file():  # saved by transformers, without MLflow
        return TeacherFiles(uri, folder, folder, None, {})
    if not folder.exists() and (complaint := uri_complaint(uri)):
        raise ConfigError(Problem(FIELD, complaint))
    return _files_of(pinned_uri(uri, tracking_uri=tracking_uri, field=FIELD), tracking_uri)


@lru_cache(maxsize=4)
def _files_of(uri: str, tracking_uri: str) -> TeacherFiles:
    """The files of a fixed version, downloaded once in a process."""
    files = find_model(uri, tracking_uri=tracking_uri, field=FIELD)
    params = run_params(files, tracking_uri=tracking_uri)
    return TeacherFiles(uri, files.weights, files.tokenizer, files.max_length, params)


def weights_sha256(files: TeacherFiles) -> str:
    """SHA-256, in hex, of the config and the weights; ConfigError without weights in safetensors,
    since no pickle is ever loaded."""
    weights = sorted(files.weights.glob("*.safetensors"))
    if not weights:
        raise _problem(files.uri, "it has no weights in safetensors")
    digest = hashlib.sha256()
    for path in (files.weights / CONFIG, *weights):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _config(files: TeacherFiles) -> PretrainedConfig:
    try:
        config = AutoConfig.from_pretrained(files.weights, local_files_only=True)
    except UNREADABLE as error:
        raise _problem(files.uri, f"its config cannot be read: {first_line(error)}") from error
    kinds = getattr(config, "architectures", None) or []
    if not any(str(kind).endswith("ForSequenceClassification") for kind in kinds):
        message = f"it is not a trained classifier: {', '.join(kinds) or 'no architecture'}"
        raise _problem(files.uri, message)
    return config


def _problem(uri: str, message: str) -> ConfigError:
    return ConfigError(Problem(FIELD, f"{uri!r}: {message}"))
