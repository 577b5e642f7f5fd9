"""Every kind of classifier that Transformers knows, random and tiny, from its config alone."""

from __future__ import annotations

import dataclasses
import inspect
import string
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    CONFIG_MAPPING,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

N_LAYERS, WIDTH, N_HEADS, PLACES = 3, 32, 4, 64
MAX_PARAMETERS = 3_000_000
WORDS = [
    "red",
    "blue",
    "green",
    "small",
    "large",
    "quick",
    "slow",
    "old",
    "new",
    "warm",
    "cold",
    "sweet",
    "sour",
    "loud",
    "quiet",
    "round",
]
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
VOCABULARY = {word: number for number, word in enumerate([*SPECIAL, *WORDS])}
LETTERS = {
    letter: number for number, letter in enumerate([*SPECIAL, *string.ascii_lowercase, "\u0120"])
}
"""The last stands for a blank."""
SIZES: dict[str, Any] = {
    **dict.fromkeys(
        [
            "num_hidden_layers",
            "n_layer",
            "n_layers",
            "num_layers",
            "encoder_layers",
            "decoder_layers",
            "num_decoder_layers",
        ],
        N_LAYERS,
    ),
    **dict.fromkeys(
        ["hidden_size", "d_model", "n_embd", "emb_dim", "dim", "word_embed_proj_dim"], WIDTH
    ),
    **dict.fromkeys(
        [
            "num_attention_heads",
            "n_head",
            "n_heads",
            "num_heads",
            "encoder_attention_heads",
            "decoder_attention_heads",
        ],
        N_HEADS,
    ),
    **dict.fromkeys(
        [
            "intermediate_size",
            "d_ff",
            "d_inner",
            "ffn_dim",
            "n_inner",
            "hidden_dim",
            "encoder_ffn_dim",
            "decoder_ffn_dim",
            "dff",
        ],
        64,
    ),
    **dict.fromkeys(["max_position_embeddings", "n_positions", "n_ctx", "max_seq_len"], PLACES),
    **dict.fromkeys(["head_dim", "d_head", "d_kv", "kv_channels"], WIDTH // N_HEADS),
    **dict.fromkeys(["num_key_value_heads", "num_kv_heads"], 2),
    "vocab_size": 48,
    "embedding_size": 16,
    "pad_token_id": 0,
    "bos_token_id": 2,
    "eos_token_id": 3,
    "cls_token_id": 2,
    "sep_token_id": 3,
    "mask_token_id": 4,
    "decoder_start_token_id": 2,
    # Mixtures of experts.
    **dict.fromkeys(["num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts"], 4),
    **dict.fromkeys(
        ["moe_intermediate_size", "shared_expert_intermediate_size", "shared_intermediate_size"], 16
    ),
    "num_experts_per_tok": 2,
    "n_group": 1,
    "topk_group": 1,
    "first_k_dense_replace": 1,
    # Attention of low rank, linear attention and state spaces.
    **dict.fromkeys(["q_lora_rank", "kv_lora_rank"], 16),
    **dict.fromkeys(["qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim"], 8),
    **dict.fromkeys(["linear_key_head_dim", "linear_value_head_dim"], 8),
    **dict.fromkeys(["linear_num_key_heads", "linear_num_value_heads"], 2),
    # What reads pictures too.
    "depth": 1,
    **dict.fromkeys(["image_size", "patch_size"], 8),
    **dict.fromkeys(["boi_token_index", "eoi_token_index", "image_token_index"], 47),
    **dict.fromkeys(["image_token_id", "mm_tokens_per_image"], 1),
}
OF_KIND: dict[str, dict[str, Any]] = {
    "reformer": {
        "axial_pos_embds_dim": (16, 16),
        "axial_pos_shape": (8, 8),
        "attn_layers": ["local", "lsh", "local"],
    },
    "squeezebert": {"embedding_size": WIDTH},
    "gpt_neo": {"attention_types": [[["global"], N_LAYERS]]},
    "perceiver": {
        "d_latents": WIDTH,
        "num_latents": 8,
        "num_blocks": 1,
        "num_self_attends_per_block": N_LAYERS,
        "num_self_attention_heads": 4,
        "num_cross_attention_heads": 4,
        "qk_channels": WIDTH,
        "v_channels": WIDTH,
    },
    "luke": {"entity_vocab_size": 8, "entity_emb_size": 16},
    "markuplm": {
        "max_xpath_tag_unit_embeddings": 8,
        "max_xpath_subs_unit_embeddings": 8,
        "tag_pad_id": 7,
        "subs_pad_id": 7,
        "xpath_unit_hidden_size": 8,
        "max_depth": 4,
    },
    "roc_bert": {
        "pronunciation_vocab_size": 8,
        "shape_vocab_size": 8,
        "pronunciation_embed_dim": 8,
        "shape_embed_dim": 8,
    },
    "canine": {"num_hash_buckets": 16, "vocab_size": 48},
    "longformer": {"attention_window": 8},
    "gptj": {"rotary_dim": WIDTH // N_HEADS},
    "layoutlmv3": {"coordinate_size": 6, "shape_size": 4, "visual_embed": False},
    "lilt": {"hidden_size": 48, "channel_shrink_ratio": 2},
    "funnel": {"block_sizes": [1, 1, 1]},
    "xmod": {"languages": ("en_XX",), "default_language": "en_XX"},
    "esmc": {"num_key_value_heads": N_HEADS},
    "cohere_compass_text": {
        "rope_parameters": {"full_attention": {"rope_theta": 1e4, "rope_type": "default"}}
    },
    "zamba": {"num_hidden_layers": 4, "attn_layer_period": 2, "attn_layer_offset": 0},
    "zamba2": {
        "layer_types": ["mamba", "hybrid", "mamba"],
        "hybrid_layer_ids": [1],
        "chunk_size": 8,
    },
}


def save_tokenizer(folder: Path) -> None:
    """Of words; of letters where Transformers reads nothing but letters for a kind, as for Qwen."""
    made = Tokenizer(models.WordLevel(vocab=VOCABULARY, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    _framed(made).save_pretrained(folder)
    if not AutoTokenizer.from_pretrained(folder).tokenize(WORDS[0]):
        made = Tokenizer(models.BPE(vocab=LETTERS, merges=[], unk_token="[UNK]"))
        made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        _framed(made).save_pretrained(folder)


def _framed(made: Tokenizer) -> PreTrainedTokenizerFast:
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    names = dict(zip(("pad", "unk", "cls", "sep", "mask"), SPECIAL, strict=True))
    return PreTrainedTokenizerFast(
        tokenizer_object=made, **{f"{name}_token": token for name, token in names.items()}
    )


def tiny(kind: str, **fields: Any) -> PreTrainedModel:
    """A random classifier of three labels, with these fields in its config; ValueError when its
    config cannot make it small."""
    config = _config(CONFIG_MAPPING[kind], kind, **fields)
    config.num_labels = 3
    if kind in ("t5", "mt5", "umt5"):
        config.decoder_start_token_id = 0  # stands in their checkpoints, and is no field of theirs
    with torch.device("meta"):
        size = sum(p.numel() for p in _built(config).parameters())
    if size > MAX_PARAMETERS:
        raise ValueError(f"{size:,} parameters at the least that its config allows")
    torch.manual_seed(0)
    return _built(config)


def _built(config: Any) -> PreTrainedModel:
    return AutoModelForSequenceClassification.from_config(config)


def save_tiny(kind: str, folder: Path, **fields: Any) -> None:
    """Model and tokenizer."""
    tiny(kind, **fields).save_pretrained(folder)
    save_tokenizer(folder)


def _config(of: Any, kind: str, **fields: Any) -> Any:
    known = set(inspect.signature(of.__init__).parameters)
    if dataclasses.is_dataclass(of):
        known |= {field.name for field in dataclasses.fields(of)}
    sizes = {name: value for name, value in SIZES.items() if name in known}
    if "kv_lora_rank" in known:
        sizes["num_key_value_heads"] = N_HEADS
    sizes |= OF_KIND.get(kind, {}) | fields
    if parts := known.intersection(getattr(of, "sub_configs", {})):
        whole = of()
        for name in parts:
            if (sub := getattr(whole, name)) is not None:
                sizes[name] = _config(type(sub), sub.model_type).to_dict()
    return of(**sizes)
