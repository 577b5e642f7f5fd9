"""Writes a model in another form, checks it against the original, and registers it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from finesweep.api.caller import no_library_bars, preserve_caller
from finesweep.api.exporting.request import MODELS, ONNX, Format, Request, check_request
from finesweep.api.model_uri import check_model_uri
from finesweep.api.results import ModelExport
from finesweep.api.text_lists import checked_texts
from finesweep.config import Config, compose
from finesweep.errors import ConfigError, Problem

if TYPE_CHECKING:
    from finesweep.export.conversion import Conversion
    from finesweep.export.recording import Recorded
    from finesweep.export.source import Data, Source


@preserve_caller()
def export_model(
    uri: str | Path,
    format: Format = "onnx",  # noqa: A002
    overrides: Sequence[str] = (),
    *,
    quantize: Literal["int8"] | None = None,
    output: str | Path | None = None,
    push: str | None = None,
    register: str | None = None,
    alias: str | None = None,
) -> ModelExport:
    """Exports a trained model, after comparing it with the original on 200 texts, its own data's as
    far as there are so many.

    Args:
        uri: models:/NAME@ALIAS, models:/NAME/VERSION, runs:/RUN_ID/model, or a folder.
        format: "onnx", for ONNX Runtime, or "safetensors", a plain Transformers folder.
        overrides: Hydra overrides of tracking.…, for example tracking.uri=…
        quantize: "int8" for 8-bit weights in ONNX.
        output: A new folder to write to, instead of MLflow.
        push: OWNER/NAME of a Hub repository to upload to, instead of MLflow.
        register: Name of the registered model that gets a version; by default that of a models:/
            URI.
        alias: An alias for the new version, such as "challenger"; by default none.

    Returns:
        A ModelExport, with the largest difference of a probability and both latencies.

    Raises:
        ConfigError: If there is no such model, or an argument is invalid.
        FinesweepError: If the model cannot be exported, or predicts otherwise without quantization.

    Example:
        >>> finesweep.export_model("models:/tweets-sentiment@champion", quantize="int8").version
    """
    folder = None if output is None else Path(output)
    request = Request(str(uri), format, quantize, folder, push, register, alias)
    check_request(request)
    return run_export(request, compose(checked_texts(overrides)).config, field="uri")


def run_export(
    request: Request,
    config: Config,
    *,
    field: str,
    prefix: str = "",
    on_ready: Callable[[], None] = lambda: None,
    say: Callable[[str], None] = lambda text: None,
) -> ModelExport:
    """The export of a request that check_request passed; field names its URI in errors.

    on_ready is called once the slow imports are done; say gets a line before each slow step.
    """
    check_model_uri(request.uri, tracking_uri=config.tracking.uri, field=field)
    if request.format == ONNX:
        from finesweep.export.packages import require_packages

        require_packages(field=f"{prefix}format")
    if request.output is not None:
        from finesweep.export.folders import require_free

        require_free(request.output, field=f"{prefix}output")
    if request.push is not None:
        from finesweep.setup.hub import push_obstacle

        if obstacle := push_obstacle():
            message = f"cannot write to the Hugging Face Hub: {obstacle}"
            raise ConfigError(Problem(f"{prefix}push", message))

    from finesweep.export.conversion import convert
    from finesweep.export.source import data_of, open_source

    on_ready()
    with no_library_bars(), _target(request, f"{prefix}output") as folder:
        source = open_source(request.uri, config.tracking, field=field)
        data = data_of(source)
        conversion = convert(
            source, data, folder, format_=request.format, quantize=request.quantize, say=say
        )
        recorded = _recorded(request, config, source, data, conversion, say)
        url = _written(request, source, conversion, say)
    return _result(request, source, data, conversion, recorded, url)


@contextmanager
def _target(request: Request, field: str) -> Iterator[Path]:
    """The folder to write to: the output under a temporary name, or one that is removed."""
    if request.output is not None:
        from finesweep.export.folders import new_folder

        with new_folder(request.output, field=field) as folder:
            yield folder
    else:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name) / "model"
            folder.mkdir()
            yield folder


def _recorded(
    request: Request,
    config: Config,
    source: Source,
    data: Data,
    conversion: Conversion,
    say: Callable[[str], None],
) -> Recorded | None:
    if not request.is_logged:
        return None
    from finesweep.export.recording import record
    from finesweep.tracking import open_store

    store = source.store or open_store(config.tracking)
    return record(source, data, conversion, store, name=request.name, alias=request.alias, say=say)


def _written(
    request: Request, source: Source, conversion: Conversion, say: Callable[[str], None]
) -> str | None:
    """Adds the model card to the folder; the URL after a push."""
    if not (request.output or request.push):
        return None
    from finesweep.export.card import FILE, folder_card

    where = request.push or str(request.output)
    is_on_hub = request.push is not None
    text = folder_card(source, conversion, where=where, is_on_hub=is_on_hub)
    (conversion.folder / FILE).write_text(text, encoding="utf-8")
    if request.push is None:
        return None
    from finesweep.export.upload import upload

    say(f"uploading it to {request.push} …")
    return upload(conversion.folder, request.push)


def _result(
    request: Request,
    source: Source,
    data: Data,
    conversion: Conversion,
    recorded: Recorded | None,
    url: str | None,
) -> ModelExport:
    agreement, original = conversion.agreement, source.run.scores if source.run else {}
    notes = []
    if data.dataset is None:
        notes.append(f"Compared on random texts: {data.note}.")
    if recorded is not None and not recorded.scores:
        notes.append(f"Not scored on test rows, so that no gate can judge it: {data.note}.")
    result = ModelExport(
        source=request.uri,
        format=conversion.label,
        rows=agreement.n_rows,
        difference=agreement.difference,
        changed_labels=agreement.n_changed,
        latency_ms=conversion.latency.one_p50,
        original_latency_ms=conversion.original_latency.one_p50,
        size_bytes=conversion.size_bytes,
        original_size_bytes=source.size_bytes,
        scores={} if recorded is None else recorded.scores,
        original_scores={k: v for k, v in original.items() if k.startswith("test/")},
        notes=tuple(notes),
        folder=request.output,
        url=url,
        run_id=None,
        model_uri=None if request.output is None else str(request.output),
        name=None,
        version=None,
    )
    if recorded is None:
        return result
    named = recorded.version and f"{MODELS}{recorded.name}/{recorded.version}"
    return replace(
        result,
        run_id=recorded.run_id,
        model_uri=named or recorded.model_uri,
        name=recorded.name,
        version=recorded.version,
    )
