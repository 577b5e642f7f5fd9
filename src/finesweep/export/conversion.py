"""The exported files of a model, checked against it and timed beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from finesweep.errors import FinesweepError
from finesweep.export.agreement import Agreement, compare, require_equal
from finesweep.export.onnx_graph import quantize_onnx, write_onnx
from finesweep.export.rows import comparison_rows
from finesweep.export.source import Data, Source
from finesweep.pairs import columns_of
from finesweep.prediction import Classifier
from finesweep.prediction.loading import load_folder
from finesweep.prediction.onnx_classifier import MODEL_FILE, TOKENIZER_FILE, OnnxClassifier
from finesweep.runs.latency import N_TIMED, Latency, Predict, alternate, torch_predictor

ONNX, SAFETENSORS = FORMATS = ("onnx", "safetensors")
WEIGHTS = "model.safetensors"


@dataclass(frozen=True)
class Conversion:
    """An exported model in a folder."""

    folder: Path
    classifier: Classifier
    """The exported model, loaded from the folder."""
    format: str
    quantize: str | None
    """int8, or None for float32."""
    agreement: Agreement
    traced: Agreement
    """The same before quantization: how faithful the graph itself is."""
    latency: Latency
    """Of the exported model."""
    original_latency: Latency
    """Of the PyTorch model, measured in turns with it."""
    size_bytes: int
    """Size of the file of weights."""
    rows: tuple[str, ...]
    """The texts on which both were compared."""

    @property
    def label(self) -> str:
        """Format and quantization, such as onnx int8."""
        return " ".join(filter(None, [self.format, self.quantize]))


def convert(
    source: Source,
    data: Data,
    folder: Path,
    *,
    format_: str,
    quantize: str | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Conversion:
    """Writes the model's files into folder, loads them, and compares both models.

    say gets a line before each slow step. FinesweepError when the model cannot be written, or
    predicts otherwise in float32.
    """
    rows = comparison_rows(source.classifier, data.dataset)
    say(f"writing {format_}{f' {quantize}' if quantize else ''} …")
    write = _write_onnx if format_ == ONNX else _write_safetensors
    write(source.classifier, folder, rows)
    exported = load_folder(folder)
    say(f"comparing it with PyTorch on {len(rows)} rows …")
    agreement = traced = compare(source.classifier, exported, rows)
    # Before quantization too: its rounding would hide a wrong graph.
    require_equal(traced)
    if quantize is not None:
        quantize_onnx(folder / MODEL_FILE)
        exported = load_folder(folder)
        agreement = compare(source.classifier, exported, rows)
    say("measuring both …")
    latencies = _latencies([source.classifier, exported], data, rows)
    return Conversion(
        folder=folder,
        classifier=replace(exported, examples=source.classifier.examples),
        format=format_,
        quantize=quantize,
        agreement=agreement,
        traced=traced,
        latency=latencies[1],
        original_latency=latencies[0],
        size_bytes=(folder / (MODEL_FILE if format_ == ONNX else WEIGHTS)).stat().st_size,
        rows=tuple(rows),
    )


def predictor(classifier: Classifier) -> Predict:
    """From texts to probabilities, by either kind of model."""
    network = classifier.network
    if isinstance(network, OnnxClassifier):
        return network.scores
    pipeline = classifier.pipeline
    return torch_predictor(pipeline.model, pipeline.tokenizer, max_length=classifier.max_length)


def _latencies(classifiers: Sequence[Classifier], data: Data, rows: Sequence[str]) -> list[Latency]:
    """On the first validation texts, as for every run; else on the compared rows."""
    own = [] if data.dataset is None else data.dataset.validation["text"][:N_TIMED]
    pairs = classifiers[0].decision_rule.pairs
    return alternate([predictor(each) for each in classifiers], own or rows[:N_TIMED], pairs=pairs)


def _write_safetensors(classifier: Classifier, folder: Path, rows: Sequence[str]) -> None:
    tokenizer = classifier.pipeline.tokenizer
    tokenizer.model_max_length = classifier.max_length
    classifier.pipeline.model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _write_onnx(classifier: Classifier, folder: Path, rows: Sequence[str]) -> None:
    """model.onnx, and a tokenizer.json that truncates and pads as finesweep does."""
    model, tokenizer = classifier.pipeline.model, classifier.pipeline.tokenizer
    kind = model.config.model_type
    if not tokenizer.is_fast:
        message = f"{kind} cannot be exported to ONNX: its tokenizer has no tokenizer.json"
        raise FinesweepError(message)
    folder.mkdir(parents=True, exist_ok=True)
    # Two rows of different lengths: of one row, or none padded, the exporter would learn less.
    shortest, longest = rows[0], max(rows, key=len)
    columns = columns_of([shortest, longest], pairs=classifier.decision_rule.pairs)
    inputs = tokenizer(
        *columns,
        truncation=True,
        max_length=classifier.max_length,
        padding=True,
        return_tensors="pt",
    )
    write_onnx(model, dict(inputs), folder / MODEL_FILE)
    tokenizer.model_max_length = classifier.max_length
    model.config.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    _save_tokenizer(tokenizer, classifier.max_length, folder / TOKENIZER_FILE)


def _save_tokenizer(tokenizer: Any, max_length: int, path: Path) -> None:
    """The fast tokenizer's file with the settings that transformers passes with each call."""
    from tokenizers import Tokenizer

    plain = Tokenizer.from_str(path.read_text(encoding="utf-8"))
    plain.enable_truncation(
        max_length, strategy="longest_first", direction=tokenizer.truncation_side
    )
    plain.enable_padding(
        direction=tokenizer.padding_side,
        pad_id=tokenizer.pad_token_id,
        pad_type_id=tokenizer.pad_token_type_id,
        pad_token=tokenizer.pad_token,
    )
    plain.save(str(path))
