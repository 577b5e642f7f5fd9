"""A run logs its machine's metrics when it is asked to, and never fails by them."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from tests.unit.tracking.outboxes import opened

from finesweep.config import TrackingConfig
from finesweep.tracking import TrackingStore, deliver
from finesweep.tracking.environment import system_metrics as module
from finesweep.tracking.environment.system_metrics import missing_package, system_metrics

pytestmark = pytest.mark.slow

ON, OFF = (TrackingConfig(uri="", system_metrics=value) for value in (True, False))
NAMES = {"cpu_utilization_percentage", "system_memory_usage_megabytes", "disk_usage_percentage"}


def entries(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines()]


def test_a_short_run_has_one_entry_as_mlflow_names_it(store: TrackingStore, tmp_path: Path) -> None:
    outbox = opened(tmp_path, "short/1")
    with system_metrics(outbox, ON, lambda: 96):
        pass
    (entry,) = entries(outbox.folder)
    assert entry["step"] == 96
    found = store.client.get_run(deliver(outbox.folder, store)).data.metrics
    assert {f"system/{name}" for name in NAMES} <= found.keys()
    assert 0 < found["system/system_memory_usage_percentage"] < 100


def test_samples_are_averaged_and_none_follow_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SAMPLES_PER_ENTRY", 2)
    outbox = opened(tmp_path, "long/1")
    with system_metrics(outbox, ON, lambda: 1, seconds=0.02):
        time.sleep(0.5)
    n_entries = len(entries(outbox.folder))
    assert 2 < n_entries <= 14
    time.sleep(0.1)
    assert len(entries(outbox.folder)) == n_entries


def test_a_run_is_left_alone_without_the_setting_and_by_an_error(tmp_path: Path) -> None:
    outbox = opened(tmp_path, "off/1")
    with system_metrics(outbox, OFF, lambda: 1):
        pass
    assert entries(outbox.folder) == []
    with system_metrics(outbox, ON, lambda: 1):
        outbox.close("FINISHED", {})
    assert entries(outbox.folder) == []


def test_gpus_without_their_package_are_told_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    monkeypatch.setattr(module, "DRIVER", tmp_path / "none")
    assert missing_package(ON) is None
    monkeypatch.setattr(module, "DRIVER", tmp_path)
    assert "pip install 'finesweep[gpu]'" in (missing_package(ON) or "")
    assert missing_package(OFF) is None
