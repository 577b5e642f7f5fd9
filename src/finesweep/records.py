"""The frozen records that pass between stages: dataset → tokens → trial → result → registry.

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


@dataclass(frozen=True)
class Chunks:
    """One split's texts laid end to end, and cut to the length that a model reads."""

    rows: tuple[np.ndarray, ...]
    """N arrays of at most L int32 token ids, each with the special tokens around it."""
    n_texts: int
    n_tokens: int
    """Of the texts, without special tokens."""


@dataclass(frozen=True)
class Guess:
    """A token that may stand in a text's masked place."""

    token: str
    probability: float


@dataclass(frozen=True)
class Adaptation:
    """A model that was trained on a dataset's own text, and what that brought."""

    folder: str
    """Of model and tokenizer."""
    run_id: str
    has_new_head: bool
    """Whether the checkpoint had no head for guessing tokens."""
    perplexities: tuple[float, float]
    """On the validation split's masked tokens, before and after."""
    probe: str
    before: tuple[Guess, ...]
    """For the probe's masked place, the likeliest first."""
    after: tuple[Guess, ...]


ANSWERING_KEY = "finesweep"
"""Of a registered model's config.json: its DecisionRule."""


@dataclass(frozen=True)
class DecisionRule:
    """How a model's logits become an answer; fitted on the validation split."""

    temperature: float = 1.0
    """By which logits are divided before the softmax."""
    uncertain_below: float = 0.0
    """The largest probability under which the answer is UNCERTAIN."""
    decision_threshold: float | None = None
    """Of two classes: the probability from which the second is the answer; None is the likelier."""
    label_thresholds: Sequence[float] | None = None
    """Where a text may have several labels: the probability from which each of the C is among them;
    None where it has one."""
    clean: Sequence[str] = ()
    """What is done to a text before the model reads it, as it was done to those it learned from."""
    pairs: bool = False
    """Whether the model reads pairs of texts."""


@dataclass(frozen=True)
class Latency:
    """Milliseconds from texts to probabilities, on the machine that measured it."""

    one_p50: float
    one_p95: float
    batch_p50: float
    """For BATCH texts at once."""
    batch_p95: float


@dataclass(frozen=True)
class Contender:
    """The best trial of one model, and what the model costs."""

    model: str
    trial: int
    n_trials: int
    """Finished trials of this model: its share of the budget."""
    latency_ms: float
    """Median for one text."""
    parameters: int


@dataclass(frozen=True)
class ModelComparison:
    """Two models' best on the same validation rows; differences are first minus second."""

    first: Contender
    second: Contender
    rows: int
    accuracies: tuple[float, float]
    n_gained: int
    """Rows that the first alone gets right."""
    n_lost: int
    p: float
    """Of McNemar's exact two-sided test, adjusted by Holm where more than two models meet."""
    f1: tuple[float, float, float]
    """Difference of macro F1, with its 95 % interval."""
    loss: tuple[float, float, float]


@dataclass(frozen=True)
class BaselineResult:
    """How TF-IDF with logistic regression did, and whether the winner beats it."""

    run_id: str
    validation_metrics: Mapping[str, float]
    """`validation/name` → value."""
    test_metrics: Mapping[str, float]
    seconds: float
    """Of fitting."""
    n_gained: int
    """Test rows that the winner alone gets right."""
    n_lost: int
    """Test rows that the baseline alone gets right."""
    p: float
    """Of McNemar's exact one-sided test that the winner is right more often."""
    kinds: Sequence[str] = ("words",)
    """Of what its n-grams are: words, characters, or both."""


@dataclass(frozen=True)
class TestResult:
    """A run's one look at the test split."""

    metrics: Mapping[str, float]
    """`test/name` → value."""
    intervals: Mapping[str, tuple[float, float]]
    """`test/name` → 95 % interval, bootstrapped over rows."""
    look: int
    """Of all that were taken at these test rows, this one was the n-th."""
    predictions: Predictions
    errors: Sequence[Mapping[str, Any]]
    """The wrong answers, the most confident first, as errors.json holds them."""
    decision_rule: DecisionRule
    model_uri: str
    """Of the model that was evaluated, logged in MLflow."""


@dataclass(frozen=True)
class ParameterCount:
    """Numbers of parameters of a model, after freezing."""

    trainable: int
    frozen: int


UNCERTAIN = "UNCERTAIN"
"""What people are told where a model is not sure, and the label of a row without a text."""


@dataclass(frozen=True)
class Prediction:
    """A model's answer for one text: the likeliest label, or all that hold, whether the model is
    sure or not, and every class's probability."""

    text: str | None
    label: str
    """Of several their names, as `labelsets.set_name` tells them; UNCERTAIN where there is no text
    to read."""
    probability: float | None
    """Of the label; of several, as if they were independent, that all are right; None where there
    is no text to read."""
    probabilities: Mapping[str, float]
    """The greatest first; empty where there is no text to read."""
    sure: bool
    """Whether the answer's probability reaches the model's own threshold."""
    labels: tuple[str, ...] | None = None
    """Those that hold, where a text may have several; None where it has one."""
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
    """Of the run whose weights these are: the trial itself, or one of its seeds."""
    test_intervals: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """`test/name` → low and high of the 95 % interval, for those that have one."""
    test_look: int = 1
    """Of all that were taken at these test rows, its own was the n-th."""
    confirmed: Mapping[str, Any] | None = None
    """What its seeds said, and the probability that it really beats the second."""
    doubts: Sequence[str] = ()
    """Sentences on answers that it gives to all rows, or to none."""


@dataclass(frozen=True)
class Registered:
    """One version of one registered model."""

    name: str
    version: str
    alias: str
    model_uri: str
    """Of the LoggedModel that the version was made from."""


@dataclass(frozen=True)
class Scored:
    """One model version on the rows of one test set: what a promotion compares."""

    version: str
    fingerprint: str
    """Of the test rows, their labels and the names of these."""
    label_names: tuple[str, ...]
    """C names, in the order of the label ids."""
    labels: np.ndarray
    """The truth: [N] int64, or [N, C] of 0 and 1 where a text may have several labels."""
    guesses: np.ndarray
    """What the model answers, in the same shape."""
    metrics: Mapping[str, float]
    """`test/name` → value."""
    latency_ms: float
    """Median for one text."""
    size_bytes: int
    """Of the weights."""


@dataclass(frozen=True)
class Requirements:
    """What every champion must reach, whatever it is compared with."""

    minimum: Mapping[str, float]
    """`test/name` → least value."""
    latency_ms: float | None
    """Greatest median for one text."""
    recall_loss: float | None
    """How much recall no class may lose against the champion, in [0, 1]."""


@dataclass(frozen=True)
class Check:
    """One condition of a promotion, and what was found."""

    name: str
    passed: bool
    found: str


@dataclass(frozen=True)
class Decision:
    """Whether a challenger becomes champion, and why."""

    promoted: bool
    mode: str
    checks: tuple[Check, ...]
    numbers: Mapping[str, float]
    """What the comparison rests on; empty where there is no champion yet."""
    rows_needed: int | None
    """Test rows with which it would likely be promoted, where more would decide it."""
