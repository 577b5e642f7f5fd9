"""From a config to a classifier with named labels and its tokenizer; files are read once."""

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
from finesweep.model.hub import UNREADABLE, load_config, source
from finesweep.model.layer_subset import distil, distil_config

CONFIG = "config.json"
N_WARM = 2
"""Checkpoints that a process keeps in memory: a sweep compares two."""
Digests = Mapping[str, str]
"""Name → SHA-256 in hex of each weight."""


@dataclass(frozen=True)
class _Pristine:
    """A checkpoint as it was read: never trained, only copied."""

    model: PreTrainedModel
    new: tuple[str, ...]
    """Modules that the checkpoint has no weights for: the head."""
    digests: Digests
    agreement: Agreement
    lengths: set[int]
    """Of inputs, that it is known to take."""


def load_model(
    model: ModelConfig,
    *,
    label_names: Sequence[str],
    seed: int,
    multi_label: bool = False,
    max_length: int | None = None,
) -> PreTrainedModel:
    """A classifier in float32 whose config carries the label names and says whether a text may have
    several; seed draws its new head. The tokenizer that load_tokenizer returns agrees with it
    afterwards.

    A process reads each checkpoint once and copies it from memory, with the same result. Only
    safetensors are read. ConfigError when the checkpoint cannot be had, when its tokenizer, config
    and weights do not go together, or it does not take max_length tokens.
    """
    pristine = _pristine(
        model.name_or_path, model.revision, model.distil, tuple(label_names), multi_label
    )
    tokenizer = load_tokenizer(model)
    pristine.agreement.tell(tokenizer)
    if max_length is not None and max_length not in pristine.lengths:
        check_length(pristine.model, tokenizer, max_length=max_length, name=model.name_or_path)
        pristine.lengths.add(max_length)
    made = copy.deepcopy(pristine.model)
    # transformers' set_seed also seeds numpy and random, which its own initialisers may use.
    set_seed(seed)
    for name in pristine.new:
        made._init_weights(made.get_submodule(name))
    drawn = digests(made, pristine.new)
    made.starting_digests = {**pristine.digests, **drawn}
    return made


@lru_cache(maxsize=N_WARM)
def _pristine(
    name: str,
    revision: str | None,
    distilled: bool,
    label_names: tuple[str, ...],
    multi_label: bool,
) -> _Pristine:
    model = ModelConfig(name, revision, distilled)
    made, new = _read(model, _labels(label_names, multi_label=multi_label))
    agreement = agree(made, load_tokenizer(model), name=name)
    return _Pristine(made, new, digests(made), agreement, set())


def unlabelled(model: ModelConfig) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """A classifier of two nameless labels, to see what it can do, and its tokenizer, which agrees
    with it; ConfigError as load_model. Not kept in memory."""
    made, _ = _read(model, _labels(("0", "1"), multi_label=False))
    tokenizer = load_tokenizer(model)
    agree(made, tokenizer, name=model.name_or_path).tell(tokenizer)
    return made, tokenizer


def _read(model: ModelConfig, labels: dict[str, Any]) -> tuple[PreTrainedModel, tuple[str, ...]]:
    """The classifier, and the names of the modules that the checkpoint has no weights for."""
    config = load_config(model)
    with weights_read(model) as how:
        if model.distil:
            bert, _ = BertModel.from_pretrained(**how)
            made = distil(bert, distil_config(config, **labels))
            known = set(made.base_model.state_dict(prefix=f"{made.base_model_prefix}."))
            missing = set(made.state_dict()) - known
        else:
            made, info = AutoModelForSequenceClassification.from_pretrained(
                ignore_mismatched_sizes=True,  # a fine-tuned head for other classes is replaced
                **how,
                **labels,
            )
            missing = {*info["missing_keys"], *(key[0] for key in info["mismatched_keys"])}
    # In the model's own order: it is that of the draws.
    new = dict.fromkeys(
        name.rpartition(".")[0] for name, _ in made.named_parameters() if name in missing
    )
    return made, tuple(new)


@contextmanager
def weights_read(model: ModelConfig) -> Iterator[dict[str, Any]]:
    """What from_pretrained takes within it: float32 out of safetensors, and what was missing.

    ConfigError when the weights cannot be had.
    """
    how = {"use_safetensors": True, "dtype": "float32", "output_loading_info": True}
    try:
        yield {**how, **source(model)}
    except (*UNREADABLE, SafetensorError) as error:
        message = f"cannot load {model.name_or_path!r}: {first_line(error)}"
        raise ConfigError(Problem("model.name_or_path", message)) from error


@lru_cache(maxsize=2 * N_WARM)
def _tokenizer(name: str, revision: str | None, distilled: bool) -> PreTrainedTokenizerBase:
    columns = {"model_input_names": ["input_ids", "attention_mask"]} if distilled else {}
    return AutoTokenizer.from_pretrained(**source(ModelConfig(name, revision)), **columns)


def load_tokenizer(model: ModelConfig) -> PreTrainedTokenizerBase:
    """The checkpoint's tokenizer, which makes just the columns that the model takes.

    A process reads it once; callers say themselves whether it cuts and pads.
    """
    try:
        tokenizer = _tokenizer(model.name_or_path, model.revision, model.distil)
        # Without its files transformers makes a tokenizer of special tokens alone.
        if len(tokenizer) <= len(tokenizer.all_special_ids):
            raise ValueError("it has no vocabulary")
        return tokenizer
    except UNREADABLE as error:
        message = f"no tokenizer at {model.name_or_path!r}: {first_line(error)}"
        raise ConfigError(Problem("model.name_or_path", message)) from error


def load_trained(folder: Path) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """A classifier and its tokenizer from a folder that this project saved."""
    model = AutoModelForSequenceClassification.from_pretrained(folder, use_safetensors=True)
    return model, AutoTokenizer.from_pretrained(folder)


def loaded_revision(model: ModelConfig) -> str | None:
    """The Hub's commit that was loaded, which names its folder in the cache; None for folders."""
    cached = None
    if not packaged_path(model.name_or_path, field="model.name_or_path").exists():
        cached = try_to_load_from_cache(model.name_or_path, CONFIG, revision=model.revision)
    return Path(cached).parent.name if isinstance(cached, str) else None


def starting_sha256(
    model: PreTrainedModel, names: Callable[[str], bool] = lambda name: True
) -> str:
    """SHA-256 of the weights of these names as load_model made them, whatever training did since.

    Of `name:digest` lines in the order of the names, digest being a weight's own SHA-256.
    """
    known = sorted(model.starting_digests.items())
    lines = "\n".join(f"{name}:{digest}" for name, digest in known if names(name))
    return hashlib.sha256(lines.encode()).hexdigest()


def digests(model: PreTrainedModel, modules: Sequence[str] | None = None) -> dict[str, str]:
    """Name → SHA-256 in hex of each weight, or of those of some modules."""
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
