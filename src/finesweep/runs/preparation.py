"""A run's model, tokens and teacher, checked before training."""

from __future__ import annotations

from pathlib import Path

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from finesweep.config import Composed, Config
from finesweep.dataset import tokenize
from finesweep.errors import ConfigError
from finesweep.model import (
    ParameterCount,
    add_adapters,
    anatomy_of,
    check_layer_decay,
    freeze_layers,
    load_model,
    load_tokenizer,
)
from finesweep.records import TextDataset, Tokens
from finesweep.runs.teachers import Teacher, read_teacher, teacher_problems
from finesweep.training import check_template, template_of


def model_of(
    dataset: TextDataset, config: Config
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase, ParameterCount]:
    """The config's classifier for the dataset's labels, frozen and adapted as configured, with its
    tokenizer and the numbers of its parameters; ConfigError as load_model, freeze_layers,
    add_adapters and check_layer_decay."""
    settings, seed = config.model, config.training.seed
    head_seed = seed if config.training.head_seed is None else config.training.head_seed
    model = load_model(
        settings,
        label_names=dataset.label_names,
        multi_label=dataset.multi_label,
        seed=head_seed,
        max_length=config.dataset.max_length,
    )
    name = settings.name_or_path
    check_layer_decay(anatomy_of(model), config.training.layer_decay, name=name)
    parameters = freeze_layers(model, settings.freeze_layers)
    if settings.lora_rank is not None:
        parameters = add_adapters(model, settings.lora_rank, seed=seed, name=name)
    return model, load_tokenizer(settings), parameters


def tokens_of(dataset: TextDataset, tokenizer: PreTrainedTokenizerBase, config: Config) -> Tokens:
    """The dataset's tokens, from the config's cache; batches truncate them to its max_length.

    ConfigError when training and prediction would see different tokens.
    """
    max_length, cache = config.dataset.max_length, Path(config.storage.cache)
    tokens = tokenize(dataset, tokenizer, max_length=max_length, cache=cache)
    check_template(template_of(tokens), tokenizer, dataset.train["text"])
    return tokens


def with_teacher(
    composed: Composed, dataset: TextDataset, teacher: Teacher | None = None
) -> tuple[Composed, Teacher | None]:
    """The config, which now names the teacher's version, and the teacher; None if it has none.

    ConfigError when the teacher, read now unless given, has other labels or reads other texts.
    """
    config = composed.config
    if config.training.teacher is None:
        return composed, None
    if teacher is None:
        teacher = read_teacher(config.training.teacher, tracking_uri=config.tracking.uri)
    problems = teacher_problems(
        teacher, config.dataset, label_names=dataset.label_names, multi_label=dataset.multi_label
    )
    if problems:
        raise ConfigError(*problems)
    return composed.with_teacher(teacher.uri), teacher
