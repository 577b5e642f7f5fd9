"""Every field of a composed config, with its unit, its default and its permitted range.

Hydra checks names and types against these dataclasses, `bounds.py` the ranges. The folders of
`conf/` and the packages of `src/finesweep/` carry the same names.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING

TPE_SAMPLER = "optuna.samplers.TPESampler"
MEDIAN_PRUNER = "optuna.pruners.MedianPruner"


def bounded(
    default: Any,
    *,
    above: float | None = None,
    least: float | None = None,
    below: float | None = None,
    one_of: tuple[str, ...] | None = None,
) -> Any:
    """A field with a default and a range: above < value, least <= value, value < below."""
    bounds = {"above": above, "least": least, "below": below, "one_of": one_of}
    return field(default=default, metadata={k: v for k, v in bounds.items() if v is not None})


@dataclass
class SplitFiles:
    """One file per split; null where there is none."""

    train: str | None = None
    validation: str | None = None
    test: str | None = None


@dataclass
class DatasetConfig:
    """Where labelled texts come from, and how much of them is used."""

    name: str = MISSING
    """What runs and reports call it."""
    hub: str | None = None
    """Dataset on the Hugging Face Hub, as owner/name."""
    hub_config: str | None = None
    """Configuration (subset) of the Hub dataset."""
    revision: str | None = None
    """Branch, tag or commit of the Hub dataset."""
    path: str | None = None
    """One file: .csv, .tsv, .txt, .json, .jsonl, .xlsx, .parquet, .arrow or fastText's, also with
    .gz, .zst, .bz2, .xz or .zip; or a pattern, as in 'logs/*.csv'; or a folder that holds such
    files, a train and a test split, folders of .txt files, one per label, or what save_to_disk
    wrote. package://NAME/FILE lies in an installed package, hf://OWNER/NAME[@REVISION][/CONFIG] on
    the Hub."""
    files: SplitFiles = field(default_factory=SplitFiles)
    """One file, pattern or folder per split, instead of path."""
    encoding: str = "utf-8"
    """Of files of text; a byte order mark of UTF-16 or UTF-32 is found by looking."""
    encoding_errors: str = bounded("strict", one_of=("strict", "replace"))
    """Bytes that are not of the encoding are an error, or read as �, and counted."""
    separator: str | None = None
    """The character between columns, or comma, semicolon, tab or bar; null is that of the
    extension, or found by looking."""
    quoting: str | None = bounded(None, one_of=("minimal", "backslash", "none"))
    """`minimal`: a text may stand between quotes, and a quote within it is doubled; `backslash`: a
    quote within it has a backslash before it; `none`: quotes are characters; null looks."""
    columns: list[str] = field(default_factory=list)
    """Names of all columns, where the file has no header."""
    on_bad_lines: str = bounded("error", one_of=("error", "skip"))
    """Rows with more fields than there are columns are an error, or left out and counted."""
    sheet_name: str | None = None
    """Of an Excel file; null is the first."""
    text_column: str = "text"
    text_columns: list[str] = field(default_factory=list)
    """Instead of text_column, several, such as [title, body], that make one text, each on a line of
    its own."""
    label_column: str = "label"
    """One label for each row, or a list of labels."""
    label_separator: str | None = None
    """Between several labels in one string, such as '|'; '' where there are none; null looks."""
    label_columns: list[str] = field(default_factory=list)
    """Instead of label_column, for texts that may have several labels: one column of 0 and 1 for
    each of them, by whose name it is called."""
    pair_column: str | None = None
    """The second text of each row, for tasks about pairs; null reads single texts."""
    group_column: str | None = None
    """Rows of one group, such as an author or a film, stay within one of the splits that are carved
    from train; these then have about the rows asked."""
    label_map: dict[Any, Any] = field(default_factory=dict)
    """Label as it stands in the data → its name; null drops the label's rows."""
    label_names: list[str] | None = None
    """Names for labels that are numbers 0 … C-1, in that order."""
    clean: list[str] = field(default_factory=list)
    """What is done to every text, also when the model is asked: `html` takes tags away and writes
    entities as characters, `encoding` mends texts that were decoded wrongly, `whitespace` makes one
    blank of many."""
    missing: str = bounded("error", one_of=("error", "drop"))
    """A missing or blank text or label is an error, or drops its row."""
    conflicts: str = bounded("keep", one_of=("keep", "drop"))
    """Texts that stand with two labels are kept, or all their rows are dropped."""
    checks: str = bounded("none", one_of=("none", "strict"))
    """`strict` refuses to train on data in which `finesweep explore` finds something severe."""
    train_size: int | float | None = bounded(None, above=0)
    """Rows, or a share of the split when below 1; null is all of it."""
    validation_size: int | float | None = bounded(None, above=0)
    """Rows, or a share below 1 (of train where it is carved); null is all, or a tenth of train."""
    test_size: int | float | None = bounded(None, above=0)
    """Rows, or a share below 1 (of train where it is carved); null is all, or a tenth of train."""
    seed: int = bounded(42, least=0)
    """Of splitting and sampling. Not the training seed: trials must share their data."""
    max_length: int = bounded(128, least=3)
    """Tokens kept of each text, or of both of a pair together, special tokens included."""


@dataclass
class ModelConfig:
    """Which pretrained encoder is fine-tuned, and how much of it is frozen."""

    name_or_path: str = MISSING
    """Checkpoint on the Hub, a folder, or package://NAME/FOLDER in an installed package."""
    revision: str | None = None
    """Branch, tag or commit on the Hub."""
    distil: bool = False
    """Start a DistilBERT from every other layer of this BERT, as DistilBERT itself was."""
    freeze_layers: int | str = 0
    """0 freezes nothing, k the embeddings and the k lowest layers, `all` leaves pooler and head."""


@dataclass
class TrainingConfig:
    """How one run trains: AdamW, linear warm-up and decay, evaluation several times an epoch."""

    learning_rate: float = bounded(2e-5, above=0)
    """Peak, after warm-up."""
    epochs: int = bounded(3, least=1)
    """Passes over the train split."""
    batch_size: int = bounded(16, least=1)
    """Examples per device and step."""
    gradient_accumulation_steps: int = bounded(1, least=1)
    """Batches per optimizer step."""
    evaluation_batch_size: int = bounded(64, least=1)
    """Examples per device and evaluation batch."""
    weight_decay: float = bounded(0.01, least=0)
    """AdamW's decoupled decay; biases and LayerNorms are exempt."""
    warmup_ratio: float = bounded(0.1, least=0, below=1)
    """Share of all steps, n of them, in which the learning rate rises from 1/n of its peak."""
    max_grad_norm: float = bounded(1.0, least=0)
    """Gradients are clipped to this L2 norm; 0 does not clip."""
    label_smoothing: float = bounded(0.0, least=0, below=1)
    """Share of the target spread over all classes, in the training loss only."""
    class_weights: str = bounded("none", one_of=("none", "balanced"))
    """`balanced` weighs each class by N / (C * its rows), in the training loss only; of several
    labels the two sides of each."""
    evaluations_per_epoch: int = bounded(4, least=1)
    pruning_rows: int | None = bounded(None, least=1)
    """Within an epoch only a fixed, stratified sample of so many validation rows is evaluated, for
    the pruner; the whole split at each epoch's end. null evaluates the whole split every time."""
    early_stopping_patience: int | None = bounded(None, least=1)
    """Evaluations without a better value after which training stops; null never stops."""
    uncertain_below: float | None = bounded(None, least=0, below=1)
    """The model answers UNCERTAIN below this probability; null chooses it on validation, or for
    several labels, which have a threshold each, none."""
    precision: str = bounded("auto", one_of=("auto", "fp32", "bf16", "fp16"))
    """`auto`: bf16 where a GPU, or faster than fp32 a CPU, multiplies it natively, fp16 on older
    GPUs, else fp32; a study keeps what it was when it was made."""
    seed: int = bounded(42, least=0)
    """Of the new head, dropout and the order of batches."""


@dataclass
class AdaptConfig:
    """How `finesweep adapt` trains a model on the dataset's own text, and where it lays it."""

    masked_share: float = bounded(0.15, above=0, below=1)
    """Of the tokens, to be guessed; of these 80 % are masked, 10 % replaced and 10 % left."""
    probe: str = "This is a [MASK] movie!"
    """A text with one [MASK], which is filled before and after."""
    folder: str | None = None
    """Of the adapted model; null is mlruns/adapted/MODEL-DATASET."""


@dataclass
class TrackingConfig:
    """Where MLflow keeps runs."""

    uri: str = MISSING
    """MLflow tracking URI: a database or a server."""
    artifacts: str = "mlruns/artifacts"
    """Folder or URI of artifacts, used when the experiment is made."""
    experiment: str = "finesweep"


@dataclass
class StorageConfig:
    """Where Optuna keeps studies, and trials keep weights."""

    url: str = MISSING
    """SQLAlchemy URL of Optuna's database."""
    checkpoints: str = "mlruns/checkpoints"
    """Folder of checkpoints: of running trials, and of those that may still win."""
    cache: str = "mlruns/cache"
    """Folder of what trials share, on this machine: token ids, and states of frozen layers."""
    cache_gb: float = bounded(20.0, least=0)
    """Disk for the cache, in 10^9 bytes; what was used longest ago goes first."""
    checkpoint_minutes: float = bounded(5.0, least=0)
    """A trial that ran so long since its last checkpoint commits one: no kill costs more."""


@dataclass
class LauncherConfig:
    """Where the workers of a sweep run, and with what each."""

    name: str = bounded("local", one_of=("local", "ray", "slurm"))
    """`local` is this machine."""
    workers_per_gpu: int = bounded(1, least=1)
    """local: workers that share one GPU, where there are GPUs."""
    cpus_per_worker: int = bounded(1, least=1)
    """ray, slurm: cores, and threads of each worker."""
    gpus_per_worker: float = bounded(0, least=0)
    """ray, slurm: GPUs of each worker; Ray also takes a share below 1."""
    address: str | None = None
    """ray: of a running cluster; null is RAY_ADDRESS, or else a cluster on this machine."""
    cluster: str = bounded("slurm", one_of=("slurm", "local"))
    """slurm: `local` runs the same jobs as processes here, without Slurm."""
    partition: str | None = None
    account: str | None = None
    timeout_minutes: int = bounded(240, least=1)
    """slurm: time limit of one job; a worker that reaches it is queued again."""
    mem_gb: float | None = bounded(None, above=0)
    """slurm: memory of each worker."""
    folder: str = "mlruns/slurm"
    """slurm: scripts and logs of the jobs, on a file system that the nodes share."""
    parameters: dict[str, Any] = field(default_factory=dict)
    """slurm: further options of sbatch, such as {qos: low, constraint: a100}."""


@dataclass
class PublishedConfig:
    """What the authors of an experiment measured; printed beside what a run of it measures."""

    source: str = MISSING
    """Who, and where."""
    dataset: str = MISSING
    """dataset.name of theirs."""
    model: str = MISSING
    """model.name_or_path of theirs."""
    metrics: dict[str, float] = field(default_factory=dict)
    """`split/name` → their value."""
    by_epoch: dict[str, list[float]] = field(default_factory=dict)
    """`split/name` → their value after each epoch."""


@dataclass
class RegisterConfig:
    """What the winner is called in the model registry."""

    name: str = MISSING
    alias: str = "challenger"


@dataclass
class RegistryConfig:
    """What every champion must reach, whatever it is compared with."""

    minimum: dict[str, float] = field(default_factory=dict)
    """`test/name` → least value."""
    latency_ms: float | None = bounded(None, above=0)
    """Greatest median for one text, on the machine that evaluated it."""
    recall_loss: float | None = bounded(0.05, least=0)
    """How much recall no class may lose against the champion; null does not look."""


@dataclass
class ConfirmConfig:
    """How the search's best are confirmed, before one of them wins."""

    top_k: int = bounded(3, least=1)
    """So many configurations, by the search's value."""
    seeds: int = bounded(0, least=0)
    """Trained again so often each; one that cannot win any more gets no further seed. 0 confirms
    nothing, and the search's own value decides."""


@dataclass
class SweepConfig:
    """What is searched, by what, and with which budget."""

    study: str | None = None
    """Name of the Optuna study; null is the sweep's own name."""
    metric: str = "validation/loss"
    """Reported at each evaluation, pruned on, kept best, and the trial's value."""
    direction: str | None = bounded(None, one_of=("minimize", "maximize"))
    """Follows from the metric; one that contradicts it is refused."""
    n_trials: int = bounded(MISSING, least=1)
    """Slots in total, over all restarts: trials that finish, are pruned or fail for good."""
    timeout_minutes: float | None = bounded(None, above=0)
    """No trial starts after this time, of this command."""
    max_failures_in_a_row: int = bounded(5, least=1)
    """The sweep stops when so many trials failed one after another: the rest would too."""
    max_attempts_without_progress: int = bounded(10, least=1)
    """A slot fails when so many attempts in a row were killed before they committed anything."""
    lease_seconds: float = bounded(120.0, above=0)
    """A worker that has not been heard of for so long is dead, and its slot is tried again."""
    hang_seconds: float = bounded(1800.0, above=0)
    """A worker in which nothing moved for so long gives up: no step, evaluation or save."""
    keep_top_k: int = bounded(3, least=1)
    """Weights are kept of so many best trials."""
    # Their defaults stand beside an empty one, because Hydra would merge a file's into a default.
    sampler: dict[str, Any] = field(
        default_factory=dict,
        metadata={
            "default": {"_target_": TPE_SAMPLER, "multivariate": True, "group": True, "seed": 42}
        },
    )
    """One that is given has none of the default's arguments: without `_target_` it is Optuna's
    TPESampler, without a seed it has 42 where it takes one."""
    pruner: dict[str, Any] | None = field(
        default_factory=dict,
        metadata={"default": {"_target_": MEDIAN_PRUNER, "n_startup_trials": 4}},
    )
    """Sees only trials of the same model; without `_target_` Optuna's MedianPruner, null prunes
    nothing."""
    enqueue: list[dict[str, Any]] = field(default_factory=list)
    """Params of trials known to be good, tried first; they count towards n_trials."""
    params: dict[str, Any] = field(default_factory=dict)
    """Path → a value for all trials, or a dimension in Hydra's sweep grammar."""
    when: dict[str, dict[str, Any]] = field(default_factory=dict)
    """`group=choice` → params for the trials that made this choice."""
    baseline: bool = True
    """The winner is compared with TF-IDF and logistic regression, on the same splits."""
    confirm: ConfirmConfig | None = field(default_factory=ConfirmConfig)
    """null confirms nothing."""
    register: RegisterConfig | None = None
    """null registers nothing."""


@dataclass
class Config:
    """The whole of a composed run."""

    dataset: DatasetConfig = field(default_factory=DatasetConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    adapt: AdaptConfig = field(default_factory=AdaptConfig)
    tracking: TrackingConfig = field(default_factory=TrackingConfig)
    storage: StorageConfig = field(default_factory=StorageConfig)
    launcher: LauncherConfig = field(default_factory=LauncherConfig)
    registry: RegistryConfig = field(default_factory=RegistryConfig)
    published: PublishedConfig | None = None
    sweep: SweepConfig | None = None
    evaluate_test: bool = True
    """Look at the test split; false under `train -m` and in the trials of a sweep."""
    workers: int = bounded(1, least=1)
    """Worker processes of a sweep on this machine."""
