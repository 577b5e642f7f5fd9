"""States of frozen layers: the same training with and without them, and each computed once."""

from __future__ import annotations

import copy
import errno
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import PreTrainedModel

from finesweep.caches import size_bytes
from finesweep.config import ModelConfig, TrainingConfig
from finesweep.ledger import TimeLedger
from finesweep.model import Bypass, freeze_layers, frozen_depth, load_model, proven_bypass
from finesweep.records import Objective, Tokens, TrainingResult
from finesweep.training import activation_cache as cache_module
from finesweep.training import fit, plan_activations
from finesweep.training.batches import sample_batch

TRAINING = TrainingConfig(
    epochs=2, batch_size=16, learning_rate=1e-2, evaluations_per_epoch=2, precision="fp32"
)
Loaded = Callable[..., PreTrainedModel]


@pytest.fixture(params=[False, True], ids=["bert", "distilbert"])
def loaded(
    request: pytest.FixtureRequest, tiny_bert: Path, monkeypatch: pytest.MonkeyPatch
) -> Loaded:
    """A new BERT or DistilBERT, frozen up to a depth; so small that caching would not pay at real
    memory speed."""
    monkeypatch.setattr(cache_module, "BYTES_PER_SECOND", 1e15)
    config = ModelConfig(name_or_path=str(tiny_bert), distil=request.param)

    def load(depth: int | str) -> PreTrainedModel:
        model = load_model(config, label_names=("a", "b", "c"), seed=1)
        freeze_layers(model, depth)
        return model

    return load


def trained(
    model: PreTrainedModel, tokens: Tokens, root: Path | None, **settings: Any
) -> tuple[TrainingResult, TimeLedger]:
    config, ledger = replace(TRAINING, **settings), TimeLedger()
    made = None
    if root is not None:
        made, plan = plan_activations(model, tokens, config, root=root, cache_gb=1, shared=True)
        assert plan.why_not is None, plan
    result = fit(
        model,
        tokens,
        config,
        objective=Objective(),
        on_evaluation=lambda evaluation: None,
        activation_cache=made,
        ledger=ledger,
    )
    return result, ledger


def losses(result: TrainingResult) -> list[float]:
    names = ("train/loss", "validation/loss")
    return [each.metrics[name] for each in result.evaluations for name in names]


@pytest.mark.parametrize("depth", [1, 2, "all"])
def test_training_is_the_same_with_and_without_kept_states(
    loaded: Loaded, tokens: Tokens, tmp_path: Path, depth: int | str
) -> None:
    plain, _ = trained(loaded(depth), tokens, None)
    first, _ = trained(loaded(depth), tokens, tmp_path)
    again, ledger = trained(loaded(depth), tokens, tmp_path)
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
    plan = cache_module.Plan(depth, 0, 0.0, None)
    made = cache_module.ActivationCache(
        bypass, tokens, root=tmp_path, plan=plan, dtype=torch.float32
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
    first, second = made.stores["train"].read(np.array([0]), tokens.max_length)[0, :2]
    assert not torch.equal(first, second)


def test_pairs_have_states_of_their_own(
    loaded: Loaded, tokens: Tokens, pair_tokens: Tokens
) -> None:
    model = loaded(1)
    keys = {
        cache_module.activation_key(model, each, 1, torch.float32) for each in (tokens, pair_tokens)
    }
    assert len(keys) == 2


def test_rows_are_computed_once_for_all_epochs_and_trials(
    loaded: Loaded, tokens: Tokens, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[int] = []
    write = cache_module._StateFile.write

    def counted(self: Any, written: np.ndarray, *given: Any, **named: Any) -> None:
        rows.extend(written)
        write(self, written, *given, **named)

    monkeypatch.setattr(cache_module._StateFile, "write", counted)
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
    monkeypatch.setattr(cache_module, "proven_bypass", lambda *given, **named: proven)
    proven = proven_bypass(model, 2, sample_batch(tokens, tokens.train), first_only=False)
    assert isinstance(proven, Bypass)
    began_at.clear()
    deeper, _ = trained(model, tokens, tmp_path)
    assert began_at == {1}
    plain, _ = trained(loaded(2), tokens, None)
    assert losses(deeper) == pytest.approx(losses(plain), abs=1e-5)


def test_other_weights_lengths_and_depths_have_states_of_their_own(
    loaded: Loaded, tokens: Tokens
) -> None:
    model, longer = loaded(1), replace(tokens, max_length=20)
    other = loaded(1)
    name = next(n for n in other.starting_digests if "embeddings" in n)
    other.starting_digests = {**other.starting_digests, name: "0" * 64}
    keys = [
        cache_module.activation_key(model, tokens, 1, torch.float32),
        cache_module.activation_key(model, tokens, 2, torch.float32),
        cache_module.activation_key(model, tokens, 1, torch.bfloat16),
        cache_module.activation_key(model, longer, 1, torch.float32),
        cache_module.activation_key(other, tokens, 1, torch.float32),
    ]
    assert len(set(keys)) == 5
    assert cache_module.activation_key(loaded(2), tokens, 1, torch.float32) == keys[0]


def test_another_head_shares_the_states(loaded: Loaded, tokens: Tokens, tiny_bert: Path) -> None:
    model = loaded(1)
    config = ModelConfig(str(tiny_bert), distil=model.config.model_type == "distilbert")
    two = load_model(config, label_names=("x", "y"), seed=5)
    keys = {cache_module.activation_key(each, tokens, 1, torch.float32) for each in (model, two)}
    assert len(keys) == 1


def test_the_model_is_whole_after_training(loaded: Loaded, tokens: Tokens, tmp_path: Path) -> None:
    model = loaded(1)
    names = [name for name, _ in model.named_modules()]
    trained(model, tokens, tmp_path)
    assert [name for name, _ in model.named_modules()] == names
    assert frozen_depth(model) == 1


@pytest.mark.parametrize(("depth", "frozen"), [(0, 0), (1, 1), (2, 2), ("all", None)])
def test_the_depth_is_read_off_the_model(
    loaded: Loaded, depth: int | str, frozen: int | None
) -> None:
    model = loaded(depth)
    wanted = model.config.num_hidden_layers if frozen is None else frozen
    assert frozen_depth(model) == wanted


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_a_row_is_there_only_after_it_was_written(tmp_path: Path, dtype: torch.dtype) -> None:
    lengths = {"train": np.array([2, 1, 3])}
    folder = cache_module._allocate(tmp_path / "k", lengths, 4, dtype)
    store, rows = cache_module._open(folder, lengths, 4, dtype)["train"], np.array([2, 0])
    assert not store.has(rows).any()
    values = torch.arange(24.0).reshape(2, 3, 4)
    store.write(rows, values)
    assert store.has(np.array([0, 1, 2])).tolist() == [True, False, True]
    read = store.read(rows, 3)
    assert read.dtype == torch.float32
    assert read[0].tolist() == values[0].tolist()
    assert read[1].tolist() == [*values[1, :2].tolist(), [0.0] * 4]


def test_a_disk_that_fills_before_the_states_are_made_switches_them_off(
    loaded: Loaded, tokens: Tokens, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*given: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    made, plan = plan_activations(
        loaded(1), tokens, TRAINING, root=tmp_path, cache_gb=1, shared=True
    )
    assert made is None
    assert str(plan) == "off: [Errno 28] No space left on device"
    assert not list((tmp_path / "activations").glob("*/"))


def test_the_disk_is_taken_when_the_states_are_made(
    loaded: Loaded, tokens: Tokens, tmp_path: Path
) -> None:
    _, plan = plan_activations(loaded(1), tokens, TRAINING, root=tmp_path, cache_gb=1, shared=True)
    (entry,) = (tmp_path / "activations").glob("*/")
    assert size_bytes(entry) >= plan.n_bytes


FACTS = cache_module.Facts(
    n_bytes=10**8,
    seconds_once=10,
    reads=3,
    shared=False,
    free_memory_bytes=10**10,
    budget_bytes=10**9,
)


@pytest.mark.parametrize(
    ("change", "why_not"),
    [
        ({}, None),
        ({"reads": 1.0}, "saves 0 s"),
        ({"reads": 1.0, "shared": True}, None),
        ({"budget_bytes": 10**7}, "exceed storage.cache_gb"),
        ({"free_memory_bytes": 10**8}, "half of the free memory"),
        ({"seconds_once": 0.001}, "reading 0.1 GB takes"),
        ({"on_gpu": True}, "a GPU computes layers faster"),
        ({"on_gpu": True, "first_only": True, "seconds_once": 0.001}, None),
        ({"on_gpu": True, "first_only": True, "budget_bytes": 10**7}, "exceed storage.cache_gb"),
    ],
)
def test_states_are_kept_where_they_fit_and_pay(
    change: dict[str, Any], why_not: str | None
) -> None:
    plan = cache_module.decide(2, replace(FACTS, **change))
    assert (plan.why_not is None) if why_not is None else (why_not in str(plan.why_not))
    assert str(plan).startswith("depth 2: 100 MB" if why_not is None else "off: ")
