"""Logging an ensemble as one MLflow model, with its members' weights as safetensors."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import mlflow
from mlflow.models import Model, infer_signature
from transformers import PreTrainedTokenizerBase, pipeline

from finesweep.model import Ensemble
from finesweep.pairs import columns_of, pipeline_inputs
from finesweep.tracking.models.classifier import (
    MODEL_NAME,
    inference_of,
    log_licence,
    requirements,
)
from finesweep.tracking.runs import Run

CODE = Path(__file__).with_name("ensemble_code.py")
MEMBERS = "members"
"""Name of its artifact: a folder for each member, by number, the first with the tokenizer."""


def log_ensemble(
    run: Run,
    ensemble: Ensemble,
    tokenizer: PreTrainedTokenizerBase,
    *,
    max_length: int,
    examples: Sequence[str],
    origin: str,
    pairs: bool = False,
) -> str:
    """The URI of a new LoggedModel of this run, whose code MLflow runs without finesweep; other
    arguments as for `log_classifier`.

    The first member's config.json has the ensemble's decision rule.
    """
    tokenizer.model_max_length = max_length
    inputs = pipeline_inputs(columns_of(examples, pairs=pairs))
    inference = inference_of(ensemble.config, max_length)
    first, *_ = ensemble.classifiers
    example = pipeline("text-classification", model=first.cpu(), tokenizer=tokenizer)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / MEMBERS
        for number, member in enumerate(ensemble.classifiers):
            member.cpu().save_pretrained(folder / str(number))
        ensemble.config.save_pretrained(folder / "0")  # with the decision rule
        tokenizer.save_pretrained(folder / "0")
        # mlflow.pyfunc.log_model takes no run, but MLflow's global active one.
        info = Model.log(
            artifact_path=None,
            name=MODEL_NAME,
            flavor=mlflow.pyfunc,
            run_id=run.run_id,
            python_model=str(CODE),
            artifacts={MEMBERS: str(folder)},
            signature=infer_signature(inputs, example(inputs, **inference)),
            input_example=inputs,
            model_config={"max_length": max_length},
            pip_requirements=requirements(),
        )
    log_licence(run, info.model_id, origin)
    return str(info.model_uri)


def member_folders(flavors: Mapping[str, Any], folder: Path) -> list[Path]:
    """The members of a logged ensemble in order, from its flavors and the folder of its files;
    none for any other model."""
    artifact = (flavors.get("python_function") or {}).get("artifacts", {}).get(MEMBERS)
    if artifact is None:
        return []
    return sorted((folder / artifact["path"]).iterdir(), key=lambda each: int(each.name))
