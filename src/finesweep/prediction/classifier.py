"""A loaded model, and its predictions for texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any, Protocol

import numpy as np
import pandas as pd

from finesweep.dataset.text_cleaners import clean_texts
from finesweep.labelsets import label_name, set_members
from finesweep.pairs import columns_of
from finesweep.prediction.lengths import token_counts
from finesweep.prediction.onnx_classifier import OnnxClassifier
from finesweep.prediction.torch_classifier import TorchClassifier
from finesweep.records import UNCERTAIN, DecisionRule, Prediction
from finesweep.stats.calibration import apply_thresholds, is_confident
from finesweep.stats.predictions import HALF, confidence, probabilities_of

BATCH_SIZE = 32
PYTORCH = "pytorch"


class Network(Protocol):
    """Logits of texts: a TorchClassifier or an OnnxClassifier."""

    @property
    def label_names(self) -> list[str]: ...

    @property
    def multi_label(self) -> bool: ...

    def logits(self, columns: Sequence[Sequence[str]]) -> np.ndarray: ...

    def lengths(self, texts: Sequence[str]) -> list[int]: ...

    def n_special_tokens(self, *, pairs: bool) -> int: ...


@dataclass(frozen=True)
class LoadedModel:
    """What a Classifier needs of a pipeline, for models of which there is none."""

    model: Any
    tokenizer: Any


@dataclass(frozen=True)
class Classifier:
    """A loaded pipeline, or a LoadedModel or OnnxClassifier in its place; the number of tokens that
    it reads of a text, and its decision rule.

    examples are a few texts of its validation split. For a model of pairs, these and all texts are
    pairs, joined by `finesweep.pairs`.
    """

    pipeline: Any
    max_length: int
    decision_rule: DecisionRule
    examples: tuple[str, ...] = ()

    @property
    def label_names(self) -> list[str]:
        return self.network.label_names

    @property
    def network(self) -> Network:
        """What computes the logits."""
        if isinstance(self.pipeline, OnnxClassifier):
            return self.pipeline
        return TorchClassifier(self.pipeline, self.max_length)

    @property
    def format(self) -> str:
        """`pytorch`, `onnx`, or `onnx int8` if its weights are quantized."""
        if not isinstance(self.pipeline, OnnxClassifier):
            return PYTORCH
        return " ".join(filter(None, ["onnx", self.pipeline.quantization]))

    @property
    def has_gradients(self) -> bool:
        """Whether `attribution` can explain its predictions."""
        return self.format == PYTORCH

    @property
    def multi_label(self) -> bool:
        """Whether a text may have any number of labels."""
        return self.decision_rule.label_thresholds is not None

    def with_thresholds(self) -> Classifier:
        """The same model; one of several labels for which none were fitted has a half for each."""
        rule, names = self.decision_rule, self.label_names
        if rule.label_thresholds is not None or not self.network.multi_label:
            return self
        return replace(self, decision_rule=replace(rule, label_thresholds=[HALF] * len(names)))

    def uncertain_below(self, threshold: float) -> Classifier:
        """The same model with another threshold; ValueError if it is no probability."""
        _check_threshold(threshold)
        return replace(self, decision_rule=replace(self.decision_rule, uncertain_below=threshold))

    def predict(
        self, texts: Iterable[str | None], *, uncertain_below: float | None = None
    ) -> list[Prediction]:
        """One Prediction per text, in order; probabilities are in descending order and sum to 1
        unless a text may have several labels.

        They are calibrated by the temperature in the model's config. uncertain_below overrides the
        model's own threshold. A text that is missing, blank, or has no tokens after cleaning has
        neither label nor probabilities. TypeError for one text, a table, or what is no text.
        ValueError when the model reads pairs and a text is not one, or uncertain_below is no
        probability.
        """
        texts = _checked(texts)
        if uncertain_below is not None:
            _check_threshold(uncertain_below)
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
        logits = self.logits(texts) / self.decision_rule.temperature
        return probabilities_of(logits, multi_label=self.multi_label)

    def logits(self, texts: Sequence[str]) -> np.ndarray:
        """[N, C] float64 for N texts, not calibrated."""
        columns, network = self.clean_columns(texts), self.network
        # Texts of similar length share a batch, which is padded to its longest.
        sizes = [sum(map(len, row)) for row in zip(*columns, strict=True)]
        order = np.argsort(sizes, kind="stable")
        logits = np.empty((len(texts), len(network.label_names)))
        for start in range(0, len(order), BATCH_SIZE):
            rows = order[start : start + BATCH_SIZE]
            logits[rows] = network.logits([[column[row] for row in rows] for column in columns])
        return logits


def _checked(texts: Iterable[Any]) -> list[str | None]:
    """The texts, None for what pandas takes for missing; TypeError for anything else."""
    if isinstance(texts, str):
        raise TypeError("predict takes several texts; [text] for one")
    if isinstance(texts, pd.DataFrame):
        raise TypeError('predict takes a column of texts, such as table["text"]')
    return [_text(each, number) for number, each in enumerate(texts, 1)]


def _text(value: Any, number: int) -> str | None:
    if isinstance(value, str):
        return value
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return None
    raise TypeError(f"text {number} is no text but {type(value).__name__}: {value!r:.60}")


def _check_threshold(threshold: float) -> None:
    is_number: bool = isinstance(threshold, Real)
    if not is_number or not 0 <= threshold <= 1:
        raise ValueError(f"uncertain_below is a probability, from 0 to 1; {threshold!r} given")
