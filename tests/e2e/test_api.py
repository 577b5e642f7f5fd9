"""docs/api.md as one script, run by a user in a folder of their own."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Project

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("api")]
DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "api.md"
SWEEP = """\
# @package sweep
n_trials: 10
params:
  dataset: tweets
  model: minilm
  training.epochs: 1
  training.learning_rate: interval(0.005, 0.01)
baseline: false
register: {name: tweets-sentiment, alias: challenger}
report: false
"""
TRAINING = """\
epochs: 1
batch_size: 16
learning_rate: 0.01
precision: fp32
evaluations_per_epoch: 1
"""
BEFORE = """
import json, logging, os, signal, sys, threading, warnings

def process():
    import mlflow, optuna
    from transformers.utils import logging as bars
    return {
        "environment": dict(os.environ),
        "handlers": [str(signal.getsignal(each)) for each in range(1, 32)],
        "warnings": len(warnings.filters),
        "logging": [logging.root.manager.disable, logging.root.level, len(logging.root.handlers)],
        "optuna": optuna.logging.get_verbosity(),
        "bars": bars.is_progress_bar_enabled(),
        "mlflow": mlflow.get_tracking_uri(),
        "arguments": sys.argv,
        "folder": os.getcwd(),
    }

before = process()
"""
AFTER = """
again = finesweep.run_sweep("demo", ["sweep.n_trials=2"], workers=1)
print(json.dumps({
    "before": before,
    "after": process(),
    "scores": run.scores,
    "best": [sweep.best.number, sweep.best.value],
    "winner": [sweep.winner.trial, sweep.winner.name, sweep.winner.version, sweep.winner.alias],
    "counts": sweep.counts,
    "leaderboard": table.to_dict("list"),
    "again": again == sweep and again.leaderboard.equals(table),
    "labels": model.label_names,
    "page": os.path.exists(explored.page),
    "promoted": promotion.promoted,
}))
"""


@pytest.fixture(scope="module")
def told(
    tmp_path_factory: pytest.TempPathFactory, tiny_bert: Path, texts_csv: Path
) -> dict[str, Any]:
    """What the page's script and a second call print, with small choices of the same names."""
    folder = tmp_path_factory.mktemp("api")
    choices = {
        "conf/model/minilm.yaml": f"name_or_path: {tiny_bert}\n",
        "conf/dataset/tweets.yaml": f"name: tweets\npath: {texts_csv}\nmax_length: 16\n",
        "conf/training/default.yaml": TRAINING,
        "sweeps/demo.yaml": SWEEP,
    }
    for name, text in choices.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    shown = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    printed = Project(folder).python("\n".join([BEFORE, *shown, AFTER]))
    found: dict[str, Any] = json.loads(printed.splitlines()[-1])
    return found | {"printed": printed, "folder": folder}


def test_a_run_answers_with_its_scores(told: dict[str, Any]) -> None:
    scores = told["scores"]
    assert {"validation/loss", "validation/f1", "test/loss", "test/accuracy"} <= set(scores)
    assert {name.split("/")[0] for name in scores} == {"validation", "test"}
    assert scores["test/loss"] < 1.09  # what guessing one of three costs


def test_a_sweep_answers_with_its_best_trial_its_winner_and_a_table(told: dict[str, Any]) -> None:
    table = told["leaderboard"]
    assert list(table) == [
        "trial", "state", "value", "model", "training.learning_rate", "seconds", "reason", "origin",
    ]  # fmt: skip
    assert told["counts"]["complete"] + told["counts"]["pruned"] == len(table["trial"]) == 2
    assert told["best"] == [table["trial"][0], table["value"][0]]
    assert told["winner"] == [told["best"][0], "tweets-sentiment", "1", "challenger"]


def test_a_sweep_that_is_done_answers_the_same(told: dict[str, Any]) -> None:
    assert told["again"]


def test_a_model_a_page_and_the_gate_answer(told: dict[str, Any]) -> None:
    assert told["labels"] == ["bad", "good", "plain"]
    assert told["page"]
    assert told["promoted"]  # the first one, which no champion stands against


def test_a_mistake_is_told_and_ends_nothing(told: dict[str, Any]) -> None:
    assert "training.epoch: no such field; did you mean 'training.epochs'?" in told["printed"]


def test_the_process_stays_as_it_was(told: dict[str, Any]) -> None:
    assert told["after"] == told["before"]


def test_mlflows_own_loader_predicts_as_the_page_on_the_store_shows(told: dict[str, Any]) -> None:
    (shown,) = re.findall(r"```python\n(.*?)```", (DOCS / "store.md").read_text(), re.S)
    printed = Project(told["folder"]).python(shown)
    assert re.search(r"\b(bad|good|plain)\b", printed), printed


def test_all_python_of_the_docs_is_on_the_pages_that_are_run_here() -> None:
    pages = {page.name for page in DOCS.glob("*.md") if "```python" in page.read_text()}
    # That of search.md runs in tests/unit/samplers/test_transfer.py.
    assert pages == {"api.md", "search.md", "store.md"}
