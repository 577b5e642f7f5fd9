"""An exported version stands in the registry like any other: described, scored, and judged."""

from __future__ import annotations

import pytest
from tests.unit.export.conftest import NAME

from finesweep.api.results import ModelExport
from finesweep.config import Config
from finesweep.registry import versions
from finesweep.registry.promote import Terms, promote
from finesweep.tracking import TrackingStore

pytest.importorskip("onnxscript", reason="the extra finesweep[onnx] is not installed")
pytestmark = [
    pytest.mark.slow,  # a model is traced
    pytest.mark.xdist_group("export"),
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning"),
]


def test_a_version_names_its_source_and_format(
    int8: ModelExport, registered: str, store: TrackingStore
) -> None:
    assert (int8.name, int8.version, int8.model_uri) == (NAME, "2", f"models:/{NAME}/2")
    version = versions.version_at(store.client, NAME, "smaller")
    assert version is not None
    assert version.number == "2"
    assert version.tags == {
        "finesweep.format": "onnx",
        "finesweep.quantization": "int8",
        "finesweep.source": registered,
        "finesweep.source_version": "1",
        "finesweep.sweep": "own",
        "finesweep.trial_number": "4",
    }
    run = store.client.get_run(version.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.tags["finesweep.kind"] == "export"
    assert run.data.metrics["export/difference"] == int8.difference
    assert run.data.params["dataset.max_length"] == "24"
    text = store.client.get_model_version(NAME, "2").description
    assert text.startswith("exported version 1 as onnx int8.\n")
    assert "against PyTorch on 200 texts of up to 24 tokens" in text
    assert f'mlflow.pyfunc.load_model("models:/{NAME}/2")' in text


def test_other_aliases_stay(int8: ModelExport, store: TrackingStore) -> None:
    challenger = versions.version_at(store.client, NAME, "challenger")
    assert challenger is not None
    assert challenger.number == "1"


def test_the_gate_judges_an_export_as_faster_and_no_worse(
    int8: ModelExport, config: Config
) -> None:
    terms = Terms("non-inferiority", margin=0.3)
    verdict = promote(config, NAME, number=int8.version, terms=terms, dry_run=True)
    assert verdict.decision.promoted, verdict.decision.checks
    assert {check.name for check in verdict.decision.checks} >= {"faster or smaller"}
    changed = verdict.decision.numbers["gained"] + verdict.decision.numbers["lost"]
    assert changed <= 6
    for name in ("accuracy", "loss"):
        before, after = (each[f"test/{name}"] for each in (int8.original_scores, int8.scores))
        assert after == pytest.approx(before, abs=0.2)
