"""Logging a classifier as an MLflow model that predicts as it was evaluated."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlflow
from huggingface_hub import ModelCard
from mlflow.models import infer_signature
from transformers import PreTrainedModel, PreTrainedTokenizerBase, pipeline

from finesweep.model.ensemble import MULTI_LABEL
from finesweep.model.settings.pooling import pooling_of
from finesweep.pairs import columns_of, pipeline_inputs
from finesweep.records import ANSWERING_KEY
from finesweep.tracking.models.caveats import caveat
from finesweep.tracking.runs import Run

MODEL_NAME = "model"
CARD = """\
---
pipeline_tag: text-classification
library_name: transformers
---
A text classifier fine-tuned by finesweep; its MLflow run has config, data and scores.
"""
PAIR_CARD = """\
It reads pairs of texts, passed as {"text": FIRST, "text_pair": SECOND}.
"""
LICENCE = """\
These weights were fine-tuned from {origin}, whose licence applies to them as its authors say.
finesweep adds no terms of its own.
"""
REQUIREMENTS = ("torch", "transformers", "safetensors", "accelerate")


def log_classifier(
    run: Run,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    *,
    max_length: int,
    examples: Sequence[str],
    origin: str = "the model in its run's config",
    pairs: bool = False,
) -> str:
    """The URI of a new LoggedModel of this run, with safetensors, signature and input example.

    examples are joined pairs if the model reads pairs; origin is the name of the starting weights.

    A saved pipeline loses its truncation setting and raises beyond the model's limit, so max_length
    is saved twice: in the tokenizer, and in the inference config that pyfunc applies.
    """
    tokenizer.model_max_length = max_length
    classifier = pipeline("text-classification", model=model.cpu().eval(), tokenizer=tokenizer)
    inference = inference_of(model.config, max_length)
    inputs = pipeline_inputs(columns_of(examples, pairs=pairs))
    outputs = classifier(inputs, **inference)
    info = mlflow.transformers.log_model(
        classifier,
        name=MODEL_NAME,
        run_id=run.run_id,
        signature=infer_signature(inputs, outputs),
        input_example=inputs,
        model_config=inference,
        model_card=_card(model, pairs=pairs),
        pip_requirements=requirements(),
    )
    log_licence(run, info.model_id, origin)
    return str(info.model_uri)


def _card(model: PreTrainedModel, *, pairs: bool) -> ModelCard:
    """The model card; without one MLflow would request it from the Hub."""
    rule = getattr(model.config, ANSWERING_KEY, {})
    own = caveat(pooling=pooling_of(model), clean=rule.get("clean", ()))
    return ModelCard(CARD + PAIR_CARD * pairs + own)


def inference_of(config: Any, max_length: int) -> dict[str, Any]:
    """Arguments of a text-classification pipeline for a model with this config."""
    inference: dict[str, Any] = {"truncation": True, "max_length": max_length}
    if config.problem_type == MULTI_LABEL:
        inference["top_k"] = None  # all labels, not only the most likely
    return inference


def requirements() -> list[str]:
    """Packages that a logged model needs, with their versions here."""
    return [f"{name}=={release(name)}" for name in REQUIREMENTS]


def log_licence(run: Run, model_id: str, origin: str) -> None:
    """Replaces MLflow's LICENSE.txt, which takes the folder of the weights for a Hub repository."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "LICENSE.txt"
        path.write_text(LICENCE.format(origin=origin), encoding="utf-8")
        run.store.client.log_model_artifact(model_id, str(path))


def release(package: str) -> str:
    """The version without a local part such as +cpu, which PyPI does not have."""
    return version(package).split("+")[0]
