"""What a run's model reads: the dataset's tokens, as its config cuts and keeps them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from finesweep.config.schema import Config, DatasetConfig, StorageConfig
from finesweep.dataset import load_dataset
from finesweep.errors import ConfigError
from finesweep.model import starting_sha256
from finesweep.records import TextDataset
from finesweep.runs.preparation import model_of, tokens_of

pytestmark = pytest.mark.slow


@pytest.fixture
def config(texts_csv: Path, tmp_path: Path) -> Config:
    dataset = DatasetConfig(name="texts", path=str(texts_csv), max_length=12)
    return Config(dataset=dataset, storage=StorageConfig(cache=str(tmp_path / "cache")))


@pytest.fixture
def dataset(config: Config) -> TextDataset:
    return load_dataset(config.dataset)


@pytest.fixture
def tokenizer(tiny_bert: Path) -> PreTrainedTokenizerBase:
    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(tiny_bert)
    return tokenizer


def test_tokens_are_cut_and_kept_where_the_config_says(
    config: Config, dataset: TextDataset, tokenizer: PreTrainedTokenizerBase, tmp_path: Path
) -> None:
    tokens = tokens_of(dataset, tokenizer, config)
    assert (len(tokens.train), tokens.max_length) == (len(dataset.train), 12)
    assert [path.name for path in (tmp_path / "cache").glob("tokens/*/train.arrow")]


def test_a_tokenizer_that_sets_other_tokens_at_prediction_is_refused(
    config: Config, dataset: TextDataset, tokenizer: PreTrainedTokenizerBase
) -> None:
    class Fickle(type(tokenizer)):  # type: ignore[misc]
        def __call__(self, *texts: Any, **how: Any) -> Any:
            encoded = super().__call__(*texts, **how)
            if how.get("truncation") is True:  # as prediction asks
                encoded["input_ids"] = [[*ids, self.sep_token_id] for ids in encoded["input_ids"]]
            return encoded

    tokenizer.__class__ = Fickle
    with pytest.raises(
        ConfigError, match=r"^model\.name_or_path: its tokenizer adds different special"
    ):
        tokens_of(dataset, tokenizer, config)


def test_models_with_the_same_head_seed_start_from_the_same_weights(
    config: Config, dataset: TextDataset, tiny_bert: Path
) -> None:
    def weights(seed: int, head_seed: int | None) -> str:
        training = replace(config.training, seed=seed, head_seed=head_seed)
        model = replace(config.model, name_or_path=str(tiny_bert))
        made, _, _ = model_of(dataset, replace(config, training=training, model=model))
        return starting_sha256(made)

    assert weights(1, 5) == weights(2, 5) == weights(5, None)
    assert len({weights(1, None), weights(2, None), weights(1, 5)}) == 3
