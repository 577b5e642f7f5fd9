"""`finesweep export MODEL --format onnx`: a model in another form, checked against the original."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from finesweep.api.exporting.export import run_export
from finesweep.api.exporting.request import (
    FORMATS,
    QUANTIZATIONS,
    SAFETENSORS,
    Request,
    check_request,
)
from finesweep.cli import parser
from finesweep.cli.startup import collector
from finesweep.cli.startup.quiet import silence_libraries
from finesweep.config import compose

if TYPE_CHECKING:
    from finesweep.api.results import ModelExport

EXAMPLES = """
examples:
  finesweep export models:/tweets-sentiment@champion --format onnx --quantize int8
  finesweep export models:/tweets-sentiment/1 --format safetensors --output tweets-model
  finesweep promote tweets-sentiment --version 2 --mode non-inferiority
"""


def run(arguments: Sequence[str]) -> int:
    cli = parser("export", "MODEL --format FORMAT [OPTIONS] [OVERRIDE…]")
    cli.epilog = EXAMPLES
    cli.add_argument("model", metavar="MODEL", help="models:/…, runs:/… or a folder")
    cli.add_argument("overrides", nargs="*", default=[], metavar="OVERRIDE", help="tracking.…")
    cli.add_argument(
        "--format",
        required=True,
        choices=FORMATS,
        help="onnx for ONNX Runtime, or safetensors: a plain folder for Transformers",
    )
    cli.add_argument("--quantize", choices=QUANTIZATIONS, help="8-bit weights, for onnx")
    cli.add_argument(
        "--output", type=Path, metavar="FOLDER", help="write a new folder, instead of MLflow"
    )
    cli.add_argument(
        "--push", metavar="OWNER/NAME", help="upload it to the Hugging Face Hub, instead of MLflow"
    )
    cli.add_argument(
        "--register",
        metavar="NAME",
        help="the registered model that gets a version (default: that of a models:/ URI)",
    )
    cli.add_argument(
        "--alias", metavar="ALIAS", help="set it on the new version, for example challenger"
    )
    cli.add_argument("--json", action="store_true", help="print JSON")
    args = cli.parse_intermixed_args(list(arguments))
    request = Request(
        args.model, args.format, args.quantize, args.output, args.push, args.register, args.alias
    )
    check_request(request, prefix="--")
    config = compose(args.overrides).config
    silence_libraries()
    result = run_export(
        request,
        config,
        field="MODEL",
        prefix="--",
        on_ready=collector.resume,
        say=lambda text: print(text, file=sys.stderr, flush=True),
    )
    print(
        json.dumps(asdict(result), default=str, ensure_ascii=False) if args.json else _text(result)
    )
    return 0


def _text(result: ModelExport) -> str:
    changed = result.changed_labels
    own, original = result.latency_ms, result.original_latency_ms
    times = f"{own:.1f} ms, PyTorch {original:.1f} ms ({original / own:.1f} times as fast)"
    lines = [
        f"{result.source} as {result.format}, against PyTorch:",
        f"  {result.rows} rows: probabilities differ by at most {result.difference:.2g},"
        f" {changed or 'no'} {'label changes' if changed == 1 else 'labels change'}",
        *([f"  one text: {times}"] if result.format != SAFETENSORS else []),
        f"  weights: {result.size_bytes / 1e6:.1f} MB, PyTorch"
        f" {result.original_size_bytes / 1e6:.1f} MB",
        *_scores(result),
        *result.notes,
    ]
    if result.folder:
        lines.append(f"folder: {result.folder}")
    if result.url:
        lines.append(f"uploaded to {result.url}")
    if result.version:
        lines.append(f"registered: {result.name} version {result.version}")
    elif result.run_id:
        lines.append(f"logged, not registered: {result.model_uri}; --register NAME registers it")
    if result.model_uri:
        lines.append(f"  finesweep predict --model {shlex.quote(result.model_uri)} TEXT")
    if result.version and result.scores:
        lines.append(
            f"  finesweep promote {shlex.quote(str(result.name))} --version {result.version}"
            " --mode non-inferiority --dry-run"
        )
    return "\n".join(lines)


def _scores(result: ModelExport) -> list[str]:
    names = [name for name in ("test/accuracy", "test/f1") if name in result.scores]
    return [
        f"  {name}: {result.scores[name]:.4f}, PyTorch {result.original_scores[name]:.4f}"
        for name in names
        if name in result.original_scores
    ]
