"""The frozen records that pass between stages: dataset → tokens → trial → result → registry.

Shapes use one legend: N examples, L tokens, C classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import datasets
    import numpy as np
    from transformers import PreTrainedTokenizerBase

SplitName = Literal["train", "validation", "test"]
Direction = Literal["minimize", "maximize"]


@dataclass(frozen=True)
class TextDataset:
    """Three splits of labelled text, each with columns text (str) and label (int in [0, C))."""

    name: str
    train: datasets.Dataset
    validation: datasets.Dataset
    test: datasets.Dataset
    label_names: tuple[str, ...]
    """C names, in the order of the label ids."""
    fingerprint: str
    """SHA-256 of label names, texts and labels of all three splits, in order."""
    notes: tuple[str, ...]
    """What was dropped, carved or cut on the way, one sentence each, for people."""

    def split(self, name: SplitName) -> datasets.Dataset:
        splits = {"train": self.train, "validation": self.validation, "test": self.test}
        return splits[name]


@dataclass(frozen=True)
class Tokens:
    """The same splits as token ids: columns row (0 … N-1), input_ids (whole texts, without special
    tokens) and labels (int)."""

    train: datasets.Dataset
    validation: datasets.Dataset
    test: datasets.Dataset
    tokenizer: PreTrainedTokenizerBase
    max_length: int
    """L, to which batches are cut, special tokens included."""
    key: str
    """Names the rows and ids: data and tokenizer."""


@dataclass(frozen=True)
class Predictions:
    """What a model says about one split, in the split's own order."""

    logits: np.ndarray
    """[N, C] float32, unnormalised."""
    labels: np.ndarray
    """[N] int64, the truth."""


@dataclass(frozen=True)
class Objective:
    """What a run is judged by: the metric's name (`split/name`) and which way is better."""

    metric: str = "validation/loss"
    direction: Direction = "minimize"

    def is_better(self, value: float, than: float) -> bool:
        """Strictly better; NaN is never better."""
        return value < than if self.direction == "minimize" else value > than

    @property
    def for_pruning(self) -> str:
        """The metric's name on the sample of the split that pruners see."""
        split, name = self.metric.split("/")
        return f"{split}/pruning_{name}"

    def seen_by_pruner(self, evaluation: Evaluation) -> float:
        """The value on the sample where there is one, else on the whole split."""
        values = evaluation.metrics
        return values.get(self.for_pruning, values.get(self.metric, float("nan")))

    @property
    def worst(self) -> float:
        return float("inf") if self.direction == "minimize" else float("-inf")


@dataclass(frozen=True)
class Evaluation:
    """One look at the validation split during training."""

    step: int
    """Training examples seen, nominal: round(k * train_rows / evaluations_per_epoch)."""
    epoch: float
    """The same moment in epochs."""
    metrics: Mapping[str, float]
    """`split/name` → value, train/loss (mean since the last evaluation) among them."""


@dataclass(frozen=True)
class TrainingResult:
    """One finished training run, whose model holds the best evaluation's weights."""

    evaluations: tuple[Evaluation, ...]
    best: Evaluation
    validation: Predictions
    """The validation split's predictions at the best evaluation."""
    stopped_early: bool


@dataclass(frozen=True)
class TestResult:
    """A run's one look at the test split."""

    metrics: Mapping[str, float]
    """`test/name` → value."""
    model_uri: str
    """Of the model that was evaluated, logged in MLflow."""


@dataclass(frozen=True)
class ParameterCount:
    """Numbers of parameters of a model, after freezing."""

    trainable: int
    frozen: int


@dataclass(frozen=True)
class ModelLimits:
    """What a checkpoint can take, read from its config alone."""

    n_layers: int
    max_length: int
    """Tokens, special tokens included."""


@dataclass(frozen=True)
class Prediction:
    """A model's answer for one text: the likeliest label, and every class's probability."""

    text: str
    label: str
    probability: float
    probabilities: Mapping[str, float]


@dataclass(frozen=True)
class Finalist:
    """The best trial, evaluated on the test split and logged as a model."""

    trial: int
    run_id: str
    model_uri: str
    test_metrics: Mapping[str, float]
    """`test/name` → value."""
    majority_accuracy: float
    """Accuracy on the same test split of always answering train's commonest class."""
    test_rows: int
    max_length: int
    """Tokens that the model reads of a text."""


@dataclass(frozen=True)
class Registered:
    """One version of one registered model."""

    name: str
    version: str
    alias: str
    model_uri: str
    """Of the LoggedModel that the version was made from."""
