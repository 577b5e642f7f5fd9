"""A run's model and tokens, checked before training."""

from __future__ import annotations

from pathlib import Path

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from finesweep.config import Config
from finesweep.dataset import tokenize
from finesweep.model import ParameterCount, freeze_layers, load_model, load_tokenizer
from finesweep.records import TextDataset, Tokens
from finesweep.training import check_template, template_of


def model_of(
    dataset: TextDataset, config: Config
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase, ParameterCount]:
    """The config's classifier for the dataset's labels, frozen as configured, with its tokenizer
    and the numbers of its parameters; ConfigError as load_model and freeze_layers."""
    training = config.training
    model = load_model(
        config.model,
        label_names=dataset.label_names,
        multi_label=dataset.multi_label,
        seed=training.seed if training.head_seed is None else training.head_seed,
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
