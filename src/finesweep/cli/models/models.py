"""`finesweep models [MODEL]`: registered versions, their aliases and promotion decisions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from finesweep.cli import parser
from finesweep.cli.startup.quiet import silence_libraries
from finesweep.config import compose, require_model_name

if TYPE_CHECKING:
    from finesweep.registry.versions import Version
    from finesweep.tracking import TrackingStore


def run(arguments: Sequence[str]) -> int:
    cli = parser("models", "[MODEL] [OVERRIDE…] [--json]")
    cli.add_argument(
        "names",
        nargs="*",
        default=[],
        metavar="MODEL",
        help="all models if omitted; or tracking.uri=…",
    )
    cli.add_argument("--json", action="store_true", help="print JSON")
    args = cli.parse_intermixed_args(list(arguments))
    overrides = [text for text in args.names if "=" in text]
    names = [text for text in args.names if text not in overrides]
    for name in names:
        require_model_name(name, field="MODEL")
    config = compose(overrides).config
    silence_libraries()

    from finesweep.registry.versions import models_of
    from finesweep.tracking import open_store

    store = open_store(config.tracking)
    models = [_model(store, name) for name in names or models_of(store.client)]
    if args.json:
        print(json.dumps(models, ensure_ascii=False))
    elif not models:
        print("no registered models yet; a sweep with `register` creates the first")
    else:
        for model in models:
            _print(model)
    return 0


def _model(store: TrackingStore, name: str) -> dict[str, Any]:
    from dataclasses import asdict

    from finesweep.registry.promote import history
    from finesweep.registry.versions import versions_of

    entries = [asdict(entry) for entry in history(store, name)]
    versions = [_version(store, each) for each in versions_of(store.client, name)]
    return {"model": name, "versions": versions, "champions": entries}


def version_format(tags: Mapping[str, str]) -> str:
    """`pytorch`, `onnx`, or `onnx int8`, by the tags of a version."""
    from finesweep.tracking.tags import FORMAT_TAG, QUANTIZATION_TAG

    quantization = tags.get(QUANTIZATION_TAG, "none").removesuffix("none")
    return f"{tags.get(FORMAT_TAG, 'pytorch')} {quantization}".strip()


def _version(store: TrackingStore, version: Version) -> dict[str, Any]:
    from finesweep.registry.versions import run_of

    created = datetime.fromtimestamp(version.created_ms / 1000, UTC).isoformat(timespec="seconds")
    run = run_of(store.client, version)
    return {
        "version": version.number,
        "aliases": list(version.aliases),
        "made": created,
        "sweep": version.tags.get("finesweep.sweep", ""),
        "format": version_format(version.tags),
        "accuracy": None if run is None else run.data.metrics.get("test/accuracy"),
        "decision": version.tags.get("finesweep.decision", ""),
        "reasons": version.tags.get("finesweep.decision.reasons", ""),
    }


def _print(model: dict[str, Any]) -> None:
    from finesweep.api.console import screen
    from finesweep.cli.screens.tables import print_versions

    print(model["model"])
    print_versions(screen(), model["versions"])
    for entry in model["champions"]:
        at = entry["at"] or "at an unknown time"
        print(f"  {at:25}  version {entry['version']} {entry['kind']}: {entry['why']}")
