"""Commands that neither train nor predict must not import torch and other slow libraries."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.stores import put_stores

from finesweep.config import TrackingConfig, compose, compose_sweep
from finesweep.registry import versions
from finesweep.registry.promote import Terms, promote
from finesweep.sweep.study.study import open_study
from finesweep.tracking import TEST_FINGERPRINT, open_store, start_run

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("imports")]

HEAVY = ("torch", "transformers", "sklearn", "scipy.stats", "datasets", "matplotlib")
LOOKUPS = [
    ["explore", "--help"],
    ["train", "--help"],
    ["sweep", "--help"],
    ["plan", "--help"],
    ["predict", "--help"],
    ["serve", "--help"],
    ["new", "--help"],
    ["doctor", "--help"],
    ["schema"],
    ["models"],
    ["models", "--json"],
    ["promote", "own", "--version", "1", "--dry-run"],
    ["rollback", "own"],
    ["status", "demo"],
    ["status", "demo", "--json"],
    ["stop", "demo"],
    ["delete", "demo", "--yes", "--runs"],
]
MISTAKES = [
    ["predct"],
    ["train", "training.lr=1"],
    ["train", "model.name_or_path=./absent"],
    ["train", "model.name_or_path=package://absent/model"],
    ["adapt", "model.name_or_path=./absent"],
    ["predict", "--model", "own", "a text"],
    ["predict", "--model", "models:/own", "a text"],
    ["predict", "--model", "models:/absent/1", "a text"],
    ["predict", "--model", "models:/own/1", "tracking.uri=sqlite:///absent.db", "a text"],
    ["serve", "--model", "own"],
    ["ui", "--port", "0"],
    ["promote", "absent"],
    ["rollback", "absent"],
    ["status", "absent"],
    ["work", "absent"],
    ["stop", "absent"],
    ["sweep", "absent"],
    ["plan", "absent"],
    ["new", "2 a", "--data", "absent.csv"],
    ["schema", "absent"],
]
DATA_MISTAKES = [
    ["explore", "model.name_or_path=./absent"],
    ["train", "dataset=local", "dataset.path=absent.csv"],
    ["adapt", "dataset=local", "dataset.path=absent.csv"],
    ["explore", "dataset=local", "dataset.path=absent.csv"],
    ["train", "dataset=local", "dataset.path=texts.csv", "dataset.text_column=words"],
    ["new", "mine", "--data", "absent.csv"],
]
Results = list[tuple[list[str], int, list[str]]]
"""Commands with their exit codes and the heavy modules that are loaded after them."""
RUN = f"""
import json, sys
from finesweep.cli import main

results = []
for arguments in json.loads(sys.argv[1]):
    sys.argv = ["finesweep", *arguments]
    try:
        main(arguments)
    except SystemExit as ended:
        results.append([arguments, ended.code, [m for m in {HEAVY} if m in sys.modules]])
print(json.dumps(results))
"""


def loaded(folder: Path, commands: list[list[str]]) -> Results:
    """Of commands that run in one process."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, json.dumps(commands)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    return [tuple(each) for each in json.loads(done.stdout.splitlines()[-1])]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory, empty_stores: Path) -> Iterator[Path]:
    """A folder with a study and a registered model with two versions and their predictions."""
    folder = tmp_path_factory.mktemp("registry")
    put_stores(empty_stores, folder)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("FINESWEEP_STORAGE_URL", "MLFLOW_TRACKING_URI"):
            patch.delenv(name, raising=False)
        patch.chdir(folder)
        fill(folder)
        yield folder


def fill(workplace: Path) -> None:
    store = open_store(TrackingConfig(uri=f"sqlite:///{workplace}/mlruns/mlflow.db"))
    labels = np.arange(400) % 2
    store.client.create_registered_model("own")
    for n_wrong in (120, 20):
        guesses = np.where(np.arange(400) < n_wrong, 1 - labels, labels)
        run = start_run(store, name="finalist", tags={TEST_FINGERPRINT: "f" * 64})
        run.log_metrics({"latency_ms/one_p50": 1.0, "model/bytes": 1e6}, step=0)
        folder = workplace / f"{n_wrong}"
        (folder / "test").mkdir(parents=True)
        columns = {"truth": labels.astype(str), "prediction": guesses.astype(str)}
        probabilities = {f"probability/{c}": (guesses == c) * 1.0 for c in (0, 1)}
        pd.DataFrame(columns | probabilities).to_parquet(folder / "test/predictions.parquet")
        for name, text in {"test/errors.json": "[]", "config.yaml": "{}"}.items():
            (folder / name).write_text(text, encoding="utf-8")
        run.log_folder(folder)
        version = store.client.create_model_version("own", f"runs:/{run.run_id}/model", run.run_id)
        versions.set_alias(store.client, "own", "challenger", str(version.version))
        promote(compose().config, "own", number=None, terms=Terms(), dry_run=False)
    open_study(compose_sweep("demo", ["training.precision=fp32"]))
    (workplace / "texts.csv").write_text("text,label\na,b\nc,d\n", encoding="utf-8")


@pytest.fixture(scope="module")
def results(registry: Path) -> Results:
    """Of all commands, those that may import least first."""
    return loaded(registry, [*LOOKUPS, *MISTAKES, *DATA_MISTAKES])


def test_a_lookup_imports_no_training_library(
    results: Results,
) -> None:
    results = results[: len(LOOKUPS)]
    # The gate refuses version 1, a former champion: exit code 3.
    assert [arguments[0] for arguments, code, _ in results if code] == ["promote"]
    assert [(arguments, names) for arguments, _, names in results if names] == []


def test_a_mistake_is_reported_before_torch_is_imported(
    results: Results,
) -> None:
    results = results[len(LOOKUPS) :]
    assert {code for _, code, _ in results} == {2}
    assert [arguments for arguments, _, names in results if "torch" in names] == []
    of_usage = results[: len(MISTAKES)]
    assert [arguments for arguments, _, names in of_usage if names] == []


def test_a_test_without_training_imports_no_training_library() -> None:
    conftests = "tests.conftest, tests.unit.conftest, tests.unit.sweep.conftest"
    code = f"import sys, {conftests}; print([each for each in {HEAVY} if each in sys.modules])"
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
