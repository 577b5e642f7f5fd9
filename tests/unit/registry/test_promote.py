"""The gate on a real MLflow store, with runs that hold what a finalist leaves."""

from __future__ import annotations

import base64
import json
import threading
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
from tests.stores import put_stores

from finesweep.cli.models import models
from finesweep.config import Config, RegistryConfig, StorageConfig, TrackingConfig
from finesweep.errors import ConfigError
from finesweep.records import DecisionRule
from finesweep.registry import promote as gate
from finesweep.registry import versions
from finesweep.registry.promote import Terms, history, promote, rollback
from finesweep.serving.card import card_of
from finesweep.tracking import TEST_FINGERPRINT, TrackingStore, open_store, start_run

pytestmark = pytest.mark.slow

N = 600
LABELS = np.arange(N) % 2
NAMES = np.array(["bad", "good"])
PICTURE = b"\x89PNG of a test"
TERMS = Terms()
SMALLER = Terms("non-inferiority", margin=0.02)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory, empty_stores: Path) -> Config:
    folder = tmp_path_factory.mktemp("gate")
    put_stores(empty_stores, folder)
    mlruns = folder / "mlruns"
    return Config(
        tracking=TrackingConfig(
            uri=f"sqlite:///{mlruns / 'mlflow.db'}", artifacts=str(mlruns / "artifacts")
        ),
        storage=StorageConfig(url=f"sqlite:///{mlruns / 'optuna.db'}"),
        registry=RegistryConfig(recall_loss=None),
    )


@pytest.fixture(scope="module")
def store(config: Config) -> TrackingStore:
    return open_store(config.tracking)


@pytest.fixture
def m() -> str:
    """A registered model of the test's own."""
    return f"model-{uuid.uuid4().hex[:8]}"


Add = Callable[..., str]


@pytest.fixture
def add(store: TrackingStore, tmp_path: Path, m: str) -> Add:
    """Registers one more version of the model, wrong on these rows; its number."""

    def added(wrong: range, *, latency: float = 10.0, fingerprint: str = "f" * 64) -> str:
        guesses = LABELS.copy()
        guesses[list(wrong)] = 1 - guesses[list(wrong)]
        run = start_run(store, name="finalist", tags={TEST_FINGERPRINT: fingerprint})
        accuracy = float((guesses == LABELS).mean())
        run.log_metrics(
            {"test/accuracy": accuracy, "latency_ms/one_p50": latency, "model/bytes": 1e8}, step=0
        )
        folder = tmp_path / run.run_id / "test"
        folder.mkdir(parents=True)
        columns = {"truth": NAMES[LABELS], "prediction": NAMES[guesses]}
        shares = {f"probability/{name}": (guesses == c) * 1.0 for c, name in enumerate(NAMES)}
        pd.DataFrame(columns | shares).to_parquet(folder / "predictions.parquet")
        errors = [
            {
                "row": row,
                "text": f"<b>text {row}</b>",
                "truth": NAMES[LABELS[row]],
                "prediction": NAMES[guesses[row]],
                "probability": 1.0,
            }
            for row in wrong
        ]
        (folder / "errors.json").write_text(json.dumps(errors))
        (folder / "slices.json").write_text(
            json.dumps([{"slice": "label bad", "rows": N // 2, "accuracy": accuracy}])
        )
        (folder / "answers.png").write_bytes(PICTURE)
        (folder.parent / "config.yaml").write_text("training: {epochs: 1}\n")
        run.log_folder(folder.parent)
        run.finish("FINISHED")
        if m not in versions.models_of(store.client):
            store.client.create_registered_model(m)
        made = store.client.create_model_version(m, f"runs:/{run.run_id}/model", run.run_id)
        versions.set_alias(store.client, m, "challenger", str(made.version))
        return str(made.version)

    return added


def champion(store: TrackingStore, m: str) -> str | None:
    found = versions.version_at(store.client, m, "champion")
    return found and found.number


def test_a_life_of_promotions_refusals_and_a_rollback(
    config: Config, store: TrackingStore, add: Add, m: str
) -> None:
    add(range(120))
    first = promote(config, m, number=None, terms=TERMS, dry_run=False)
    assert (first.decision.promoted, champion(store, m)) == (True, "1")
    add(range(150))
    worse = promote(config, m, number=None, terms=TERMS, dry_run=False)
    assert (worse.decision.promoted, champion(store, m)) == (False, "1")
    add(range(121), latency=5.0)
    lighter = promote(config, m, number=None, terms=SMALLER, dry_run=False)
    assert (lighter.decision.promoted, champion(store, m)) == (True, "3")
    add(range(60))
    better = promote(config, m, number=None, terms=TERMS, dry_run=False)
    assert (better.decision.promoted, champion(store, m)) == (True, "4")
    assert better.decision.numbers["look"] == 3  # the first champion was compared with nothing
    assert rollback(config, m) == ("3", "4")
    assert rollback(config, m) == ("1", "3")
    with pytest.raises(ConfigError, match="has no earlier champion"):
        rollback(config, m)
    told = [(entry.kind, entry.version) for entry in history(store, m)]
    assert told == [
        ("promoted", "1"),
        ("promoted", "3"),
        ("promoted", "4"),
        ("rolled back", "3"),
        ("rolled back", "1"),
    ]


def test_a_decision_is_kept_with_its_reasons_and_a_dossier(
    config: Config, store: TrackingStore, add: Add, m: str
) -> None:
    add(range(100))
    promote(config, m, number=None, terms=TERMS, dry_run=False)
    add(range(80, 200))
    promote(config, m, number=None, terms=TERMS, dry_run=False)
    made = versions.versions_of(store.client, m)[1]
    assert made.tags["finesweep.decision"] == "refused"
    assert made.tags["finesweep.decision.against"] == "1"
    assert made.tags["finesweep.decision.reasons"].startswith("superiority FAILED: accuracy -0.03")
    assert (made.tags["finesweep.decision.gained"], made.tags["finesweep.decision.lost"]) == (
        "80",
        "100",
    )
    place = "promotion/version-2-attempt-1"
    path = store.client.download_artifacts(made.run_id, f"{place}/dossier.json")
    dossier = json.loads(Path(path).read_text())
    assert (dossier["promoted"], dossier["challenger"]["version"]) == (False, "2")
    assert dossier["champion"]["metrics"]["test/accuracy"] == pytest.approx(1 - 100 / N)
    assert dossier["gained"][0] == {"text": "<b>text 0</b>", "truth": "bad", "wrong": "good"}
    assert dossier["lost"][0]["text"] == "<b>text 100</b>"
    (by_label,) = dossier["slices"]
    assert (by_label["slice"], by_label["rows"]) == ("label bad", N // 2)
    assert by_label["challenger"] < by_label["champion"]
    assert len(dossier["challenger"]["config_sha256"]) == 64
    page = Path(store.client.download_artifacts(made.run_id, f"{place}/dossier.html")).read_text()
    assert "&lt;b&gt;text 100&lt;/b&gt;" in page
    assert "<b>text" not in page
    assert f"{m} version 2: refused" in page
    assert "Accuracy by slice" in page
    assert base64.b64encode(PICTURE).decode() in page


def test_a_dry_run_leaves_no_trace(config: Config, store: TrackingStore, add: Add, m: str) -> None:
    add(range(100))
    promote(config, m, number=None, terms=TERMS, dry_run=False)
    add(range(20))
    decided = promote(config, m, number=None, terms=TERMS, dry_run=True)
    assert decided.decision.promoted
    assert champion(store, m) == "1"
    assert "finesweep.decision" not in versions.versions_of(store.client, m)[1].tags
    real = promote(config, m, number="2", terms=TERMS, dry_run=False)
    assert real.decision.numbers["look"] == 1


def test_two_promotions_at_once_meet_one_after_the_other(
    config: Config, store: TrackingStore, add: Add, m: str
) -> None:
    """Both are better than the champion, and neither than the other: only one of them wins."""
    add(range(200))
    promote(config, m, number=None, terms=TERMS, dry_run=False)
    rivals = [add(range(100)), add(range(1, 101))]
    won: dict[str, bool] = {}

    def try_it(number: str) -> None:
        decided = promote(config, m, number=number, terms=TERMS, dry_run=False)
        won[number] = decided.decision.promoted

    threads = [threading.Thread(target=try_it, args=(number,)) for number in rivals]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won.values()) == [False, True]
    assert won[str(champion(store, m))]


def test_a_promotion_makes_no_database_of_optunas(
    config: Config, add: Add, m: str, workplace: Path
) -> None:
    url = f"sqlite:///{workplace / 'mlruns' / 'optuna.db'}"
    apart = replace(config, storage=StorageConfig(url=url))
    add(range(10))
    assert promote(apart, m, number=None, terms=TERMS, dry_run=False).decision.promoted
    assert not (workplace / "mlruns").exists()


def test_a_kill_before_the_alias_leaves_the_old_champion_and_a_true_history(
    config: Config, store: TrackingStore, add: Add, m: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(range(200))
    promote(config, m, number=None, terms=TERMS, dry_run=False)
    add(range(10))
    with monkeypatch.context() as patch:
        patch.setattr(gate.versions, "set_alias", _killed)
        with pytest.raises(KeyboardInterrupt):
            promote(config, m, number=None, terms=TERMS, dry_run=False)
    assert champion(store, m) == "1"
    assert [entry.version for entry in history(store, m)] == ["1"]
    assert promote(config, m, number=None, terms=TERMS, dry_run=False).decision.promoted
    assert [entry.version for entry in history(store, m)] == ["1", "2"]


def test_an_alias_that_was_moved_in_mlflow_leaves_the_history_and_the_way_back(
    config: Config, store: TrackingStore, add: Add, m: str
) -> None:
    for wrong in (300, 200, 150, 50):
        add(range(wrong))
    for number in ("1", "2"):
        promote(config, m, number=number, terms=TERMS, dry_run=False)
    versions.set_alias(store.client, m, "champion", "3")
    assert promote(config, m, number="4", terms=TERMS, dry_run=False).decision.promoted
    told = [f"{entry.version} {entry.kind}" for entry in history(store, m)]
    assert told == ["1 promoted", "2 promoted", "3 set", "4 promoted"]
    assert rollback(config, m) == ("3", "4")
    assert rollback(config, m) == ("2", "3")


def test_a_rollback_without_a_champion_restores_the_last_one_that_still_exists(
    config: Config, store: TrackingStore, add: Add, m: str
) -> None:
    for wrong in (300, 200, 100):
        promote(config, m, number=add(range(wrong)), terms=TERMS, dry_run=False)
    store.client.delete_registered_model_alias(m, "champion")
    assert rollback(config, m) == ("3", None)
    told = [(entry.kind, entry.version) for entry in history(store, m)]
    assert told[3:] == [("removed", "3"), ("rolled back", "3")]
    store.client.delete_model_version(m, "3")
    assert champion(store, m) is None
    assert rollback(config, m) == ("2", None)
    assert champion(store, m) == "2"
    store.client.delete_model_version(m, "1")
    with pytest.raises(ConfigError, match="has no earlier champion"):
        rollback(config, m)


def _killed(*given: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("run_id", [None, "0" * 32])
def test_a_version_without_its_run_is_listed_and_served_but_not_promoted(
    config: Config,
    store: TrackingStore,
    add: Add,
    m: str,
    run_id: str | None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Registered without a run, or its run was removed by `mlflow gc`."""
    add(range(10))
    store.client.create_model_version(m, "file:///elsewhere", run_id)
    assert models.run([m, "--json", f"tracking.uri={config.tracking.uri}"]) == 0
    (listed,) = json.loads(capsys.readouterr().out)
    accuracies = [version["accuracy"] for version in listed["versions"]]
    assert accuracies == [pytest.approx(1 - 10 / N), None]
    classifier = SimpleNamespace(
        label_names=NAMES, max_length=16, decision_rule=DecisionRule(), format="pytorch"
    )
    card = card_of(store, f"models:/{m}/2", cast("Any", classifier))
    assert (card.version, card.facts["labels"]) == ("2", "bad, good")
    with pytest.raises(ConfigError, match="version 2 has no run"):
        promote(config, m, number="2", terms=TERMS, dry_run=False)


def test_the_gates_come_from_the_config(
    config: Config, store: TrackingStore, add: Add, m: str
) -> None:
    add(range(300))
    strict = replace(config, registry=RegistryConfig(minimum={"test/accuracy": 0.6}))
    refused = promote(strict, m, number=None, terms=TERMS, dry_run=False)
    assert (refused.decision.promoted, champion(store, m)) == (False, None)


@pytest.mark.parametrize(
    ("model", "number", "message"),
    [
        ("absent", None, "MODEL: no registered model 'absent'"),
        (None, "7", "--version: model-.* has no version '7'; known: 1, 2"),
        (None, "1", "model-.*: version 1 is already champion"),
    ],
)
def test_what_cannot_be_compared_is_told(
    config: Config, add: Add, m: str, model: str | None, number: str | None, message: str
) -> None:
    add(range(10))
    promote(config, m, number=None, terms=TERMS, dry_run=False)
    add(range(10))
    with pytest.raises(ConfigError, match=message):
        promote(config, model or m, number=number, terms=TERMS, dry_run=False)
