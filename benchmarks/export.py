"""Latency, size and accuracy of one model in PyTorch, ONNX and ONNX int8, side by side.

python benchmarks/export.py FOLDER [--train-size 1000] [--rounds 3] [--kinds]

FOLDER has train, validation and test.parquet with columns text and label. A minilm is fine-tuned on
--train-size rows, exported, and scored on all test rows. The three forms take each text in turns,
one thread each, so that what else the machine does slows all of them. --kinds exports a tiny random
model of each listed encoder instead, and prints how far it differs from PyTorch.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # read when torch is first loaded
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import pandas as pd

from finesweep.errors import FinesweepError

KINDS = [
    *("bert", "distilbert", "roberta", "xlm-roberta", "electra", "albert", "deberta-v2", "mpnet"),
    *("modernbert", "camembert", "gpt2", "llama", "xlnet", "t5", "longformer"),
]
LABELS = {"pytorch": "PyTorch", "onnx": "ONNX", "onnx int8": "ONNX int8"}


def main() -> None:
    cli = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    cli.add_argument("data", type=Path, nargs="?")
    cli.add_argument("--train-size", type=int, default=1000)
    cli.add_argument("--rounds", type=int, default=3)
    cli.add_argument("--kinds", action="store_true")
    args = cli.parse_args()
    with tempfile.TemporaryDirectory(prefix="finesweep-export-") as name:
        if args.kinds:
            compare_kinds(Path(name))
        else:
            compare_forms(Path(name), args.data.absolute(), args.train_size, args.rounds)


def compare_forms(folder: Path, data: Path, train_size: int, n_rounds: int) -> None:
    """Trains, exports and prints the table."""
    import finesweep
    from finesweep.export.conversion import predictor
    from finesweep.runs.latency import alternate

    os.chdir(folder)
    files = [f"dataset.files.{split}={data / split}.parquet" for split in ("train", "validation")]
    run = finesweep.train(
        [
            *("model=minilm", "dataset=local", *files, f"dataset.files.test={data}/test.parquet"),
            *(f"dataset.train_size={train_size}", "dataset.max_length=64"),
            *("training.epochs=2", "training.batch_size=16", "training.learning_rate=1e-4"),
        ],
        progress=False,
    )
    uris = [str(run.model_uri)]
    for quantize in (None, "int8"):
        export = finesweep.export_model(uris[0], quantize=quantize)
        uris.append(str(export.model_uri))
        print(
            f"{export.format}: {export.rows} rows, probabilities differ by at most"
            f" {export.difference:.2g}, changed labels {export.changed_labels}"
        )
    models = [finesweep.load_model(uri) for uri in uris]
    models[0].pipeline.model.eval()
    rows = pd.read_parquet(data / "test.parquet")
    texts, labels = list(rows["text"]), rows["label"].astype(str).to_numpy()
    predicted = [np.array([each.label for each in model.predict(texts)]) for model in models]
    rounds = [
        [asdict(each) for each in alternate([predictor(m) for m in models], texts, pairs=False)]
        for _ in range(n_rounds)
    ]
    sizes = [run_size(uri) for uri in uris]
    print("\n| form | one text, ms | batch of 32, ms | weights, MB | accuracy | other labels |")
    print("|---|---|---|---|---|---|")
    for k, model in enumerate(models):
        one, batch = (np.median([r[k][n] for r in rounds]) for n in ("one_p50", "batch_p50"))
        print(
            f"| {LABELS[model.format]} | {one:.1f} | {batch:.0f} | {sizes[k] / 1e6:.1f}"
            f" | {(predicted[k] == labels).mean():.4f}"
            f" | {(predicted[k] != predicted[0]).sum()} of {len(texts):,} |"
        )


def run_size(uri: str) -> float:
    """The size of a logged model's weights in bytes, by its run's metric."""
    from mlflow import MlflowClient
    from mlflow.models import get_model_info

    client = MlflowClient(tracking_uri="sqlite:///mlruns/mlflow.db")
    return float(client.get_run(get_model_info(uri).run_id).data.metrics["model/bytes"])


def compare_kinds(folder: Path, kinds: Sequence[str] = KINDS) -> None:
    """Prints for each encoder how far its tiny ONNX form differs, or why there is none."""
    from tests.tiny_encoders import save_tokenizer, tiny
    from transformers import AutoTokenizer, pipeline

    from finesweep.export.conversion import convert
    from finesweep.export.source import Data, Source
    from finesweep.prediction import Classifier
    from finesweep.records import DecisionRule

    save_tokenizer(folder / "tokenizer")
    tokenizer = AutoTokenizer.from_pretrained(folder / "tokenizer")
    print("| type | largest difference of a probability | int8 |\n|---|---|---|")
    for kind in kinds:
        model = tiny(kind).eval()
        pipe = pipeline("text-classification", model=model, tokenizer=tokenizer)
        source = Source(kind, Classifier(pipe, 60, DecisionRule()), None, None, None)
        try:
            found = convert(
                source, Data(None, False, ""), folder / kind, format_="onnx", quantize="int8"
            )
            print(f"| {kind} | {found.traced.difference:.1g} | {found.agreement.difference:.1g} |")
        except FinesweepError as error:
            print(f"| {kind} | refused: {error} | - |", flush=True)


if __name__ == "__main__":
    main()
