"""Several labels for each text, from a file to the champion that answers with them."""

from __future__ import annotations

import json
import re
import subprocess
from itertools import product
from pathlib import Path
from random import Random

import pandas as pd
import pytest

from tests.e2e.conftest import Project, make_project

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("several")]
NAMES = ["lovely", "awful", "paper"]
FILLERS = ("the", "a", "this", "that", "quite", "film", "day")
SWEEP = """\
# @package sweep
# Texts with several labels   finesweep sweep several
n_trials: 2
metric: validation/f1_micro
direction: maximize
params:
  dataset: local
  dataset.path: texts.csv
  dataset.label_columns: [lovely, awful, paper]
  dataset.max_length: 12
  model: tiny
  training.epochs: 8
  training.batch_size: 16
  training.evaluations_per_epoch: 1
  training.precision: fp32
  training.learning_rate: 0.002
  training.weight_decay: choice(0.0, 0.01)
confirm: {top_k: 2, seeds: 1}
register: {name: several, alias: challenger}
"""


@pytest.fixture(scope="module")
def swept(
    tmp_path_factory: pytest.TempPathFactory, tiny_bert: Path
) -> tuple[Project, subprocess.CompletedProcess[str]]:
    """A project whose sweep over texts that say their labels has been run."""
    folder, drawn = tmp_path_factory.mktemp("several"), Random(0)
    sets, rows = list(product((0, 1), repeat=3)), []
    for number in range(480):
        held = sets[number % 8]
        words = [word for word, holds in zip(NAMES, held, strict=True) if holds]
        words += drawn.choices(FILLERS, k=5)
        drawn.shuffle(words)
        rows.append((" ".join(words), *held))
    table = pd.DataFrame(rows, columns=["text", *NAMES]).drop_duplicates("text")
    table.to_csv(folder / "texts.csv", index=False)
    project = make_project(folder, model=tiny_bert, texts=folder / "texts.csv")
    (folder / "sweeps" / "several.yaml").write_text(SWEEP)
    done = project.finesweep("sweep", "several")
    assert done.returncode == 0, done.stderr + done.stdout
    return project, done


def test_a_sweep_finds_confirms_and_registers_a_model(
    swept: tuple[Project, subprocess.CompletedProcess[str]],
) -> None:
    project, done = swept
    assert "leaderboard by validation/f1_micro" in done.stdout
    assert "majority-class accuracy: 0." in done.stdout
    assert "registered as several version 1, alias challenger" in done.stdout
    version = project.client.get_model_version_by_alias("several", "challenger")
    run = project.client.get_run(version.run_id)
    assert run.data.metrics["test/accuracy"] > 0.8  # the commonest set has an eighth
    assert run.data.metrics["test/threshold_f1"] > 0.9
    report = project.client.download_artifacts(version.run_id, "summary.md")
    assert "Per-label decision thresholds" in Path(report).read_text()


def test_its_report_is_made_when_it_ends_and_shows_what_each_label_found(
    swept: tuple[Project, subprocess.CompletedProcess[str]],
) -> None:
    project, _ = swept
    (parent,) = project.client.search_runs(["1"], "tags.`finesweep.kind` = 'sweep'")[-1:]
    text = Path(project.client.download_artifacts(parent.info.run_id, "report.html")).read_text()
    rows = re.findall(r"<td>(lovely|awful|paper)</td><td>(\d+)</td><td>(\d+)</td>", text)
    counts = json.loads(
        Path(
            project.client.download_artifacts(
                project.client.get_model_version("several", "1").run_id,
                "test/confusion_matrix.json",
            )
        ).read_text()
    )["counts"]
    found_and_missed = [(str(yes[1]), str(yes[0])) for _, yes in counts]
    assert [(found, missed) for _, found, missed in rows] == found_and_missed
    assert "validation/f1_micro, higher is better" in text


def test_the_gate_compares_rows_with_all_their_labels(
    swept: tuple[Project, subprocess.CompletedProcess[str]],
) -> None:
    project, _ = swept
    first = project.finesweep("promote", "several")
    assert first.returncode == 0, first.stderr
    few = ("sweep.n_trials=1", "sweep.confirm=null", "sweep.baseline=false", "sweep.report=false")
    again = project.finesweep("sweep", "several", "sweep.study=again", "training.epochs=1", *few)
    assert again.returncode == 0, again.stderr
    refused = project.finesweep("promote", "several")
    assert refused.returncode == 3, refused.stderr
    told = re.search(r"accuracy (\S+) \((\d+) rows gained, (\d+) lost, of (\d+)\)", refused.stdout)
    assert told is not None, refused.stdout
    difference, gained, lost, n = map(float, told.groups())
    scores = [
        project.client.get_run(version.run_id).data.metrics["test/accuracy"]
        for version in project.client.search_model_versions("name='several'")
    ]
    # The newest comes first; rows are those with all their labels right.
    assert difference == pytest.approx(scores[0] - scores[1], abs=1e-4)
    assert difference == pytest.approx((gained - lost) / n, abs=1e-4)


def test_a_table_is_answered_with_all_labels_that_hold(
    swept: tuple[Project, subprocess.CompletedProcess[str]],
) -> None:
    project, _ = swept
    uri = "models:/several/1"
    done = project.finesweep("predict", "--model", uri, "--file", "texts.csv", "--output", "o.csv")
    assert done.returncode == 0, done.stderr
    answered = pd.read_csv(project.folder / "o.csv")
    for name in NAMES:
        agree = answered[name] == answered[f"prediction/{name}"]
        assert agree.mean() > 0.9
    told = project.finesweep("predict", "--model", uri, "--json", "lovely paper", "the day")
    both, nothing = (json.loads(line) for line in told.stdout.splitlines())
    assert (both["label"], both["labels"]) == ("lovely, paper", ["lovely", "paper"])
    assert (nothing["label"], nothing["labels"]) == ("none", [])


def test_a_metric_of_several_labels_is_none_of_one(
    swept: tuple[Project, subprocess.CompletedProcess[str]],
) -> None:
    project, _ = swept
    column = "dataset.label_column=lovely"
    done = project.finesweep("sweep", "small", column, "sweep.metric=validation/f1_micro")
    assert done.returncode == 2
    told = re.escape(
        "'validation/f1_micro' needs several labels per text, and this dataset has one"
    )
    assert re.search(told, done.stderr)
