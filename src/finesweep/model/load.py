"""Loading a classifier with named labels and its tokenizer; a process reads the same files once."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from huggingface_hub import try_to_load_from_cache
from safetensors import SafetensorError
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertModel,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    set_seed,
)

from finesweep.config import ModelConfig
from finesweep.config.package_files import packaged_path
from finesweep.errors import ConfigError, Problem, first_line
from finesweep.model.capabilities.agreement import Agreement, agree
from finesweep.model.capabilities.longest import check_length
from finesweep.model.hub import UNREADABLE, FilesState, files_state, load_config, source
from finesweep.model.layer_subset import distil, distil_config
from finesweep.model.settings.dropout_rate import set_dropout
from finesweep.model.settings.pooling import apply_pooling, set_pooling
from finesweep.model.transformers_private import draw_weights

CONFIG = "config.json"
MAX_CACHED = 2
"""Checkpoints that a process keeps in memory: sweeps usually compare two."""
Digests = Mapping[str, str]
"""Name → SHA-256 in hex of each weight."""


@dataclass(frozen=True)
class _Pristine:
    """A loaded checkpoint, which is copied and never trained."""

    model: PreTrainedModel
    new: tuple[str, ...]
    """Modules without weights in the checkpoint, that is, the head."""
    digests: Digests
    agreement: Agreement
    lengths: set[int]
    """Input lengths, in tokens, that it is known to support."""


def load_model(
    model: ModelConfig,
    *,
    label_names: Sequence[str],
    seed: int,
    multi_label: bool = False,
    max_length: int | None = None,
) -> PreTrainedModel:
    """A classifier in float32 whose config has the label names and the problem type, with model's
    dropout and pooling; seed initialises its new head. The tokenizer of load_tokenizer matches it
    afterwards.

    A process reads each checkpoint once, unless its files change, and then copies it from memory,
    with the same result. Only safetensors are read. ConfigError when the checkpoint cannot be
    loaded, when its tokenizer, config and weights do not match, or when it does not support
    max_length tokens, dropout or pooling.
    """
    names = tuple(label_names)
    pristine = _pristine(
        model.name_or_path, model.revision, model.distil, names, multi_label, files_state(model)
    )
    tokenizer = load_tokenizer(model)
    pristine.agreement.apply(tokenizer)
    if max_length is not None and max_length not in pristine.lengths:
        check_length(pristine.model, tokenizer, max_length=max_length, name=model.name_or_path)
        pristine.lengths.add(max_length)
    classifier = copy.deepcopy(pristine.model)
    # set_seed also seeds numpy and random, which initialisers of transformers may use.
    set_seed(seed)
    for name in pristine.new:
        draw_weights(classifier, name)
    head_digests = digests(classifier, pristine.new)
    classifier.starting_digests = {**pristine.digests, **head_digests}
    apply_settings(classifier, model)
    return classifier


def apply_settings(classifier: PreTrainedModel, model: ModelConfig) -> None:
    """Sets a loaded classifier's dropout and pooling; ConfigError when it does not support them.

    Without a configured pooling, a checkpoint that finesweep trained with one keeps it.
    """
    if model.dropout is not None:
        set_dropout(classifier, model.dropout, name=model.name_or_path)
    if model.pooling is None:
        apply_pooling(classifier)
    else:
        set_pooling(classifier, model.pooling, name=model.name_or_path)


@lru_cache(maxsize=MAX_CACHED)
def _pristine(
    name: str,
    revision: str | None,
    distilled: bool,
    label_names: tuple[str, ...],
    multi_label: bool,
    state: FilesState,
) -> _Pristine:
    """state is there to read a folder again whose files have changed."""
    model = ModelConfig(name, revision, distilled)
    classifier, new = _read(model, _labels(label_names, multi_label=multi_label))
    agreement = agree(classifier, load_tokenizer(model), name=name)
    return _Pristine(classifier, new, digests(classifier), agreement, set())


def unlabelled(model: ModelConfig) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """A classifier with two placeholder labels, to test capabilities, and its matching tokenizer;
    ConfigError as load_model. Not kept in memory."""
    classifier, _ = _read(model, _labels(("0", "1"), multi_label=False))
    tokenizer = load_tokenizer(model)
    agree(classifier, tokenizer, name=model.name_or_path).apply(tokenizer)
    return classifier, tokenizer


def _read(model: ModelConfig, labels: dict[str, Any]) -> tuple[PreTrainedModel, tuple[str, ...]]:
    """The classifier, and the names of the modules without weights in the checkpoint."""
    config = load_config(model)
    with weights_read(model) as kwargs:
        if model.distil:
            bert, _ = BertModel.from_pretrained(**kwargs)
            classifier = distil(bert, distil_config(config, **labels))
            encoder_names = set(
                classifier.base_model.state_dict(prefix=f"{classifier.base_model_prefix}.")
            )
            missing = set(classifier.state_dict()) - encoder_names
        else:
            classifier, info = AutoModelForSequenceClassification.from_pretrained(
                ignore_mismatched_sizes=True,  # a fine-tuned head for other classes is replaced
                **kwargs,
                **labels,
            )
            missing = {*info["missing_keys"], *(key[0] for key in info["mismatched_keys"])}
    # In the model's own order, which is the order of initialisation.
    new = dict.fromkeys(
        name.rpartition(".")[0] for name, _ in classifier.named_parameters() if name in missing
    )
    return classifier, tuple(new)


@contextmanager
def weights_read(model: ModelConfig) -> Iterator[dict[str, Any]]:
    """Arguments of from_pretrained: float32, safetensors, and reporting missing keys.

    ConfigError when loading fails within the block.
    """
    kwargs = {"use_safetensors": True, "dtype": "float32", "output_loading_info": True}
    try:
        yield {**kwargs, **source(model)}
    except (*UNREADABLE, SafetensorError) as error:
        message = f"cannot load {model.name_or_path!r}: {first_line(error)}"
        raise ConfigError(Problem("model.name_or_path", message)) from error


@lru_cache(maxsize=2 * MAX_CACHED)
def _tokenizer(
    name: str, revision: str | None, distilled: bool, state: FilesState
) -> PreTrainedTokenizerBase:
    """state is there as in _pristine."""
    columns = {"model_input_names": ["input_ids", "attention_mask"]} if distilled else {}
    return AutoTokenizer.from_pretrained(**source(ModelConfig(name, revision)), **columns)


def load_tokenizer(model: ModelConfig) -> PreTrainedTokenizerBase:
    """The checkpoint's tokenizer, which returns only the columns that the model takes.

    A process reads it once; callers pass truncation and padding themselves.
    """
    try:
        tokenizer = _tokenizer(model.name_or_path, model.revision, model.distil, files_state(model))
        # Without its files transformers returns a tokenizer with special tokens only.
        if len(tokenizer) <= len(tokenizer.all_special_ids):
            raise ValueError("it has no vocabulary")
        return tokenizer
    except UNREADABLE as error:
        message = f"no tokenizer at {model.name_or_path!r}: {first_line(error)}"
        raise ConfigError(Problem("model.name_or_path", message)) from error


def load_trained(
    folder: Path, *, tokenizer: Path | None = None
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """A trained classifier, pooled as trained, and its tokenizer: from a folder, or one each."""
    model = AutoModelForSequenceClassification.from_pretrained(folder, use_safetensors=True)
    apply_pooling(model)
    return model, AutoTokenizer.from_pretrained(tokenizer or folder)


def loaded_revision(model: ModelConfig) -> str | None:
    """The Hub commit that was loaded, the name of its folder in the cache; None for folders."""
    cached = None
    if not packaged_path(model.name_or_path, field="model.name_or_path").exists():
        cached = try_to_load_from_cache(model.name_or_path, CONFIG, revision=model.revision)
    return Path(cached).parent.name if isinstance(cached, str) else None


def starting_sha256(
    model: PreTrainedModel, names: Callable[[str], bool] = lambda name: True
) -> str:
    """SHA-256 of the weights with these names as load_model returned them, before any training.

    It is taken over `name:digest` lines in name order, digest being each weight's own SHA-256.
    """
    entries = sorted(model.starting_digests.items())
    lines = "\n".join(f"{name}:{digest}" for name, digest in entries if names(name))
    return hashlib.sha256(lines.encode()).hexdigest()


def digests(model: PreTrainedModel, modules: Sequence[str] | None = None) -> dict[str, str]:
    """Name → SHA-256 in hex of each weight, or of those of the given modules."""
    state = model.state_dict()
    within = tuple(f"{module}." for module in modules) if modules is not None else ("",)
    return {
        name: hashlib.sha256(tensor.detach().contiguous().numpy().data).hexdigest()
        for name, tensor in state.items()
        if name.startswith(within)
    }


def _labels(names: Sequence[str], *, multi_label: bool) -> dict[str, Any]:
    return {
        "problem_type": f"{'multi' if multi_label else 'single'}_label_classification",
        "num_labels": len(names),
        "id2label": dict(enumerate(names)),
        "label2id": {name: index for index, name in enumerate(names)},
    }
