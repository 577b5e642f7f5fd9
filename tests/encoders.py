"""Every kind of classifier that Transformers knows, tiny, and what this project makes of it."""

from __future__ import annotations

import dataclasses
import inspect
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import torch
from scipy.special import softmax
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    CONFIG_MAPPING,
    AutoModelForSequenceClassification,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    pipeline,
)

from finesweep.config import ModelConfig, TrainingConfig
from finesweep.dataset.tokens import whole_ids
from finesweep.errors import ConfigError
from finesweep.model import anatomy_of, freeze_layers, load_model, load_tokenizer, load_trained
from finesweep.prediction import Classifier
from finesweep.records import Answering, Objective, Tokens, TrainingResult
from finesweep.training import check_frame, fit, frame_of, make_prefix, predict, prefix

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
}


def tokenizer() -> PreTrainedTokenizerFast:
    made = Tokenizer(models.WordLevel(vocab=VOCABULARY, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    names = dict(zip(("pad", "unk", "cls", "sep", "mask"), SPECIAL, strict=True))
    return PreTrainedTokenizerFast(
        tokenizer_object=made, **{f"{name}_token": token for name, token in names.items()}
    )


def tiny(kind: str) -> PreTrainedModel:
    """A random classifier of three labels; ValueError when its config cannot make it small."""
    config = _config(CONFIG_MAPPING[kind], kind)
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


def _config(of: Any, kind: str) -> Any:
    known = set(inspect.signature(of.__init__).parameters)
    if dataclasses.is_dataclass(of):
        known |= {field.name for field in dataclasses.fields(of)}
    sizes = {name: value for name, value in SIZES.items() if name in known}
    if "kv_lora_rank" in known:
        sizes["num_key_value_heads"] = N_HEADS
    sizes |= OF_KIND.get(kind, {})
    for name, sub in getattr(of, "sub_configs", {}).items():
        if name in known and hasattr(sub, "model_type") and sub.model_type:
            sizes[name] = _config(sub, sub.model_type).to_dict()
    return of(**sizes)


def texts() -> list[str]:
    drawn = np.random.default_rng(0)
    return [" ".join(drawn.choice(WORDS, size=3 + n % 6)) for n in range(18)]


def tokens_of(model: ModelConfig, made: list[str]) -> Tokens:
    own = load_tokenizer(model)
    rows = {
        "row": list(range(len(made))),
        "input_ids": whole_ids(made, own),
        "labels": [n % 3 for n in range(len(made))],
    }
    split = datasets.Dataset.from_dict(rows)
    return Tokens(split, split, split, own, max_length=12, key="words")


RECIPE = TrainingConfig(
    epochs=2,
    batch_size=6,
    learning_rate=1e-2,
    evaluations_per_epoch=1,
    warmup_ratio=0.0,
    weight_decay=0.1,
    precision="fp32",
)


@dataclasses.dataclass
class Found:
    """What became of one kind."""

    kind: str
    verdict: str
    """works, refused, or not tiny."""
    why: str = ""
    depths: str = ""
    kept: str = ""
    """At which depths states are kept, or why not."""
    wrong: list[str] = dataclasses.field(default_factory=list)
    """Claims that do not hold."""

    def line(self) -> str:
        return json.dumps(dataclasses.asdict(self))


def examined(kind: str, folder: Path) -> Found:
    """Trains, freezes, caches and asks a tiny model of a kind; what must hold and does not is
    `wrong`."""
    try:
        built = tiny(kind)
    except Exception as error:
        first = next((line for line in str(error).splitlines() if line.strip()), "")
        return Found(kind, "not tiny", f"{first[:100]} ({type(error).__name__})")
    built.save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    config, made = ModelConfig(name_or_path=str(folder)), texts()
    try:
        model = loaded(config)
    except ConfigError as error:
        return Found(kind, "refused", error.problems[0].message.replace(str(folder), "it"))
    found = Found(kind, "works")
    tokens = tokens_of(config, made)
    check_frame(frame_of(tokens), tokens.tokenizer, made)
    anatomy = anatomy_of(model)
    numbers = list(range(1, len(anatomy.layers) + 1))
    found.depths = "0 or all" if anatomy.n_shared else f"0 to {len(numbers)}" if numbers else "0"
    found.wrong += _trained(model, 0, tokens, None)[1]
    found.wrong += _unlike_pipeline(model, tokens, made, folder / "trained")
    depths: list[int | str] = ["all"] if anatomy.n_shared or len(numbers) == 1 else [1, "all"]
    reasons = []
    for depth in depths if numbers else []:
        plain = loaded(config)
        freeze_layers(plain, depth)
        result, wrong = _trained(plain, depth, tokens, None)
        found.wrong += wrong
        kept = loaded(config)
        freeze_layers(kept, depth)
        states, plan = make_prefix(
            kept, tokens, RECIPE, root=folder / "cache", cache_gb=1, shared=True
        )
        if states is None:
            reasons.append(plan.why_not)
            continue
        reasons.append(f"at {depth}")
        for _ in range(2):
            again, _wrong = _trained(kept, depth, tokens, states)
            if _differ(again.validation.logits, result.validation.logits):
                gap = np.abs(again.validation.logits - result.validation.logits).max()
                found.wrong.append(f"depth {depth}: kept states give other logits, by {gap:.2g}")
            kept = loaded(config)
            freeze_layers(kept, depth)
            states, _ = make_prefix(
                kept, tokens, RECIPE, root=folder / "cache", cache_gb=1, shared=True
            )
    found.kept = "; ".join(dict.fromkeys(map(str, reasons)))
    return found


def loaded(config: ModelConfig) -> PreTrainedModel:
    return load_model(config, label_names=("a", "b", "c"), seed=1, max_length=12)


@contextmanager
def paying() -> Iterator[None]:
    """Within it states pay, also of models so small that it would be faster to compute them."""
    before, prefix.BYTES_PER_SECOND = prefix.BYTES_PER_SECOND, 1e15
    try:
        yield
    finally:
        prefix.BYTES_PER_SECOND = before


def _trained(
    model: PreTrainedModel, depth: int | str, tokens: Tokens, states: Any
) -> tuple[TrainingResult, list[str]]:
    moved = _has_gradient(model, tokens)
    frozen = {name for name, p in model.named_parameters() if not p.requires_grad}
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    result = fit(
        model,
        tokens,
        RECIPE,
        objective=Objective(),
        on_evaluation=lambda evaluation: None,
        prefix=states,
    )
    changed = {n for n, p in model.named_parameters() if not torch.equal(before[n], p.detach())}
    wrong = [f"depth {depth}: {name} is frozen and changed" for name in frozen & changed]
    still = sorted(moved - changed)
    wrong += [f"depth {depth}: {name} is not frozen and did not change" for name in still]
    if depth == "all" and anatomy_of(model).layers:
        anatomy = anatomy_of(model)
        names = [f"{name}." for names in anatomy.layers for name in names]
        left = [n for n in moved if n.startswith(tuple(names))]
        wrong += [f"all layers are frozen, and {name} is not" for name in left]
    return result, wrong


def _has_gradient(model: PreTrainedModel, tokens: Tokens) -> set[str]:
    """The trained parameters that matter to the loss of some row."""
    from finesweep.training.batches import Collator

    batch = Collator(tokens.tokenizer, frame_of(tokens))(tokens.train.to_list())
    labels = batch.pop("labels")
    batch.pop("row")
    model.eval()
    torch.nn.functional.cross_entropy(model(**batch).logits, labels).backward()
    found = {n for n, p in model.named_parameters() if p.grad is not None and p.grad.any()}
    model.zero_grad(set_to_none=True)
    return found


def _unlike_pipeline(
    model: PreTrainedModel, tokens: Tokens, made: list[str], folder: Path
) -> list[str]:
    """Of a model that was saved and loaded again, as a pipeline."""
    evaluated = softmax(predict(model, tokens.test, tokens, RECIPE).logits, axis=1)
    model.save_pretrained(folder)
    tokens.tokenizer.save_pretrained(folder)
    again, own = load_trained(folder)
    asked = pipeline("text-classification", model=again.eval(), tokenizer=own, device="cpu")
    answers = Classifier(asked, tokens.max_length, Answering()).probabilities(made)
    one = asked(made[0], top_k=None, truncation=True, max_length=tokens.max_length)
    alone = [score["score"] for score in sorted(one, key=lambda score: score["label"])]
    gaps = [np.abs(answers - evaluated).max(), np.abs(np.array(alone) - evaluated[0]).max()]
    return [
        f"asked, it answers otherwise than evaluated, by {gap:.2g}" for gap in gaps if gap > 1e-4
    ]


def _differ(one: np.ndarray, other: np.ndarray) -> bool:
    return not np.allclose(one, other, atol=2e-4)
