"""What a user gets wrong is answered in one message, with exit code 2, and leaves no run."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pandas as pd
import pytest

from finesweep.cli import main
from tests.e2e.conftest import Project

pytestmark = pytest.mark.slow

TEXTS = "text,label\n" + "\n".join(f"text {i},{'ab'[i % 2]}" for i in range(60))
MISTAKES = [
    (["model=brt"], {}, r"model: no choice 'brt'; did you mean 'bert'\?"),
    (["training.learning_rate=-1"], {}, r"training.learning_rate: -1.0 given; must be above 0"),
    (["training.learning_rate=fast"], {}, r"training.learning_rate: 'fast' given; must be a num"),
    (["dataset.max_length=65"], {"t.csv": TEXTS}, r"dataset.max_length: 65 given; .* at most 64"),
    (["model.freeze_layers=5"], {"t.csv": TEXTS}, r"model.freeze_layers: 5 given; .* 4 layers"),
    ([], {}, r"dataset.path: .*t\.csv"),
    ([], {"t.csv": ""}, r"dataset.path: .*empty"),
    ([], {"t.csv": "words,label\na,b\n"}, r"dataset.text_column: .*'text'"),
    ([], {"t.csv": "text,klass\na,b\n"}, r"dataset.label_column: .*'label'"),
    ([], {"t.csv": TEXTS.replace(",b", ",a")}, r"one class"),
    ([], {"t.csv": TEXTS.replace("text 3,b", ",b")}, r"row 4.*dataset.missing=drop"),
    (["model=bert"], {"t.csv": TEXTS}, r"Hugging Face Hub cannot be reached"),
    (["dataset=imdb", "dataset.path=null"], {}, r"dataset.hub: .*Hub cannot be reached"),
    (["storage.url=sqlite:///x.db", "tracking.uri=nope://x"], {"t.csv": TEXTS}, r"tracking.uri"),
]


@pytest.mark.parametrize(
    ("overrides", "files", "message"), MISTAKES, ids=[mistake[2][:32] for mistake in MISTAKES]
)
def test_a_mistake_gets_one_message_and_leaves_no_run(
    new_project: Project,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    overrides: list[str],
    files: dict[str, str],
    message: str,
) -> None:
    for name, content in files.items():
        (new_project.folder / name).write_text(content)
    monkeypatch.chdir(new_project.folder)
    monkeypatch.setattr(sys, "argv", ["finesweep"])
    base = ["dataset=local", "dataset.path=t.csv", "model=tiny", "dataset.max_length=16"]
    with pytest.raises(SystemExit) as ended:
        main(["train", *base, *overrides])
    told = capsys.readouterr().err
    assert ended.value.code == 2, told
    assert told.count("finesweep: ") == 1
    assert "Traceback" not in told
    assert re.search(message, " ".join(told.split())), told
    if (new_project.folder / "mlruns" / "mlflow.db").exists():
        assert not new_project.client.search_runs(["1"])


def test_strict_checks_keep_a_sweep_from_beginning(new_project: Project, texts_csv: Path) -> None:
    rows = pd.read_csv(texts_csv)
    rows[:160].to_csv(new_project.folder / "train.csv", index=False)
    # Every tenth row of the test split stands in train too.
    test = pd.concat([rows[160:], rows[:8]])
    test.to_csv(new_project.folder / "test.csv", index=False)
    data = ("dataset.path=null", "dataset.files.train=train.csv", "dataset.files.test=test.csv")
    done = new_project.finesweep(
        "sweep", "small", *data, "sweep.register=null", "dataset.checks=strict"
    )
    assert done.returncode == 2, done.stdout + done.stderr
    assert "finesweep: dataset.checks: leakage: 8 rows of test (9.1 %)" in done.stderr
    assert "test rows 81, 82, 83, 84, 85, …" in done.stderr
    assert not list(new_project.folder.glob("mlruns/*.db"))
