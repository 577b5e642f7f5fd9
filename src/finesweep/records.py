"""The records that pass between packages: dataset → tokens → run → sweep → registry → serving.

Shapes use one legend: N examples, L tokens, C classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

if TYPE_CHECKING:
    import datasets
    import numpy as np
    import pandas as pd
    from transformers import PreTrainedTokenizerBase

SplitName = Literal["train", "validation", "test"]
SPLITS: tuple[SplitName, ...] = get_args(SplitName)
Direction = Literal["minimize", "maximize"]
Severity = Literal["severe", "warning", "note"]


@dataclass(frozen=True)
class Splits:
    """Labelled texts as tables, by split; the index is a row's number in its source, from 1."""

    raw: Mapping[SplitName, pd.DataFrame]
    """The rows as read: columns text and label, whose values may be missing."""
    frames: Mapping[SplitName, pd.DataFrame]
    """The rows to train on: three splits with columns text (str) and label (int in [0, C), or the
    number of a label set, as in `finesweep.labelsets`). Rows of a split that was carved from train
    keep their train row number."""
    label_names: tuple[str, ...]
    """C names, in the order of the label ids."""
    notes: tuple[str, ...]
    """What was dropped, carved or cut on the way, one sentence each, for people."""
    multi_label: bool = False
    """Whether a text may have several labels, or none."""


@dataclass(frozen=True)
class Finding:
    """A problem in a dataset that users should know before training on it."""

    check: str
    severity: Severity
    message: str
    """One sentence, with counts."""
    rows: tuple[tuple[SplitName, int], ...]
    """Split and row number in the source, from 1, of every row concerned; empty if the finding is
    about whole splits."""


@dataclass(frozen=True)
class TextDataset:
    """Three splits of labelled text, each with columns text (str) and label (int in [0, C), or the
    number of a label set, as in `finesweep.labelsets`)."""

    name: str
    train: datasets.Dataset
    validation: datasets.Dataset
    test: datasets.Dataset
    label_names: tuple[str, ...]
    """C names, in the order of the label ids."""
    fingerprint: str
    """SHA-256 of label names, texts and labels of all three splits, in order."""
    test_fingerprint: str
    """SHA-256 of label names, and texts and labels of the test split."""
    notes: tuple[str, ...]
    """What was dropped, carved or cut on the way, one sentence each, for people."""
    pairs: bool = False
    """Whether each text is a pair, joined by `finesweep.pairs`."""
    multi_label: bool = False
    """Whether a text may have several labels, or none."""

    def split(self, name: SplitName) -> datasets.Dataset:
        splits = {"train": self.train, "validation": self.validation, "test": self.test}
        return splits[name]


@dataclass(frozen=True)
class Tokens:
    """The same splits as token ids: columns row (0 … N-1), input_ids (whole texts, without special
    tokens), for pairs also pair_ids (the second texts), and labels (int, or [C] of 0.0 and 1.0 if a
    text may have several)."""

    train: datasets.Dataset
    validation: datasets.Dataset
    test: datasets.Dataset
    tokenizer: PreTrainedTokenizerBase
    max_length: int
    """L, to which batches are truncated, special tokens included."""
    key: str
    """Key of these rows and ids, from data and tokenizer."""
    pairs: bool = False
    """Whether there are pair_ids."""
    multi_label: bool = False
    """Whether a text may have several labels."""


@dataclass(frozen=True)
class Predictions:
    """A model's logits for one split, in the split's order, with the true labels."""

    logits: np.ndarray
    """[N, C] float32, unnormalised."""
    labels: np.ndarray
    """True labels: [N] int64 in [0, C), or [N, C] of 0 and 1 if a row may have several."""

    @property
    def multi_label(self) -> bool:
        """Whether a row may have several labels."""
        return self.labels.ndim == 2


@dataclass(frozen=True)
class Objective:
    """The metric that a run optimises (`split/name`), and the direction."""

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
        """The value on the sample if there is one, else on the whole split."""
        values = evaluation.metrics
        return values[self.for_pruning if self.for_pruning in values else self.metric]

    @property
    def worst(self) -> float:
        return float("inf") if self.direction == "minimize" else float("-inf")


@dataclass(frozen=True)
class Evaluation:
    """One evaluation of the validation split during training."""

    step: int
    """Training examples seen, nominal: round(k * train_rows / evaluations_per_epoch)."""
    epoch: float
    """The step in epochs."""
    metrics: Mapping[str, float]
    """`split/name` → value, including train/loss (mean since the last evaluation)."""


@dataclass(frozen=True)
class TrainingResult:
    """One finished training run, whose model has the best evaluation's weights."""

    evaluations: tuple[Evaluation, ...]
    best: Evaluation
    validation: Predictions
    """The validation split's predictions at the best evaluation."""
    stopped_early: bool


ANSWERING_KEY = "finesweep"
"""Key of the DecisionRule in a logged model's config.json."""


@dataclass(frozen=True)
class DecisionRule:
    """How a model's logits become a prediction; fitted on the validation split."""

    temperature: float = 1.0
    """Logits are divided by this before the softmax."""
    uncertain_below: float = 0.0
    """A prediction is UNCERTAIN if the probability of its label is below this; with several labels,
    the probability that all are right."""
    decision_threshold: float | None = None
    """With two classes, the minimum probability for predicting the second; None: the more likely
    one is predicted."""
    label_thresholds: Sequence[float] | None = None
    """The minimum probability for predicting each of C labels, if a text may have several; None for
    one label per text."""
    clean: Sequence[str] = ()
    """Names of the text cleaners, the same as in training."""
    pairs: bool = False
    """Whether the model reads pairs of texts."""


@dataclass(frozen=True)
class TestResult:
    """A run's evaluation of the test split."""

    metrics: Mapping[str, float]
    """`test/name` → value."""
    intervals: Mapping[str, tuple[float, float]]
    """`test/name` → 95 % interval, bootstrapped over rows."""
    look: int
    """The number of evaluations of these test rows so far, this one included."""
    predictions: Predictions
    errors: Sequence[Mapping[str, Any]]
    """The wrong predictions, most confident first, as in errors.json."""
    decision_rule: DecisionRule
    model_uri: str
    """The evaluated model in MLflow."""
    latency_ms: float
    """Median time for one text, in milliseconds."""


UNCERTAIN = "UNCERTAIN"
"""Shown for an uncertain prediction; also the label of a row without a text."""


@dataclass(frozen=True)
class Prediction:
    """A model's prediction for one text: its label, or all predicted labels, even if uncertain, and
    every class's probability."""

    text: str | None
    label: str
    """The most likely label; with two classes, the one that the model's decision threshold chooses;
    several labels joined by `labelsets.set_name`; UNCERTAIN if no text."""
    probability: float | None
    """The label's probability; with several labels, the probability that all are right, assuming
    independence; None without a text."""
    probabilities: Mapping[str, float]
    """Class → probability, in descending order; empty without a text."""
    sure: bool
    """Whether the probability reaches the threshold."""
    labels: tuple[str, ...] | None = None
    """The predicted labels, if a text may have several; None for one label per text."""
    truncated: bool = False
    """Whether the text is longer than the model's input."""

    @property
    def answer(self) -> str:
        """The label, or UNCERTAIN."""
        return self.label if self.sure else UNCERTAIN


Span = tuple[str, float | None]
"""A part of a text, and its contribution to a label's log-odds; None for white space and text
beyond the model's length."""


@dataclass(frozen=True)
class Finalist:
    """The best trial, evaluated on the test split and logged as a model."""

    trial: int
    run_id: str
    model_uri: str
    test_metrics: Mapping[str, float]
    """`test/name` → value."""
    majority_accuracy: float
    """Majority-class accuracy on the same test split."""
    test_rows: int
    max_length: int
    """Maximum input length, in tokens."""
    uid: str = ""
    """UID of the run with these weights: the trial itself, or one of its seeds."""
    test_intervals: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """`test/name` → low and high of the 95 % interval, for those that have one."""
    test_look: int = 1
    """The number of evaluations of these test rows so far, its own included."""
    confirmed: Mapping[str, Any] | None = None
    """The results of its seeds, and the probability that it really beats the runner-up."""
    doubts: Sequence[str] = ()
    """Sentences about labels that it predicts for all rows, or for none."""
    pooling: str | None = None
    """How its tokens are pooled, where only finesweep does so; None is the architecture's own."""
    clean: Sequence[str] = ()
    """Names of the text cleaners, which only finesweep applies."""
    multi_label: bool = False
    """Whether a text may have any number of labels."""
    pairs: bool = False
    """Whether it reads pairs of texts."""
    picked: Mapping[str, Any] | None = None
    """trial, rule and why it was picked from a Pareto front; None with one objective."""
    combined: Mapping[str, Any] | None = None
    """How its seeds are combined and what that gains over the best one, the fields of a
    CombinationGain; None for a single model."""
