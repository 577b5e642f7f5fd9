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
    """What was read: columns text and label, any of which may be missing."""
    frames: Mapping[SplitName, pd.DataFrame]
    """What is trained on: three splits with columns text (str) and label (int in [0, C), or the
    number of a set of labels, as in `finesweep.labelsets`). A row of a split that the source lacks
    bears its number in train, from which it was carved."""
    label_names: tuple[str, ...]
    """C names, in the order of the label ids."""
    notes: tuple[str, ...]
    """What was dropped, carved or cut on the way, one sentence each, for people."""
    multi_label: bool = False
    """Whether a text may have several labels, or none."""


@dataclass(frozen=True)
class Finding:
    """Something about a dataset that one should know before training on it."""

    check: str
    severity: Severity
    message: str
    """One sentence, with its counts."""
    rows: tuple[tuple[SplitName, int], ...]
    """Every row concerned: its split, and its number in its source, from 1; empty where the
    finding is about whole splits."""


@dataclass(frozen=True)
class TextDataset:
    """Three splits of labelled text, each with columns text (str) and label (int in [0, C), or the
    number of a set of labels, as in `finesweep.labelsets`)."""

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
    """Whether each text is a pair, joined as `finesweep.pairs` does."""
    multi_label: bool = False
    """Whether a text may have several labels, or none."""

    def split(self, name: SplitName) -> datasets.Dataset:
        splits = {"train": self.train, "validation": self.validation, "test": self.test}
        return splits[name]


@dataclass(frozen=True)
class Tokens:
    """The same splits as token ids: columns row (0 … N-1), input_ids (whole texts, without special
    tokens), of pairs also pair_ids (the second texts, in the same way), and labels (int, or [C] of
    0.0 and 1.0 where a text may have several)."""

    train: datasets.Dataset
    validation: datasets.Dataset
    test: datasets.Dataset
    tokenizer: PreTrainedTokenizerBase
    max_length: int
    """L, to which batches are cut, special tokens included."""
    key: str
    """Names the rows and ids: data and tokenizer."""
    pairs: bool = False
    """Whether there are pair_ids."""
    multi_label: bool = False
    """Whether a text may have several labels."""


@dataclass(frozen=True)
class Predictions:
    """What a model says about one split, in the split's own order."""

    logits: np.ndarray
    """[N, C] float32, unnormalised."""
    labels: np.ndarray
    """The truth: [N] int64 in [0, C), or [N, C] of 0 and 1 where a row may have several labels."""

    @property
    def multi_label(self) -> bool:
        """Whether a row may have several labels."""
        return self.labels.ndim == 2


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
        return values[self.for_pruning if self.for_pruning in values else self.metric]

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


ANSWERING_KEY = "finesweep"
"""The key of a logged model's config.json that holds its DecisionRule."""


@dataclass(frozen=True)
class DecisionRule:
    """How a model's logits become an answer; fitted on the validation split."""

    temperature: float = 1.0
    """Logits are divided by this before the softmax."""
    uncertain_below: float = 0.0
    """The largest probability under which the answer is UNCERTAIN."""
    decision_threshold: float | None = None
    """With two classes, the least probability at which the second is the answer; None stands for
    the likelier one."""
    label_thresholds: Sequence[float] | None = None
    """The least probability at which each of the C labels holds, where a text may have several;
    None where it has one."""
    clean: Sequence[str] = ()
    """The cleaners that a text passes before the model reads it, the same as in training."""
    pairs: bool = False
    """Whether the model reads pairs of texts."""


@dataclass(frozen=True)
class TestResult:
    """A run's one look at the test split."""

    metrics: Mapping[str, float]
    """`test/name` → value."""
    intervals: Mapping[str, tuple[float, float]]
    """`test/name` → 95 % interval, bootstrapped over rows."""
    look: int
    """The number of looks at these test rows up to this one."""
    predictions: Predictions
    errors: Sequence[Mapping[str, Any]]
    """The wrong answers, the most confident first, as errors.json holds them."""
    decision_rule: DecisionRule
    model_uri: str
    """The evaluated model in MLflow."""


UNCERTAIN = "UNCERTAIN"
"""What people are told where a model is not sure, and the label of a row without a text."""


@dataclass(frozen=True)
class Prediction:
    """A model's answer for one text: the likeliest label, or all that hold, whether the model is
    sure or not, and every class's probability."""

    text: str | None
    label: str
    """The likeliest label, or several joined as `labelsets.set_name` does it; UNCERTAIN where there
    is no text to read."""
    probability: float | None
    """The label's probability; with several labels, the probability that all are right as if they
    were independent; None where there is no text to read."""
    probabilities: Mapping[str, float]
    """Class → probability, the greatest first; empty where there is no text to read."""
    sure: bool
    """Whether the answer's probability reaches the model's own threshold."""
    labels: tuple[str, ...] | None = None
    """The labels that hold, where a text may have several; None where it has one."""
    truncated: bool = False
    """Whether the text is longer than what the model reads of it."""

    @property
    def answer(self) -> str:
        """The label, or UNCERTAIN."""
        return self.label if self.sure else UNCERTAIN


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
    uid: str = ""
    """The UID of the run whose weights these are: the trial itself, or one of its seeds."""
    test_intervals: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """`test/name` → low and high of the 95 % interval, for those that have one."""
    test_look: int = 1
    """The number of looks at these test rows up to its own."""
    confirmed: Mapping[str, Any] | None = None
    """What its seeds said, and the probability that it really beats the second."""
    doubts: Sequence[str] = ()
    """Sentences on answers that it gives to all rows, or to none."""
