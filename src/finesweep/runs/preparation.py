"""A run's tokens, checked before training."""

from __future__ import annotations

from pathlib import Path

from transformers import PreTrainedTokenizerBase

from finesweep.config import Config
from finesweep.dataset import tokenize
from finesweep.records import TextDataset, Tokens
from finesweep.training import check_template, template_of


def tokens_of(dataset: TextDataset, tokenizer: PreTrainedTokenizerBase, config: Config) -> Tokens:
    """The dataset's tokens, from the config's cache; batches truncate them to its max_length.

    ConfigError when training and prediction would see different tokens.
    """
    max_length, cache = config.dataset.max_length, Path(config.storage.cache)
    tokens = tokenize(dataset, tokenizer, max_length=max_length, cache=cache)
    check_template(template_of(tokens), tokenizer, dataset.train["text"])
    return tokens
