"""Logging an ONNX classifier as an MLflow model: a pyfunc without pickle, torch or finesweep."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mlflow
from mlflow.models import Model, infer_signature

from finesweep.pairs import columns_of, pipeline_inputs
from finesweep.tracking.models.classifier import MODEL_NAME, log_licence, release
from finesweep.tracking.runs import Run

REQUIREMENTS = ("onnxruntime", "tokenizers", "numpy", "pandas")


def log_onnx_classifier(
    run: Run,
    folder: Path,
    *,
    loader: Path,
    predict: Any,
    examples: Sequence[str],
    pairs: bool,
    origin: str,
    metadata: dict[str, str],
) -> str:
    """The URI of a new LoggedModel of this run, with signature and input example.

    folder has the model's files; loader is the module that reads them, which the model carries;
    predict is its pyfunc, from whose outputs the signature follows; examples are joined pairs if
    the model reads pairs; origin is the name of the starting weights.
    """
    inputs = pipeline_inputs(columns_of(examples, pairs=pairs))
    # By Model.log, because pyfunc.log_model takes no run id and starts a run of its own.
    info = Model.log(
        artifact_path=None,
        name=MODEL_NAME,
        flavor=mlflow.pyfunc,
        run_id=run.run_id,
        loader_module=loader.stem,
        data_path=str(folder),
        code_paths=[str(loader)],
        signature=infer_signature(inputs, predict(inputs)),
        input_example=inputs,
        pip_requirements=[f"{name}=={release(name)}" for name in REQUIREMENTS],
        metadata=metadata,
    )
    log_licence(run, info.model_id, origin)
    return str(info.model_uri)
