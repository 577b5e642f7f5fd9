"""States of frozen layers: the same training with and without them, and each computed once."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.unit.training.activation_cache.trainings import TRAINING, Loaded, losses, trained
from transformers import PreTrainedModel

from finesweep.config import ModelConfig
from finesweep.model import (
    Bypass,
    add_adapters,
    freeze_layers,
    frozen_depth,
    load_model,
    proven_bypass,
)
from finesweep.records import Objective, Tokens
from finesweep.training import fit
from finesweep.training.activation_cache import ActivationCache, Plan
from finesweep.training.activation_cache import plan as plan_module
from finesweep.training.activation_cache.rule import Place
from finesweep.training.activation_cache.state_file import StateFile
from finesweep.training.batches import sample_batch

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("loaded", "depth", "place"),
    [
        ("bert", 1, "disk"),
        ("bert", 2, "pinned"),
        ("bert", "all", "disk"),
        ("bert", "all", "device"),
        ("distilbert", 1, "disk"),
        ("distilbert", 2, "disk"),
        ("distilbert", 2, "device"),
        ("distilbert", "all", "pinned"),
    ],
    indirect=["loaded"],
)
def test_training_is_the_same_with_and_without_kept_states(
    loaded: Loaded, tokens: Tokens, tmp_path: Path, depth: int | str, place: Place
) -> None:
    plain, _ = trained(loaded(depth), tokens, None)
    first, _ = trained(loaded(depth), tokens, tmp_path, place=place)
    again, ledger = trained(loaded(depth), tokens, tmp_path, place=place)
    assert losses(first)[:2] == losses(plain)[:2]  # each row meets its first batch: bit for bit
    assert losses(first) == pytest.approx(losses(plain), abs=1e-5)
    assert losses(again) == pytest.approx(losses(plain), abs=1e-5)
    np.testing.assert_allclose(again.validation.logits, plain.validation.logits, atol=1e-4)
    assert ledger.saved_by_cache > 0


@pytest.mark.parametrize("depth", [1, 2, "all"])
def test_training_on_pairs_is_the_same_with_and_without_kept_states(
    loaded: Loaded, pair_tokens: Tokens, tmp_path: Path, depth: int | str
) -> None:
    model = loaded(depth)
    if model.config.model_type == "bert":  # DistilBERT has no types, and ignores those it gets
        with torch.no_grad():  # or they would hardly matter
            model.bert.embeddings.token_type_embeddings.weight[1] += 1.0
    plain, _ = trained(copy.deepcopy(model), pair_tokens, None)
    first, _ = trained(copy.deepcopy(model), pair_tokens, tmp_path)
    again, ledger = trained(model, pair_tokens, tmp_path)
    assert losses(first)[:2] == losses(plain)[:2]
    assert losses(first) == pytest.approx(losses(plain), abs=1e-5)
    assert losses(again) == pytest.approx(losses(plain), abs=1e-5)
    assert ledger.saved_by_cache > 0


def test_all_tokens_of_the_last_layer_may_be_kept(
    loaded: Loaded, tokens: Tokens, tmp_path: Path
) -> None:
    """Training then computes the whole last layer."""
    model = loaded("all")
    depth = frozen_depth(model)
    bypass = proven_bypass(model, depth, sample_batch(tokens, tokens.train), first_only=False)
    assert isinstance(bypass, Bypass)
    plan = Plan(depth, "disk", "")
    made = ActivationCache(
        bypass, tokens, root=tmp_path, plan=plan, dtype=torch.float32, device=torch.device("cpu")
    )
    plain, _ = trained(loaded("all"), tokens, None)
    kept = fit(
        model,
        tokens,
        TRAINING,
        objective=Objective(),
        on_evaluation=lambda evaluation: None,
        activation_cache=made,
    )
    assert losses(kept) == pytest.approx(losses(plain), abs=1e-5)
    first, second = made.readers["train"].read(torch.tensor([0]), tokens.max_length)[0, :2]
    assert not torch.equal(first, second)


def test_rows_are_computed_once_for_all_epochs_and_trials(
    loaded: Loaded, tokens: Tokens, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[int] = []
    write = StateFile.write

    def counted(self: Any, written: np.ndarray, *given: Any, **named: Any) -> None:
        rows.extend(written)
        write(self, written, *given, **named)

    monkeypatch.setattr(StateFile, "write", counted)
    trained(loaded(1), tokens, tmp_path)
    assert len(rows) == len(tokens.train) + len(tokens.validation)
    trained(loaded(1), tokens, tmp_path, learning_rate=1e-3, seed=9)
    assert len(rows) == len(tokens.train) + len(tokens.validation)


def test_deeper_states_are_made_from_lower_ones(
    loaded: Loaded, tokens: Tokens, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained(loaded(1), tokens, tmp_path)
    began_at: set[int] = set()
    entered = Bypass.enter_at

    def watched(self: Bypass, level: int, states: torch.Tensor | None = None) -> Any:
        if states is not None:
            began_at.add(level)
        return entered(self, level, states)

    monkeypatch.setattr(Bypass, "enter_at", watched)
    model = loaded(2)
    monkeypatch.setattr(plan_module, "proven_bypass", lambda *given, **named: proven)
    proven = proven_bypass(model, 2, sample_batch(tokens, tokens.train), first_only=False)
    assert isinstance(proven, Bypass)
    began_at.clear()
    deeper, _ = trained(model, tokens, tmp_path)
    assert began_at == {1}
    plain, _ = trained(loaded(2), tokens, None)
    assert losses(deeper) == pytest.approx(losses(plain), abs=1e-5)


def test_the_model_is_whole_after_training(loaded: Loaded, tokens: Tokens, tmp_path: Path) -> None:
    model = loaded(1)
    names = [name for name, _ in model.named_modules()]
    trained(model, tokens, tmp_path)
    assert [name for name, _ in model.named_modules()] == names
    assert frozen_depth(model) == 1


@pytest.mark.parametrize(
    ("fields", "depth"),
    [
        ({"dropout": 0.3, "pooling": "mean", "lora_rank": 2}, 2),
        ({"dropout": 0.3, "pooling": "mean"}, "all"),
        ({"pooling": "cls"}, "all"),
    ],
    ids=str,
)
def test_training_above_kept_states_is_the_same_with_a_changed_model(
    tokens: Tokens, tiny_bert: Path, tmp_path: Path, fields: dict[str, Any], depth: int | str
) -> None:
    if "lora_rank" in fields:
        pytest.importorskip("peft")

    def load(**others: Any) -> PreTrainedModel:
        config = ModelConfig(str(tiny_bert), **fields | others)
        model = load_model(config, label_names=("a", "b", "c"), seed=1)
        freeze_layers(model, depth)
        if config.lora_rank is not None:
            add_adapters(model, config.lora_rank, seed=1, name="it")
        return model

    plain, _ = trained(load(), tokens, None)
    first, _ = trained(load(), tokens, tmp_path)
    assert losses(first)[:2] == losses(plain)[:2]
    assert losses(first) == pytest.approx(losses(plain), abs=1e-5)
    # Neither dropout nor pooling, nor what is above, makes other states.
    _, ledger = trained(load(dropout=0.2, lora_rank=None), tokens, tmp_path)
    assert ledger.seconds["caching"] == 0
