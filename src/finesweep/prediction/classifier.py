"""A model by URI, and its answers for texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.models import get_model_info

from finesweep.databases import sqlite_file
from finesweep.errors import ConfigError, Problem
from finesweep.records import Prediction

BATCH_SIZE = 32


@dataclass(frozen=True)
class Classifier:
    """A loaded pipeline and the number of tokens that it reads of a text."""

    pipeline: Any
    max_length: int

    def predict(self, texts: Sequence[str]) -> Iterator[Prediction]:
        """One Prediction per text, in order; probabilities sum to 1, the likeliest label first."""
        if not texts:
            return
        answers = self.pipeline(
            list(texts),
            top_k=None,
            truncation=True,
            max_length=self.max_length,
            batch_size=BATCH_SIZE,
        )
        for text, scores in zip(texts, answers, strict=True):
            probabilities = {score["label"]: float(score["score"]) for score in scores}
            label = max(probabilities, key=probabilities.__getitem__)
            yield Prediction(text, label, probabilities[label], probabilities)


def load_classifier(uri: str, *, tracking_uri: str) -> Classifier:
    """The classifier at models:/NAME@ALIAS, models:/NAME/1, runs:/ID/model or in a folder.

    ConfigError when there is none.
    """
    database = sqlite_file(tracking_uri)
    if database is not None and not database.exists() and not Path(uri).exists():
        raise ConfigError(
            Problem("tracking.uri", f"no store at {database}; run a sweep here first")
        )
    mlflow.set_tracking_uri(tracking_uri)
    try:
        length = (get_model_info(uri).flavors.get("python_function") or {}).get("config") or {}
        pipeline = mlflow.transformers.load_model(uri)
    except (MlflowException, OSError, ValueError, ImportError) as error:
        hint = (
            ""
            if "/" in uri and (":/" in uri or Path(uri).exists())
            else (
                "; a model is named models:/NAME@ALIAS, models:/NAME/VERSION or runs:/RUN_ID/model"
            )
        )
        raise ConfigError(Problem("--model", f"{uri!r}: {_first(error)}{hint}")) from error
    return Classifier(pipeline, int(length.get("max_length", pipeline.tokenizer.model_max_length)))


def _first(error: Exception) -> str:
    return str(error).splitlines()[0]
