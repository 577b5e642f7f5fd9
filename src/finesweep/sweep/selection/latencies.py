"""Measures the latencies that a sweep's objectives need, per architecture, length and machine.

The weights are untrained: latency does not depend on training.
"""

from __future__ import annotations

import hashlib
import json
import socket
import time
from collections.abc import Callable
from dataclasses import asdict

import torch
from optuna import Study
from transformers import PreTrainedModel

from finesweep.config import Config, SweepPlan
from finesweep.dataset import load_dataset
from finesweep.locks import exclusive
from finesweep.model import load_model, load_tokenizer
from finesweep.records import TextDataset
from finesweep.runs.latency import measure_latency
from finesweep.stats.metric_names import LATENCY as METRICS
from finesweep.sweep.study.keys import LATENCY_MACHINE, MODEL, VALUES
from finesweep.sweep.study.objectives.latencies import Values, entry, has_latency, latencies_in
from finesweep.sweep.study.optuna_private import engine_of
from finesweep.wording import counted

MAX_ROUNDS, ROUND_SECONDS = 5, 5.0
"""A latency is measured so often at most, and not again after that time."""


def this_device() -> str:
    """This machine and what a model runs on here, as people name it."""
    if torch.cuda.is_available():
        return f"{socket.gethostname()} ({torch.cuda.get_device_name()})"
    return f"{socket.gethostname()} (CPU, {counted(torch.get_num_threads(), 'thread')})"


def latency_key(model: PreTrainedModel, dataset: TextDataset, *, max_length: int) -> str:
    """What a latency depends on besides the machine: kind and shapes of the weights, length, and
    the texts."""
    shapes = [(name, list(weight.shape)) for name, weight in model.named_parameters()]
    known = [type(model).__name__, shapes, dataset.fingerprint]
    digest = hashlib.sha256(json.dumps(known).encode()).hexdigest()[:12]
    return f"{model.config.model_type}-{digest}/{max_length}"


def ensure_latency(study: Study, key: str, config: Config) -> Values:
    """`latency_ms/name` → milliseconds of the config's model: of the machine that the study
    compares, where they are known, otherwise of this one, measured now if need be.

    One process of a machine measures at a time; others may still train beside it.
    """
    latencies, here = latencies_in(study.user_attrs), this_device()
    known = latencies.of(key) or latencies.of(key, here)
    if known is not None:
        return known
    with exclusive(engine_of(study), f"{study.study_name}.latency.{here}"):
        attributes = study.user_attrs
        if (known := latencies_in(attributes).of(key, here)) is not None:
            return known
        measured = _measure(config)
        study.set_user_attr(*entry(key, here, measured))
        if LATENCY_MACHINE not in attributes:
            study.set_user_attr(LATENCY_MACHINE, here)
    return measured


def settle_latencies(plan: SweepPlan, study: Study, say: Callable[[str], None]) -> None:
    """Makes the latencies of all complete trials comparable, once the search has ended: measured on
    this machine, unless they already are on the one that is compared.

    say gets a message before each measurement. Callers hold a lock.
    """
    if not has_latency(each.metric for each in plan.objectives):
        return
    latencies, here = latencies_in(study.user_attrs), this_device()
    trials = study.get_trials(deepcopy=False)
    if not latencies.unsettled(trials):
        return
    for key, trial in latencies.unsettled(trials, here).items():
        model, length = trial.user_attrs.get(MODEL), key.rpartition("/")[2]
        say(f"measuring the latency of {model} at a length of {length}")
        measured = _measure(plan.compose_trial(trial.user_attrs[VALUES]).config)
        study.set_user_attr(*entry(key, here, measured, settled=True))
    if latencies.machine != here:
        study.set_user_attr(LATENCY_MACHINE, here)


def _measure(config: Config) -> dict[str, float]:
    dataset = load_dataset(config.dataset)
    model = load_model(
        config.model, label_names=dataset.label_names, seed=0, multi_label=dataset.multi_label
    )
    model = model.to("cuda" if torch.cuda.is_available() else "cpu")
    tokenizer, max_length = load_tokenizer(config.model), config.dataset.max_length
    rounds: list[dict[str, float]] = []
    began = time.monotonic()
    while not rounds or (len(rounds) < MAX_ROUNDS and time.monotonic() - began < ROUND_SECONDS):
        rounds.append(asdict(measure_latency(model, tokenizer, dataset, max_length=max_length)))
    # Of a quiet moment: whatever runs beside it only adds to a latency.
    return {f"{METRICS}{name}": min(each[name] for each in rounds) for name in rounds[0]}
