"""A DistilBERT initialised from every other layer of a BERT, as DistilBERT itself was.

Sanh et al. 2019, section 3, https://arxiv.org/abs/1910.01108. Weights map one to one; DistilBERT
has no token types, so BERT's embedding of type 0 is added to every word embedding.
"""

from __future__ import annotations

import torch
from transformers import BertModel, DistilBertConfig, DistilBertForSequenceClassification
from transformers.models.bert.configuration_bert import BertConfig

LAYER_NAMES = {
    "attention.self.query": "attention.q_lin",
    "attention.self.key": "attention.k_lin",
    "attention.self.value": "attention.v_lin",
    "attention.output.dense": "attention.out_lin",
    "attention.output.LayerNorm": "sa_layer_norm",
    "intermediate.dense": "ffn.lin1",
    "output.dense": "ffn.lin2",
    "output.LayerNorm": "output_layer_norm",
}


def distil_config(bert: BertConfig, **labels: object) -> DistilBertConfig:
    """The config of a DistilBERT with half of bert's layers, rounded up, and its sizes."""
    return DistilBertConfig(
        vocab_size=bert.vocab_size,
        max_position_embeddings=bert.max_position_embeddings,
        n_layers=(bert.num_hidden_layers + 1) // 2,
        n_heads=bert.num_attention_heads,
        dim=bert.hidden_size,
        hidden_dim=bert.intermediate_size,
        dropout=bert.hidden_dropout_prob,
        attention_dropout=bert.attention_probs_dropout_prob,
        activation=bert.hidden_act,
        pad_token_id=bert.pad_token_id,
        **labels,
    )


def distil(bert: BertModel, config: DistilBertConfig) -> DistilBertForSequenceClassification:
    """A new classifier whose encoder has bert's layers 0, 2, 4, …; its head is new."""
    student = DistilBertForSequenceClassification(config)
    student.distilbert.load_state_dict(_renamed_weights(bert), strict=True)
    return student


def _renamed_weights(bert: BertModel) -> dict[str, torch.Tensor]:
    weights = bert.state_dict()
    types = weights["embeddings.token_type_embeddings.weight"]
    renamed = {
        "embeddings.word_embeddings.weight": weights["embeddings.word_embeddings.weight"] + types[0]
    }
    for name in ("position_embeddings.weight", "LayerNorm.weight", "LayerNorm.bias"):
        renamed[f"embeddings.{name}"] = weights[f"embeddings.{name}"]
    for target, source in enumerate(range(0, bert.config.num_hidden_layers, 2)):
        for old, new in LAYER_NAMES.items():
            for part in ("weight", "bias"):
                weight = weights[f"encoder.layer.{source}.{old}.{part}"]
                renamed[f"transformer.layer.{target}.{new}.{part}"] = weight
    return renamed
