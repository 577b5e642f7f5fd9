"""A run's model, tokens and teacher, checked before training."""

from __future__ import annotations

from pathlib import Path

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from finesweep.config import Composed, Config
from finesweep.dataset import tokenize
from finesweep.errors import ConfigError
from finesweep.model import ParameterCount, freeze_layers, load_model, load_tokenizer
from finesweep.records import TextDataset, Tokens
from finesweep.runs.teachers import Teacher, read_teacher, teacher_problems
from finesweep.training import check_template, template_of


def model_of(
    dataset: TextDataset, config: Config
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase, ParameterCount]:
    """The config's classifier for the dataset's labels, frozen as configured, with its tokenizer
    and the numbers of its parameters; ConfigError as load_model and freeze_layers."""
    model = load_model(
        config.model,
        label_names=dataset.label_names,
        multi_label=dataset.multi_label,
        seed=config.training.seed,
        max_length=config.dataset.max_length,
    )
    tokenizer = load_tokenizer(config.model)
    return model, tokenizer, freeze_layers(model, config.model.freeze_layers)


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
