"""The plan of a training's activation cache, and the cache if it pays."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from transformers import PreTrainedModel

from finesweep.caches import evict
from finesweep.config import TrainingConfig
from finesweep.model import Bypass, anatomy_of, architecture, frozen_depth, proven_bypass
from finesweep.records import Tokens
from finesweep.training.activation_cache.cache import ActivationCache
from finesweep.training.activation_cache.facts import gathered_facts, median_row
from finesweep.training.activation_cache.layout import folder_of, lengths_of
from finesweep.training.activation_cache.rates import measured_rates
from finesweep.training.activation_cache.rule import Facts, Plan, Rates, decide
from finesweep.training.arguments import trainer_arguments
from finesweep.training.batches import sample_batch
from finesweep.training.precision import resolve_precision

DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


def plan_activations(
    model: PreTrainedModel,
    tokens: Tokens,
    config: TrainingConfig,
    *,
    root: Path,
    cache_gb: float,
    shared: bool,
    n_devices: int = 1,
    rates: Rates | None = None,
) -> tuple[ActivationCache | None, Plan]:
    """The activation cache, or None if it does not pay or the model cannot resume from states; and
    the plan in any case.

    shared: whether other trials may need the states too. n_devices: on which the training runs;
    each would see only a part of the rows, so several cache none. rates are measured unless given.
    """
    if n_devices > 1:
        return None, Plan(frozen_depth(model), "none", f"the run trains on {n_devices} devices")
    arguments, depth = trainer_arguments(config, ""), frozen_depth(model)
    if (why_not := _why_not(model, tokens, depth)) is not None:
        return None, Plan(depth, "none", why_not)
    device, dtype = arguments.device, DTYPES[resolve_precision(config.precision)]
    lengths, budget = lengths_of(tokens), int(1e9 * cache_gb)
    row, n_rows = median_row(lengths["train"]), config.batch_size
    if rates is None:
        measure = partial(measured_rates, model, tokens, row, n_rows=n_rows, device=device)
        rates = measure(dtype=dtype, root=root)
    facts = partial(
        gathered_facts,
        lengths,
        config,
        batch_tokens=n_rows * int(lengths["train"][row]),
        token_bytes=anatomy_of(model).widths[anatomy_of(model).exit(depth)] * dtype.itemsize,
        shared=shared,
        budget_bytes=budget,
        rates=rates,
    )
    plan, bypass = _choose_plan(model, tokens, depth, facts)
    if bypass is None:
        return None, plan
    make = partial(ActivationCache, bypass, tokens, root=root, dtype=dtype, device=device)
    key = partial(folder_of, root, model, tokens, dtype=dtype, depth=depth)
    is_there = key(first_only=plan.first_only).exists()
    if not is_there and not evict(root, plan.n_bytes, budget_bytes=budget):
        return None, _off(plan, "the disk is too full")
    return _made(make, plan)


def _made(make: Callable[..., ActivationCache], plan: Plan) -> tuple[ActivationCache | None, Plan]:
    """The cache and the plan, changed if disk or device have filled since it was made."""
    try:
        return make(plan=plan), plan
    except OSError as error:
        return None, _off(plan, str(error))
    except torch.OutOfMemoryError:
        return _made(make, replace(plan, place="pinned"))


def _why_not(model: PreTrainedModel, tokens: Tokens, depth: int) -> str | None:
    """Why states cannot be cached, before anything is measured."""
    if depth == 0:
        return "no layer is frozen"
    anatomy = anatomy_of(model)
    if anatomy.exit(depth) not in anatomy.widths:
        return str(_bypass(model, tokens, depth, first_only=False))
    return None


def _choose_plan(
    model: PreTrainedModel, tokens: Tokens, depth: int, facts: Callable[..., Facts]
) -> tuple[Plan, Bypass | None]:
    """The plan, and the bypass if states are cached: of the first token only, if all layers are
    frozen and the model reads no other."""
    why = ""
    all_frozen = depth == len(anatomy_of(model).layers)
    for first_only in (True, False) if all_frozen else (False,):
        plan = decide(depth, facts(first_only=first_only))
        if plan.why_not is not None:
            return plan, None
        if isinstance(bypass := _bypass(model, tokens, depth, first_only=first_only), Bypass):
            return plan, bypass
        why = bypass
    return Plan(depth, "none", why), None


def _off(plan: Plan, reason: str) -> Plan:
    return replace(plan, place="none", reason=reason)


_failures: dict[Hashable, str] = {}
"""Why there is no bypass, for what this process has tried."""


def _bypass(
    model: PreTrainedModel, tokens: Tokens, depth: int, *, first_only: bool
) -> Bypass | str:
    """A proven bypass, or why there is none; a failure is tried once per architecture and depth."""
    key = (architecture(model), tokens.pairs, tokens.tokenizer.padding_side, depth, first_only)
    if key in _failures:
        return _failures[key]
    bypass = proven_bypass(model, depth, sample_batch(tokens, tokens.train), first_only=first_only)
    if isinstance(bypass, str):
        _failures[key] = bypass
    return bypass
