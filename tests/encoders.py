"""What this project makes of a tiny model of every kind: what it can do, and what it must not."""

from __future__ import annotations

import copy
import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import torch
from scipy.special import softmax
from transformers import PreTrainedModel, pipeline
from transformers.utils import logging

from finesweep.config import ModelConfig, TrainingConfig
from finesweep.dataset.tokens import whole_ids
from finesweep.errors import ConfigError
from finesweep.model import anatomy_of, freeze_layers, load_model, load_tokenizer, load_trained
from finesweep.model.capabilities.longest import longest_input
from finesweep.prediction import Classifier
from finesweep.records import DecisionRule, Objective, Tokens, TrainingResult
from finesweep.training import check_template, fit, plan_activations, predict, template_of
from finesweep.training.activation_cache.rates import measured_rates
from finesweep.training.activation_cache.rule import Rates
from finesweep.training.batches import N_TOKENS, ROW, Collator
from finesweep.training.token_split import TokenSplit
from tests.tiny_encoders import PLACES, WORDS, save_tokenizer, tiny

MAX_LENGTH = 12
FAR = 4 * PLACES
"""Tokens up to which a longest input is looked for."""


def texts() -> list[str]:
    drawn = np.random.default_rng(0)
    return [" ".join(drawn.choice(WORDS, size=3 + n % 6)) for n in range(12)]


def tokens_of(model: ModelConfig, made: list[str]) -> Tokens:
    own = load_tokenizer(model)
    rows = {
        "row": list(range(len(made))),
        "input_ids": whole_ids(made, own),
        "labels": [n % 3 for n in range(len(made))],
    }
    split = datasets.Dataset.from_dict(rows)
    return Tokens(split, split, split, own, max_length=12, key="words")


SPLITS = ("train", "validation")
TRAINING = TrainingConfig(
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
    why_not: str = ""
    """It is refused, or cannot be made tiny."""
    depths: str = "-"
    kept: str = "-"
    """At which depths states are kept, or why not."""
    longest: str = "-"
    wrong: list[str] = dataclasses.field(default_factory=list)
    """Claims that do not hold."""


def examined(kind: str, folder: Path) -> Found:
    """Trains, freezes, caches and asks a tiny model of a kind; what must hold and does not is
    `wrong`."""
    try:
        built = tiny(kind)
    except Exception as error:
        lines = (line.strip() for line in str(error).splitlines() if line.strip())
        return Found(kind, f"not tiny: {next(lines, '')} ({type(error).__name__})")
    built.save_pretrained(folder)
    save_tokenizer(folder)
    config, made = ModelConfig(name_or_path=str(folder)), texts()
    try:
        model = loaded(config)
        tokens = tokens_of(config, made)
        check_template(template_of(tokens), tokens.tokenizer, made)
    except ConfigError as error:
        return Found(kind, f"refused: {error.problems[0].message.replace(str(folder), 'it')}")
    anatomy = anatomy_of(model)
    n_layers = len(anatomy.layers)
    longest = longest_input(model, tokens.tokenizer, up_to=FAR)
    found = Found(
        kind,
        depths="0 or all" if anatomy.n_shared else f"0 to {n_layers}" if n_layers else "0",
        longest=str(longest) if longest < FAR else f"{FAR} or more",
    )
    once = dataclasses.replace(TRAINING, epochs=1)
    found.wrong += _trained(model, 0, tokens, once, moved=_moved(model, tokens))[1]
    found.wrong += _unlike_pipeline(model, tokens, made, folder / "trained")
    depths: list[int | str] = ["all"] if anatomy.n_shared or n_layers == 1 else [1, "all"]
    reasons = {}
    for depth in depths if n_layers else []:
        reasons[depth], wrong = with_and_without_states(
            loaded(config), depth, tokens, folder / "cache"
        )
        found.wrong += wrong
    found.kept = _said(reasons)
    return found


def with_and_without_states(
    model: PreTrainedModel, depth: int | str, tokens: Tokens, cache: Path
) -> tuple[str, list[str]]:
    """Why states are not kept at a depth, empty where they are; and claims that do not hold."""
    freeze_layers(model, depth)
    moved, start = _moved(model, tokens), copy.deepcopy(model.state_dict())
    result, wrong = _trained(model, depth, tokens, TRAINING, moved=moved)
    model.load_state_dict(start)
    states, plan = plan_activations(
        model,
        tokens,
        TRAINING,
        root=cache,
        cache_gb=1,
        shared=True,
        rates=paying(model, tokens, cache),
    )
    if states is None:
        return str(plan.why_not), wrong
    # The first epoch writes what the second reads.
    again, others = _trained(model, depth, tokens, TRAINING, moved=moved, states=states)
    for one, other in zip(_measured(result), _measured(again), strict=True):
        if not np.allclose(one, other, atol=2e-4):
            gap = np.abs(one - other).max()
            wrong.append(f"depth {depth}: with kept states it learns otherwise, by {gap:.2g}")
    return "", wrong + others


def _measured(result: TrainingResult) -> list[np.ndarray]:
    losses = [each.metrics[f"{split}/loss"] for each in result.evaluations for split in SPLITS]
    return [np.array(losses), result.validation.logits]


def _said(reasons: dict[int | str, str]) -> str:
    works = [f"at {depth}" for depth, why in reasons.items() if not why]
    if len(works) == len(reasons):
        return "at every depth" if reasons else "-"
    return "; ".join(dict.fromkeys([*works, *filter(None, reasons.values())]))


def loaded(config: ModelConfig) -> PreTrainedModel:
    return load_model(config, label_names=("a", "b", "c"), seed=1, max_length=MAX_LENGTH)


def paying(model: PreTrainedModel, tokens: Tokens, cache: Path) -> Rates:
    """Rates at which states pay, also of models so small that it would be faster to compute them;
    they are measured all the same, to see that each kind can be timed."""
    rates = measured_rates(
        model,
        tokens,
        0,
        n_rows=TRAINING.batch_size,
        device=torch.device("cpu"),
        dtype=torch.float32,
        root=cache,
    )
    assert rates.layer_seconds > 0
    return dataclasses.replace(rates, layer_seconds=1.0)


def _trained(
    model: PreTrainedModel,
    depth: int | str,
    tokens: Tokens,
    training: TrainingConfig,
    *,
    moved: set[str],
    states: Any = None,
) -> tuple[TrainingResult, list[str]]:
    """The result, and claims that do not hold; moved are the parameters that must change."""
    frozen = {name for name, p in model.named_parameters() if not p.requires_grad}
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    result = fit(
        model,
        tokens,
        training,
        objective=Objective(),
        on_evaluation=lambda evaluation: None,
        activation_cache=states,
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


def _moved(model: PreTrainedModel, tokens: Tokens) -> set[str]:
    """The trained parameters that matter to the loss of some row."""
    template = template_of(tokens)
    rows = TokenSplit(tokens.train, template).take(range(len(tokens.train)))
    batch = Collator(tokens.tokenizer, template)(rows)
    labels = batch.pop("labels")
    del batch[ROW], batch[N_TOKENS]
    model.eval()
    torch.nn.functional.cross_entropy(model(**batch).logits, labels).backward()
    found = {n for n, p in model.named_parameters() if p.grad is not None and p.grad.any()}
    model.zero_grad(set_to_none=True)
    return found


def _unlike_pipeline(
    model: PreTrainedModel, tokens: Tokens, made: list[str], folder: Path
) -> list[str]:
    """Of a model that was saved and loaded again, as a pipeline."""
    evaluated = softmax(predict(model, tokens.test, tokens, TRAINING).logits, axis=1)
    model.save_pretrained(folder)
    tokens.tokenizer.save_pretrained(folder)
    again, own = load_trained(folder)
    asked = pipeline("text-classification", model=again.eval(), tokenizer=own, device="cpu")
    answers = Classifier(asked, tokens.max_length, DecisionRule()).probabilities(made)
    one = asked(made[0], top_k=None, truncation=True, max_length=tokens.max_length)
    alone = [score["score"] for score in sorted(one, key=lambda score: score["label"])]
    gaps = [np.abs(answers - evaluated).max(), np.abs(np.array(alone) - evaluated[0]).max()]
    return [
        f"asked, it answers otherwise than evaluated, by {gap:.2g}" for gap in gaps if gap > 1e-4
    ]


def main() -> None:
    """Prints, last, what becomes of the kind that is named; works in the current folder."""
    logging.disable_progress_bar()
    made = examined(sys.argv[1], Path("model"))
    print(json.dumps(dataclasses.asdict(made)), flush=True)
    os._exit(0)  # taking a fork's modules apart costs half a second of a processor


if __name__ == "__main__":
    main()
