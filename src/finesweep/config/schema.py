"""Every field of a composed config, with its unit, default and permitted range.

Hydra checks names and types against these dataclasses, `bounds.py` the ranges. The folders of
`conf/` and the packages of `src/finesweep/` have the same names.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING

TPE_SAMPLER = "optuna.samplers.TPESampler"
TRANSFER_SAMPLER = "finesweep.samplers.TransferSampler"
MEDIAN_PRUNER = "optuna.pruners.MedianPruner"
SEVERAL_OBJECTIVES_SAMPLER: dict[str, Any] = {
    "_target_": TPE_SAMPLER,
    "multivariate": True,
    "group": True,
    "constant_liar": True,
    "seed": 42,
}
"""Default of sweep.sampler with several objectives: what the default learns from has one."""
EXHAUSTIVE_SAMPLERS = ("GridSampler", "BruteForceSampler")
"""Optuna's samplers that try every point of a finite search space, and then end the sweep."""
SHARE_PRUNER = "finesweep.sweep.study.pruner.SharePruner"


def bounded(
    default: Any,
    *,
    above: float | None = None,
    minimum: float | None = None,
    below: float | None = None,
    maximum: float | None = None,
    one_of: tuple[str, ...] | None = None,
) -> Any:
    """A field with a default and a range: above < value, minimum <= value, value < below,
    value <= maximum."""
    bounds = {
        "above": above,
        "minimum": minimum,
        "below": below,
        "maximum": maximum,
        "one_of": one_of,
    }
    return field(default=default, metadata={k: v for k, v in bounds.items() if v is not None})


@dataclass
class SplitFiles:
    """One file per split; null for a split without one."""

    train: str | None = None
    """File, pattern or folder of the train split."""
    validation: str | None = None
    """File, pattern or folder of the validation split; null takes it from train."""
    test: str | None = None
    """File, pattern or folder of the test split; null takes it from train."""


@dataclass
class DatasetConfig:
    """Source of the labelled texts, how to read them, and how many to use."""

    name: str = MISSING
    """Name in runs and reports."""
    hub: str | None = None
    """Dataset on the Hugging Face Hub, as owner/name."""
    hub_config: str | None = None
    """Configuration (subset) of the Hub dataset."""
    revision: str | None = None
    """Branch, tag or commit of the Hub dataset."""
    path: str | None = None
    """One file: .csv, .tsv, .txt, .json, .jsonl, .xlsx, .parquet, .arrow or fastText's, also
    compressed as .gz, .zst, .bz2, .xz or .zip; or a pattern such as 'logs/*.csv'; or a folder with
    such files, with a train and a test split, with one folder of .txt files per label, or from
    save_to_disk. package://NAME/FILE is a file of an installed package,
    hf://OWNER/NAME[@REVISION][/CONFIG] a dataset on the Hub."""
    files: SplitFiles = field(default_factory=SplitFiles)
    """One file, pattern or folder per split, instead of path."""
    encoding: str = "utf-8"
    """Encoding of text files; a UTF-16 or UTF-32 byte order mark is detected."""
    encoding_errors: str = bounded("strict", one_of=("strict", "replace"))
    """Bytes that are invalid in the encoding are an error, or are replaced by � and counted."""
    separator: str | None = None
    """Column separator: a character, or comma, semicolon, tab or bar; null takes it from the
    extension or detects it."""
    quoting: str | None = bounded(None, one_of=("minimal", "backslash", "none"))
    """`minimal`: a text may be quoted, with quotes inside it doubled; `backslash`: quotes inside it
    are escaped with a backslash; `none`: quotes are ordinary characters; null detects it."""
    columns: list[str] = field(default_factory=list)
    """Names of all columns, for a file without a header."""
    on_bad_lines: str = bounded("error", one_of=("error", "skip"))
    """Rows with too many fields are an error, or are skipped and counted."""
    sheet_name: str | None = None
    """Sheet of an Excel file; null is the first."""
    text_column: str = "text"
    """Column with the text of each row."""
    text_columns: list[str] = field(default_factory=list)
    """Instead of text_column: several columns, such as [title, body], joined to one text with a
    line for each."""
    label_column: str = "label"
    """Column with one label per row, or a list of labels."""
    label_separator: str | None = None
    """Separator of several labels in one string, such as '|'; '' for none; null detects it."""
    label_columns: list[str] = field(default_factory=list)
    """Instead of label_column, for texts with several labels: one column of 0 and 1 per label,
    named after it."""
    pair_column: str | None = None
    """Column with the second text of each row, for text pairs; null reads single texts."""
    group_column: str | None = None
    """Rows of one group, such as an author or a film, stay within one split when splits are taken
    from train; their sizes are then approximate."""
    label_map: dict[Any, Any] = field(default_factory=dict)
    """Label in the data → its name; null drops the label's rows."""
    label_names: list[str] | None = None
    """Names for integer labels 0 … C-1, in that order."""
    clean: list[str] = field(default_factory=list)
    """Cleaning of every text, also at prediction: `html` removes tags and decodes entities,
    `encoding` repairs texts that were decoded wrongly, `whitespace` collapses whitespace."""
    missing: str = bounded("error", one_of=("error", "drop"))
    """A missing or blank text or label is an error, or drops its row."""
    conflicts: str = bounded("keep", one_of=("keep", "drop"))
    """Texts with conflicting labels are kept, or all their rows are dropped."""
    checks: str = bounded("none", one_of=("none", "strict"))
    """`strict` refuses to train on data with a severe finding of `finesweep explore`."""
    train_size: int | float | None = bounded(None, above=0)
    """Number of rows, or a fraction of the split if below 1; null is all of it."""
    validation_size: int | float | None = bounded(None, above=0)
    """Number of rows, or a fraction if below 1 (of train for a split taken from it); null is all,
    or a tenth of train."""
    test_size: int | float | None = bounded(None, above=0)
    """Number of rows, or a fraction if below 1 (of train for a split taken from it); null is all,
    or a tenth of train."""
    seed: int = bounded(42, minimum=0)
    """Seed of splitting and sampling. Not the training seed: trials must share their data."""
    max_length: int = bounded(128, minimum=3)
    """Maximum tokens per text, or per text pair, including special tokens."""


@dataclass
class ModelConfig:
    """The pretrained encoder to fine-tune, and how much of it to freeze."""

    name_or_path: str = MISSING
    """Checkpoint on the Hub, folder, or package://NAME/FOLDER in an installed package."""
    revision: str | None = None
    """Branch, tag or commit on the Hub."""
    distil: bool = False
    """Initialise a DistilBERT from every other layer of this BERT, as DistilBERT itself was."""
    freeze_layers: int | str = 0
    """0 freezes nothing; k freezes the embeddings and the k lowest layers; `all` freezes everything
    but pooler and head."""
    lora_rank: int | None = bounded(None, minimum=1)
    """Rank of low-rank adapters (LoRA) that are trained instead of the encoder's weights, with the
    whole head, and merged when training ends (Hu et al. 2021); null trains the weights."""
    dropout: float | None = bounded(None, minimum=0, below=1)
    """Probability of every dropout of the model: hidden layers, attention and head; null keeps the
    checkpoint's own."""
    pooling: str | None = bounded(None, one_of=("cls", "mean"))
    """Sentence vector that the head reads: `cls` is the first token's, `mean` the mean of all
    tokens' (Reimers and Gurevych 2019); null is the architecture's own."""


@dataclass
class DistillationConfig:
    """What a run learns from its teacher: Hinton, Vinyals and Dean 2015."""

    temperature: float = bounded(2.0, above=0)
    """Both models' logits are divided by it; the higher, the more the small probabilities count."""
    weight: float = bounded(0.5, minimum=0, maximum=1)
    """Fraction of the teacher's loss in the training loss; the rest is the labels' own."""


@dataclass
class TrainingConfig:
    """Training of one run: optimizer, warm-up and decay, several evaluations per epoch."""

    learning_rate: float = bounded(2e-5, above=0)
    """Peak learning rate, after warm-up."""
    epochs: int = bounded(3, minimum=1)
    """Passes over the train split."""
    batch_size: int = bounded(16, minimum=1)
    """Examples per batch; several devices of a trial divide it among them."""
    gradient_accumulation_steps: int = bounded(1, minimum=1)
    """Batches per optimizer step."""
    evaluation_batch_size: int = bounded(64, minimum=1)
    """Examples per device and evaluation batch."""
    optimizer: str = bounded("adamw", one_of=("adamw", "adafactor"))
    """`adafactor` keeps row and column means of the squared gradients instead of two moments, which
    takes almost no memory, at the given rate (Shazeer and Stern 2018)."""
    weight_decay: float = bounded(0.01, minimum=0)
    """Decoupled weight decay; biases and LayerNorms are exempt."""
    layer_decay: float = bounded(1.0, above=0, maximum=1)
    """Factor of the learning rate from each layer to the one below it; pooler and head have the
    full rate, the embeddings the lowest (Howard and Ruder 2018); 1 is one rate for all."""
    scheduler: str = bounded(
        "linear", one_of=("linear", "cosine", "constant", "warmup_stable_decay")
    )
    """Learning rate after warm-up: `linear` falls to the end, `cosine` by half a cosine, `constant`
    stays, `warmup_stable_decay` stays and falls linearly in the last fifth of the steps."""
    warmup_ratio: float = bounded(0.1, minimum=0, below=1)
    """Fraction of the steps in which the learning rate rises, from 1/n of its peak in n warm-up
    steps."""
    max_grad_norm: float = bounded(1.0, minimum=0)
    """Maximum L2 norm of the gradients; 0 does not clip."""
    label_smoothing: float = bounded(0.0, minimum=0, below=1)
    """Fraction of the target spread over all classes, in the training loss only."""
    class_weights: str = bounded("none", one_of=("none", "balanced"))
    """`balanced` weights each class by N / (C * its rows), in the training loss only; with several
    labels, the positives and negatives of each."""
    focal_gamma: float = bounded(0.0, minimum=0)
    """Exponent of the focal loss, in the training loss only: each row's loss is multiplied by
    (1 - p)^gamma, p being the probability of its label (Lin et al. 2017); 0 is cross-entropy."""
    evaluations_per_epoch: int = bounded(4, minimum=1)
    """Evaluations on validation per epoch; each may prune the trial."""
    pruning_rows: int | None = bounded(None, minimum=1)
    """Evaluations within an epoch use a fixed, stratified sample of this many validation rows, for
    the pruner; the one at the end of an epoch uses the whole split. null always uses the whole
    split."""
    early_stopping_patience: int | None = bounded(None, minimum=1)
    """Evaluations without improvement after which training stops; null never stops."""
    uncertain_below: float | None = bounded(None, minimum=0, below=1)
    """A prediction is UNCERTAIN if the probability of its label is below this; null chooses it on
    validation, or none for several labels, which have a threshold each."""
    precision: str = bounded("auto", one_of=("auto", "fp32", "bf16", "fp16"))
    """`auto`: bf16 on GPUs with native support and on CPUs where it is faster than fp32, fp16 on
    older GPUs, otherwise fp32. Ampere and newer GPUs multiply fp32 matrices in TF32, whose mantissa
    has 10 bits. A study's precision is fixed when it is created."""
    seed: int = bounded(42, minimum=0)
    """Seed of the new head, dropout and the order of batches."""
    head_seed: int | None = bounded(None, minimum=0)
    """Seed of the new head alone, whose initial weights are then the same for any seed; null is
    seed."""
    teacher: str | None = None
    """Trained classifier whose logits the run learns too: models:/NAME@ALIAS, models:/NAME/VERSION,
    runs:/RUN_ID/model or a folder; null learns from the labels alone."""
    distillation: DistillationConfig = field(default_factory=DistillationConfig)
    """How it learns from the teacher."""


@dataclass
class AdaptConfig:
    """Task-adaptive pretraining with `finesweep adapt`."""

    masked_share: float = bounded(0.15, above=0, below=1)
    """Fraction of the tokens to predict; 80 % of them are masked, 10 % replaced, 10 % unchanged."""
    probe: str = "This is a [MASK] movie!"
    """Text with one [MASK], filled before and after."""
    folder: str | None = None
    """Folder of the adapted model; null is mlruns/adapted/MODEL-DATASET."""


@dataclass
class TrackingConfig:
    """The MLflow tracking store."""

    uri: str = MISSING
    """MLflow tracking URI: a database or a server."""
    artifacts: str = "mlruns/artifacts"
    """Folder or URI of artifacts, used when the experiment is created."""
    experiment: str = "finesweep"
    """Name of the MLflow experiment that all runs belong to."""
    system_metrics: bool = False
    """Whether each run logs the machine's CPU, memory, disk, network and GPUs, once a minute."""


@dataclass
class StorageConfig:
    """The study storage, and the folders of checkpoints and caches."""

    url: str = MISSING
    """SQLAlchemy URL of Optuna's database."""
    checkpoints: str = "mlruns/checkpoints"
    """Folder of checkpoints of running trials, and of weights that may still win."""
    cache: str = "mlruns/cache"
    """Folder of this machine's caches, shared by trials: token ids, activations and teachers'
    logits."""
    cache_gb: float = bounded(20.0, minimum=0)
    """Maximum size of the caches in 10^9 bytes when activations are added to them: least recently
    used entries of any kind are evicted. 0 keeps no activations."""
    checkpoint_minutes: float = bounded(5.0, minimum=0)
    """Time between a trial's checkpoints, and so the most that a kill can cost."""


@dataclass
class LauncherConfig:
    """Where the workers of a sweep run, and the resources of each."""

    name: str = bounded("local", one_of=("local", "ray", "slurm"))
    """`local` is this machine."""
    devices_per_trial: int = bounded(1, minimum=1)
    """Devices that train one run together: GPUs, or processes on a machine without GPUs. They
    divide each batch, so that results do not depend on their number but for rounding and
    dropout."""
    workers_per_gpu: int = bounded(1, minimum=1)
    """local: workers per GPU, or on each group of devices_per_trial GPUs."""
    cpus_per_worker: int = bounded(1, minimum=1)
    """ray, slurm: cores of each worker, and its threads, divided among its devices."""
    gpus_per_worker: float = bounded(0, minimum=0)
    """ray, slurm: GPUs of each worker; Ray also accepts fractions."""
    address: str | None = None
    """ray: address of a running cluster; null is RAY_ADDRESS, or a new cluster on this machine."""
    cluster: str = bounded("slurm", one_of=("slurm", "local"))
    """slurm: `local` runs the same jobs as processes here, without Slurm."""
    partition: str | None = None
    """slurm: partition of the jobs; null is the cluster's default."""
    account: str | None = None
    """slurm: account that the jobs are charged to; null is the user's default."""
    timeout_minutes: int = bounded(240, minimum=1)
    """slurm: time limit of one job; a worker that reaches it is requeued."""
    mem_gb: float | None = bounded(None, above=0)
    """slurm: memory of each worker."""
    folder: str = "mlruns/slurm"
    """slurm: folder of the jobs' scripts and logs, on a shared file system."""
    parameters: dict[str, Any] = field(default_factory=dict)
    """slurm: other sbatch options, such as {qos: low, constraint: a100}."""


@dataclass
class PublishedConfig:
    """Published results of an experiment, printed next to those of a run."""

    source: str = MISSING
    """Authors and publication."""
    dataset: str = MISSING
    """Their dataset, as dataset.name."""
    model: str = MISSING
    """Their model, as model.name_or_path."""
    metrics: dict[str, float] = field(default_factory=dict)
    """`split/name` → published value."""
    by_epoch: dict[str, list[float]] = field(default_factory=dict)
    """`split/name` → published value after each epoch."""


@dataclass
class RegisterConfig:
    """Name and alias of the winner in the model registry."""

    name: str = MISSING
    """Name of the registered model."""
    alias: str = "challenger"
    """Alias of the new version; `champion` is set by promotion alone."""
    pick: Any = "best_first"
    """Which model of several objectives wins: `best_first` by the first objective;
    `{best_first_within: {validation/loss: 0.01}}` by the second, among those whose first objective,
    named here, is within this distance of the best; `knee` where gaining in one objective begins to
    cost much in the others."""


@dataclass
class RegistryConfig:
    """Minimum requirements for every champion, whatever it is compared with."""

    minimum: dict[str, float] = field(default_factory=dict)
    """`test/name` → minimum value."""
    latency_ms: float | None = bounded(None, above=0)
    """Maximum median latency for one text, in milliseconds, on the machine that evaluated it."""
    recall_loss: float | None = bounded(0.05, minimum=0)
    """Maximum loss of recall of any class against the champion; null does not check."""


@dataclass
class ConfirmConfig:
    """Confirmation of the search's best configurations with fresh seeds."""

    top_k: int = bounded(3, minimum=1)
    """Number of configurations, by their value in the search."""
    seeds: int = bounded(0, minimum=0)
    """Number of fresh seeds for each; a configuration that can no longer win gets no more. 0
    confirms nothing, and the value in the search decides."""
    soup: bool = False
    """Average the weights of the winner's seeds, all and greedily; the average is the winner if it
    is better than the best seed on validation. The seeds then start from the same new head."""
    ensemble: bool = False
    """The mean probability of the winner's seeds, as one model, is the winner if it is best on
    validation; it takes as many times as long to predict as it has seeds."""

    @property
    def combines(self) -> bool:
        """Whether the winner's seeds are combined."""
        return self.soup or self.ensemble


@dataclass
class SweepConfig:
    """Search space, sampler, pruner and budget of a sweep."""

    study: str | None = None
    """Name of the Optuna study; null is the sweep's own name."""
    metric: str = "validation/loss"
    """Objective: reported at each evaluation, used for pruning and for the best checkpoint, and the
    trial's value."""
    direction: str | None = bounded(None, one_of=("minimize", "maximize"))
    """Derived from the metric; a contradiction is an error."""
    objectives: list[Any] = field(default_factory=list)
    """Two or more metrics to search a Pareto front of; the first is `metric`, which prunes. Others
    are metrics of validation, a latency such as latency_ms/one_p50, or model/bytes. Their
    directions are derived; `{METRIC: minimize}` states one."""
    n_trials: int | None = bounded(MISSING, minimum=1)
    """Number of slots in total, over all restarts: complete, pruned and failed trials. null: as
    many as fit into timeout_minutes, or all points of a grid."""
    timeout_minutes: float | None = bounded(None, above=0)
    """Minutes of this command: it begins no trial that cannot be expected to end within them."""
    max_failures_in_a_row: int = bounded(5, minimum=1)
    """Number of failed trials in a row after which the sweep stops: the rest would fail too."""
    max_attempts_without_progress: int = bounded(10, minimum=1)
    """Number of attempts in a row without a checkpoint after which a slot fails."""
    lease_seconds: float = bounded(120.0, above=0)
    """Time without a heartbeat after which a worker counts as dead and its slot is retried."""
    hang_seconds: float = bounded(1800.0, above=0)
    """Time without progress (a step, an evaluation, a save) after which a worker exits."""
    keep_top_k: int = bounded(3, minimum=1)
    """Number of best trials whose weights are kept."""
    # Sampler and pruner default to empty, because Hydra would merge a file's values into a default.
    sampler: dict[str, Any] = field(
        default_factory=dict, metadata={"default": {"_target_": TRANSFER_SAMPLER, "seed": 42}}
    )
    """The default starts from past trials: docs/search.md; with several objectives it is Optuna's
    TPESampler. A configured sampler has none of the default's arguments; `_target_` defaults to
    Optuna's TPESampler, and seed to 42 if it takes one."""
    learn_from: Any = "auto"
    """Studies of the same storage whose trials a TransferSampler starts from: `auto` is those of
    the same metric, at most ten; a list names them; null is none."""
    pruner: dict[str, Any] | None = field(
        default_factory=dict,
        metadata={
            "default": {
                "_target_": SHARE_PRUNER,
                "percentile": 50.0,
                "n_startup_trials": 4,
                "n_warmup_percent": 25,
            }
        },
    )
    """Compares only trials of the same model. The default prunes a trial that is worse than the
    median at the same share of its schedule, from a quarter on. A configured pruner has none of the
    default's arguments; `_target_` defaults to Optuna's MedianPruner; null prunes nothing."""
    prune_audit: float = bounded(0.0, minimum=0, maximum=1)
    """Fraction of the trials that the pruner would have stopped which run on nevertheless, so that
    `status` can say how often it is wrong. Chosen at random by study and slot; 0 audits none."""
    enqueue: list[dict[str, Any]] = field(default_factory=list)
    """Params known to be good, tried first; they count towards n_trials."""
    portfolio: int = bounded(2, minimum=0)
    """Number of packaged known-good settings for the models' encoders that are tried after the
    enqueued params, without those that the sampler starts from anyway; they count towards n_trials;
    0 tries none."""
    params: dict[str, Any] = field(default_factory=dict)
    """Path → value for all trials, or a dimension in Hydra's sweep grammar."""
    when: dict[str, dict[str, Any]] = field(default_factory=dict)
    """`group=choice` → params for trials with this choice."""
    baseline: bool = True
    """Compare the winner with TF-IDF and logistic regression on the same splits."""
    confirm: ConfirmConfig | None = field(default_factory=ConfirmConfig)
    """Retraining of the best configurations with fresh seeds; null confirms nothing."""
    register: RegisterConfig | None = None
    """Name and alias of the winner in the model registry; null registers nothing."""
    report: bool = True
    """Make the sweep's report when it ends, report.html on its MLflow run."""
    on_end: list[str] = field(default_factory=list)
    """Commands that get the status as JSON on standard input when the sweep ends, however it does,
    and http(s):// addresses that get it as a POST."""
    on_end_seconds: float = bounded(60.0, above=0)
    """Time after which such a command is ended."""


@dataclass
class PlanConfig:
    """What `finesweep plan` reckons with."""

    price_per_hour: float | None = bounded(None, minimum=0)
    """Price of an hour of this machine or, with ray and slurm, of each worker; null shows no
    cost."""


@dataclass
class Config:
    """The whole composed config of a run."""

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
    plan: PlanConfig = field(default_factory=PlanConfig)
    evaluate_test: bool = True
    """Evaluate on the test split; false under `train -m` and in the trials of a sweep."""
    workers: int = bounded(1, minimum=1)
    """Worker processes of a sweep on this machine."""
