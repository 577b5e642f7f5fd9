"""An ONNX file of a classifier: traced by PyTorch's exporter, its weights quantized on request."""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import Lock
from typing import Any

import torch
from transformers import PreTrainedModel

from finesweep.errors import FinesweepError, first_line
from finesweep.model import size_bytes
from finesweep.prediction.onnx_classifier import QUANTIZATION

MAX_BYTES = 2**31
"""Protocol buffers, which an ONNX file is, end there."""
TEXT_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
INT8 = "int8"
_silent = Lock()
"""Held while the process is silent: threads would restore each other's silence."""


def write_onnx(model: PreTrainedModel, inputs: Mapping[str, torch.Tensor], path: Path) -> None:
    """Writes the model's graph from token ids to logits [N, C], for any number and length of rows.

    inputs are a batch of at least two rows, as the tokenizer returns it. FinesweepError, in one
    sentence, when the model cannot be written.
    """
    _require_exportable(model, inputs)
    try:
        with _quiet():
            _trace(model, inputs, path)
    except Exception as error:  # the exporter raises what its many stages raise
        kind, why = model.config.model_type, first_line(error.__cause__ or error)
        raise FinesweepError(f"{kind} cannot be exported to ONNX: {_shortened(why)}") from error


def _require_exportable(model: PreTrainedModel, inputs: Mapping[str, torch.Tensor]) -> None:
    kind = model.config.model_type
    if unknown := [name for name in inputs if name not in TEXT_INPUTS]:
        message = f"{kind} cannot be exported to ONNX: it reads {', '.join(unknown)} beside tokens"
        raise FinesweepError(message)
    size = size_bytes(model)
    if size >= MAX_BYTES:
        message = f"{kind} cannot be exported to ONNX: {size / 1e9:.1f} GB do not fit in one file"
        raise FinesweepError(message)


class _Logits(torch.nn.Module):
    """The model with its logits as the only output, and its inputs by position."""

    def __init__(self, model: PreTrainedModel, names: tuple[str, ...]) -> None:
        super().__init__()
        self.model, self.names = model, names

    def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.model(**dict(zip(self.names, tensors, strict=True))).logits
        return logits


def _trace(model: PreTrainedModel, inputs: Mapping[str, torch.Tensor], path: Path) -> None:
    names = tuple(inputs)
    any_size = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
    program = torch.onnx.export(
        _Logits(model.eval(), names),
        tuple(inputs.values()),
        dynamo=True,  # the older exporter traces attention masks wrongly: logits differ by 0.02
        input_names=names,
        output_names=("logits",),
        dynamic_shapes=(tuple(any_size for _ in names),),
        external_data=False,
        verbose=False,
    )
    assert program is not None
    program.save(path, external_data=False)


def quantize_onnx(path: Path) -> None:
    """Replaces the file by one with 8-bit weights, whose activations are quantized as it runs.

    FinesweepError when ONNX Runtime cannot.
    """
    try:
        with _quiet():
            _quantize(path)
    except Exception as error:  # as above
        raise FinesweepError(f"cannot be quantized: {_shortened(first_line(error))}") from error


def _quantize(path: Path) -> None:
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        prepared = Path(folder) / path.name
        # Symbolic inference does not know the exporter's newest operators, and is not needed.
        quant_pre_process(str(path), str(prepared), skip_symbolic_shape=True)
        quantize_dynamic(
            prepared,
            path,
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,  # 7 bits: CPUs without VNNI would overflow 16-bit sums, and be wrong
            extra_options={"MatMulConstBOnly": True},
        )
    model = onnx.load(path)
    onnx.helper.set_model_props(model, {QUANTIZATION: INT8})
    onnx.save(model, path)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's pages about each stage, on either stream and in logs."""
    sink: Any = io.StringIO()
    with (
        _silent,
        _no_messages(),
        contextlib.redirect_stdout(sink),
        contextlib.redirect_stderr(sink),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def _no_messages() -> Iterator[None]:
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


def _shortened(text: str, *, limit: int = 200) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
