"""`adapt`: from a composed config to an adapted model in a folder, tracked as a run."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from finesweep.config import Composed
from finesweep.dataset import load_dataset
from finesweep.disk import commit, require_space
from finesweep.errors import ConfigError, Problem
from finesweep.ledger import TimeLedger
from finesweep.model import Masked, freeze_layers, load_masked, load_tokenizer, save_masked
from finesweep.model.settings.dropout_rate import set_dropout
from finesweep.records import Evaluation, TextDataset
from finesweep.runs.adapted_models import (
    Adaptation,
    adapted_folder,
    definition,
    earlier_adaptation,
    write_record,
)
from finesweep.runs.preparation import tokens_of
from finesweep.runs.run_logging import Setup, tracked_run
from finesweep.tracking import Run
from finesweep.training import (
    Chunks,
    InputTemplate,
    adapt,
    fill_mask,
    make_chunks,
    probe_ids,
)

PERPLEXITY = "validation/perplexity"
HEAD_TAG = "finesweep.masked_head"
"""`new` if the checkpoint had no masked-language-modelling head, else `checkpoint`."""


@dataclass(frozen=True)
class Material:
    """The inputs of an adaptation."""

    setup: Setup
    masked: Masked
    train: Chunks
    validation: Chunks
    probe: torch.Tensor
    """Token ids of `adapt.probe`, [1, L] int64."""


@dataclass(frozen=True)
class AdaptationWatch:
    """Callbacks of an adaptation; an exception in one ends the run."""

    on_start: Callable[[Material], None] = lambda material: None
    on_evaluation: Callable[[Evaluation], None] = lambda evaluation: None
    on_step: Callable[[int, int], None] = lambda examples_seen, total: None


def run_adaptation(
    composed: Composed, *, watch: AdaptationWatch, ledger: TimeLedger
) -> tuple[Adaptation, bool]:
    """The adaptation, and whether it existed already, so that nothing was trained or written.

    The model is trained on train texts and validated on validation texts; test texts are not used.
    A config that cannot work raises before any run is created.
    """
    with ledger.on("loading"):
        dataset = load_dataset(composed.config.dataset)
    folder, identity = adapted_folder(composed), definition(composed, dataset)
    if earlier := earlier_adaptation(folder, identity):
        return earlier, True
    material = _material(composed, dataset, ledger)
    require_space(str(folder.parent), field="adapt.folder")
    head = "new" if material.masked.has_new_head else "checkpoint"
    tags = {"finesweep.kind": "adapt", HEAD_TAG: head, "finesweep.folder": folder}
    with tracked_run(material.setup, tags=tags, ledger=ledger) as run:
        watch.on_start(material)
        adaptation = _train(material, folder, run, watch, ledger)
        with ledger.on("logging"):
            _log(run, adaptation)
        with ledger.on("saving"):
            _save(material, adaptation, identity)
    return adaptation, False


def _material(composed: Composed, dataset: TextDataset, ledger: TimeLedger) -> Material:
    config, max_length = composed.config, composed.config.dataset.max_length
    if config.model.lora_rank is not None:
        message = f"{config.model.lora_rank} given; adapt trains the weights themselves; use null"
        raise ConfigError(Problem("model.lora_rank", message))
    with ledger.on("loading"):
        tokenizer = load_tokenizer(config.model)
        probe = probe_ids(config.adapt.probe, tokenizer, max_length=max_length)
        masked = load_masked(config.model, seed=config.training.seed)
        if config.model.dropout is not None:
            set_dropout(masked.model, config.model.dropout, name=config.model.name_or_path)
        parameters = freeze_layers(masked.model, config.model.freeze_layers)
    with ledger.on("tokenizing"):
        tokens = tokens_of(dataset, tokenizer, config)
        template = InputTemplate(tokenizer, max_length=max_length)
        train, validation = (
            make_chunks(each, template) for each in (tokens.train, tokens.validation)
        )
    setup = Setup(composed, dataset, tokens, masked.model, parameters)
    return Material(setup, masked, train, validation, probe)


def _train(
    material: Material, folder: Path, run: Run, watch: AdaptationWatch, ledger: TimeLedger
) -> Adaptation:
    """The result of training; the material's model is adapted in place."""
    config, tokenizer = material.setup.composed.config, material.setup.tokens.tokenizer
    model = material.masked.model

    def log_evaluation(evaluation: Evaluation) -> None:
        with ledger.on("logging"):
            run.log_evaluation(evaluation)
            watch.on_evaluation(evaluation)

    before = fill_mask(model, tokenizer, material.probe)
    evaluations = adapt(
        model,
        tokenizer,
        config.training,
        train=material.train,
        validation=material.validation,
        masked_share=config.adapt.masked_share,
        on_evaluation=log_evaluation,
        on_step=watch.on_step,
        ledger=ledger,
    )
    return Adaptation(
        folder=str(folder),
        run_id=run.run_id,
        has_new_head=material.masked.has_new_head,
        perplexities=(evaluations[0].metrics[PERPLEXITY], evaluations[-1].metrics[PERPLEXITY]),
        probe=config.adapt.probe,
        before=before,
        after=fill_mask(model, tokenizer, material.probe),
    )


def _log(run: Run, adaptation: Adaptation) -> None:
    filled = {key: asdict(adaptation)[key] for key in ("probe", "before", "after")}
    run.log_text(json.dumps(filled, indent=2, ensure_ascii=False), "fill_mask.json")


def _save(material: Material, adaptation: Adaptation, identity: Mapping[str, Any]) -> None:
    def write(aside: Path) -> None:
        save_masked(material.masked, material.setup.tokens.tokenizer, aside)
        write_record(aside, adaptation, identity)

    commit(Path(adaptation.folder), write)
