"""A model loaded by URI, and its predictions for texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
from mlflow.exceptions import MlflowException
from mlflow.models import Model, get_model_info

from finesweep.databases import absolute_url, sqlite_file
from finesweep.dataset.text_cleaners import clean_texts
from finesweep.errors import ConfigError, Problem
from finesweep.labelsets import label_name, set_members
from finesweep.pairs import columns_of, join_pair
from finesweep.prediction.lengths import token_counts
from finesweep.records import ANSWERING_KEY, UNCERTAIN, DecisionRule, Prediction
from finesweep.stats.calibration import apply_thresholds, is_confident
from finesweep.stats.predictions import confidence, probabilities_of
from finesweep.tracking.current import go_by
from finesweep.tracking.relocation import relocate

BATCH_SIZE = 32


@dataclass(frozen=True)
class _LoadedEnsemble:
    """What a Classifier needs of a pipeline."""

    model: Any
    tokenizer: Any


@dataclass(frozen=True)
class Classifier:
    """A loaded pipeline or ensemble, the number of tokens that it reads of a text, and its decision
    rule.

    examples are a few texts of its validation split. For a model of pairs, these and all texts are
    pairs, joined by `finesweep.pairs`.
    """

    pipeline: Any
    max_length: int
    decision_rule: DecisionRule
    examples: tuple[str, ...] = ()

    @property
    def label_names(self) -> list[str]:
        names = self.pipeline.model.config.id2label
        return [names[index] for index in range(len(names))]

    @property
    def multi_label(self) -> bool:
        """Whether a text may have any number of labels."""
        return self.decision_rule.label_thresholds is not None

    def uncertain_below(self, threshold: float) -> Classifier:
        """The same model with another threshold."""
        return replace(self, decision_rule=replace(self.decision_rule, uncertain_below=threshold))

    def predict(
        self, texts: Sequence[str | None], *, uncertain_below: float | None = None
    ) -> list[Prediction]:
        """One Prediction per text, in order; probabilities are in descending order and sum to 1
        unless a text may have several labels.

        They are calibrated by the temperature in the model's config. uncertain_below overrides the
        model's own threshold. A text that is missing, blank, or has no tokens after cleaning has
        neither label nor probabilities. ValueError when the model reads pairs and a text is not
        one.
        """
        counts = token_counts(self, texts)
        readable = [text for text, count in zip(texts, counts, strict=True) if text and count]
        predictions = self._predictions(readable, uncertain_below) if readable else iter(())
        no_labels = () if self.multi_label else None
        return [
            replace(next(predictions), truncated=count > self.max_length)
            if count
            else Prediction(text, UNCERTAIN, None, {}, sure=False, labels=no_labels)
            for text, count in zip(texts, counts, strict=True)
        ]

    def _predictions(self, texts: Sequence[str], threshold: float | None) -> Iterator[Prediction]:
        """The same for texts with tokens; `truncated` is not set."""
        minimum = self.decision_rule.uncertain_below if threshold is None else threshold
        rule = replace(self.decision_rule, uncertain_below=minimum)
        probabilities, names = self.probabilities(texts), self.label_names
        labels, sure = apply_thresholds(probabilities, rule), is_confident(probabilities, rule)
        confidences = confidence(probabilities, labels).tolist()
        for text, row, label, probability, is_sure in zip(
            texts, probabilities, labels, confidences, sure.tolist(), strict=True
        ):
            by_label = {names[c]: float(row[c]) for c in np.argsort(-row, kind="stable")}
            members = tuple(set_members(label, names)) if self.multi_label else None
            name = label_name(label, names)
            yield Prediction(text, name, probability, by_label, is_sure, members)

    def clean_columns(self, texts: Sequence[str]) -> list[list[str]]:
        """The cleaned texts in one column; for pairs the first and the second texts, in two."""
        columns = columns_of(texts, pairs=self.decision_rule.pairs)
        return [clean_texts(column, self.decision_rule.clean) for column in columns]

    def probabilities(self, texts: Sequence[str]) -> np.ndarray:
        """[N, C] float64 for N texts, calibrated."""
        columns = self.clean_columns(texts)
        # Texts of similar length share a batch, which is padded to its longest.
        sizes = [sum(map(len, row)) for row in zip(*columns, strict=True)]
        order = np.argsort(sizes, kind="stable")
        logits = np.empty((len(texts), len(self.label_names)))
        for start in range(0, len(order), BATCH_SIZE):
            rows = order[start : start + BATCH_SIZE]
            logits[rows] = self._logits([[column[row] for row in rows] for column in columns])
        scaled = logits / self.decision_rule.temperature
        return probabilities_of(scaled, multi_label=self.multi_label)

    def _logits(self, columns: Sequence[Sequence[str]]) -> np.ndarray:
        """[B, C] float64. A pipeline would fail if the model has further outputs, whose first
        dimension is not always B."""
        import torch

        model = self.pipeline.model
        inputs = self.pipeline.tokenizer(
            *columns,
            truncation=True,
            max_length=self.max_length,
            padding=True,
            return_tensors="pt",
        )
        with torch.inference_mode():
            logits = model(**inputs.to(model.device)).logits
        array: np.ndarray = logits.double().cpu().numpy()
        return array


def load_classifier(uri: str, *, tracking_uri: str, field: str = "--model") -> Classifier:
    """The classifier at models:/NAME@ALIAS, models:/NAME/1, runs:/ID/model or in a folder.

    ConfigError, naming field, when there is none.
    """
    database = sqlite_file(tracking_uri)
    if database is not None and not database.exists() and not Path(uri).exists():
        raise ConfigError(
            Problem("tracking.uri", f"no store at {database}; run a sweep here first")
        )
    relocate(tracking_uri)
    go_by(absolute_url(tracking_uri))
    try:
        flavors = get_model_info(uri).flavors
        length = (flavors.get("python_function") or {}).get("config") or {}
        folder = mlflow.artifacts.download_artifacts(uri)
        pipeline = _ensemble(flavors, Path(folder)) or mlflow.transformers.load_model(folder)
        examples = Model.load(folder).load_input_example(folder)
    except (MlflowException, OSError, ValueError, ImportError) as error:
        hint = (
            ""
            if "/" in uri and (":/" in uri or Path(uri).exists())
            else (
                "; a model is named models:/NAME@ALIAS, models:/NAME/VERSION or runs:/RUN_ID/model"
            )
        )
        raise ConfigError(Problem("--model", f"{uri!r}: {_first(error)}{hint}")) from error
    max_length = int(length.get("max_length", pipeline.tokenizer.model_max_length))
    decision_rule = DecisionRule(**getattr(pipeline.model.config, ANSWERING_KEY, {}))
    texts = () if examples is None else _texts(examples, pairs=decision_rule.pairs)
    return Classifier(pipeline, max_length, decision_rule, texts)


def _ensemble(flavors: Mapping[str, Any], folder: Path) -> _LoadedEnsemble | None:
    """The ensemble whose files are in folder; None for any other model."""
    # Loads torch, which a mistake in the URI does not need.
    from finesweep.model import Ensemble, load_trained
    from finesweep.tracking.models import member_folders

    if not (folders := member_folders(flavors, folder)):
        return None
    members, tokenizers = zip(*map(load_trained, folders), strict=True)
    return _LoadedEnsemble(Ensemble(members), tokenizers[0])


def _texts(examples: Any, *, pairs: bool) -> tuple[str, ...]:
    """The texts of an input example written by `log_classifier`."""
    if not pairs:
        return tuple(map(str, examples))
    return tuple(join_pair(each["text"], each["text_pair"]) for each in examples)


def _first(error: Exception) -> str:
    return str(error).splitlines()[0]
