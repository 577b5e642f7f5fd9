"""The plan of a training's activation cache, and the cache if it pays."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import replace
from functools import partial
from pathlib import Path

import psutil
import torch
from transformers import PreTrainedModel

from finesweep.caches import evict
from finesweep.config import TrainingConfig
from finesweep.model import Bypass, anatomy_of, architecture, frozen_depth, proven_bypass
from finesweep.records import Tokens
from finesweep.training.activation_cache.cache import ActivationCache
from finesweep.training.activation_cache.layout import (
    CACHED_SPLITS,
    cached_lengths,
    folder_of,
    lengths_of,
)
from finesweep.training.activation_cache.rates import seconds_per_token
from finesweep.training.activation_cache.rule import Facts, Plan, decide
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
) -> tuple[ActivationCache | None, Plan]:
    """The activation cache, or None if it does not pay or the model cannot resume from states; and
    the plan in any case.

    shared: whether other trials may need the states too.
    """
    budget, dtype = int(1e9 * cache_gb), DTYPES[resolve_precision(config.precision)]
    facts = partial(_facts, model, tokens, config, budget_bytes=budget, shared=shared, dtype=dtype)
    plan, bypass = _choose_plan(model, tokens, facts)
    if bypass is None:
        return None, plan
    folder = folder_of(
        root, model, tokens, dtype=dtype, depth=plan.depth, first_only=plan.first_only
    )
    if not folder.exists() and not evict(root, plan.n_bytes, budget_bytes=budget):
        return None, replace(plan, why_not="the disk is too full")
    try:
        return ActivationCache(bypass, tokens, root=root, plan=plan, dtype=dtype), plan
    except OSError as error:
        return None, replace(plan, why_not=str(error))


def _choose_plan(
    model: PreTrainedModel, tokens: Tokens, facts: Callable[..., Facts]
) -> tuple[Plan, Bypass | None]:
    """The plan, and the bypass if states are cached."""
    depth = frozen_depth(model)
    off = partial(Plan, depth, 0, 0.0)
    if depth == 0:
        return off("no layer is frozen"), None
    if torch.cuda.device_count() > 1:
        return off("several GPUs share each batch"), None
    anatomy = anatomy_of(model)
    if anatomy.exit(depth) not in anatomy.widths:
        return off(str(_bypass(model, tokens, depth, first_only=False))), None
    why = ""
    for first_only in (True, False) if depth == len(anatomy.layers) else (False,):
        plan = decide(depth, facts(depth, first_only=first_only))
        if plan.why_not is not None:
            return plan, None
        if isinstance(bypass := _bypass(model, tokens, depth, first_only=first_only), Bypass):
            return plan, bypass
        why = bypass
    return off(why), None


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


def _facts(
    model: PreTrainedModel,
    tokens: Tokens,
    config: TrainingConfig,
    depth: int,
    *,
    budget_bytes: int,
    shared: bool,
    dtype: torch.dtype,
    first_only: bool,
) -> Facts:
    anatomy, lengths = anatomy_of(model), lengths_of(tokens)
    item = torch.empty((), dtype=dtype).element_size()
    n_cached = sum(
        int(each.sum()) for each in cached_lengths(lengths, first_only=first_only).values()
    )
    n_train, n_validation = (int(lengths[split].sum()) for split in CACHED_SPLITS)
    n_evaluations = config.epochs * config.evaluations_per_epoch
    reads = config.epochs * n_train + n_evaluations * n_validation
    return Facts(
        n_bytes=n_cached * anatomy.widths[anatomy.exit(depth)] * item,
        seconds_once=seconds_per_token(model) * depth * (n_train + n_validation),
        reads=reads / (n_train + n_validation),
        shared=shared,
        free_memory_bytes=psutil.virtual_memory().available,
        budget_bytes=budget_bytes,
        first_only=first_only,
        on_gpu=torch.cuda.is_available(),
    )
