"""`finesweep adapt`: a model trained on the dataset's own text, and fine-tuned from its folder."""

from __future__ import annotations

import json
import re
import shlex
import signal
import sys
from pathlib import Path

import pandas as pd
import pytest

from finesweep.cli import main
from tests import tiny_bert as builder
from tests.e2e.conftest import Project

pytestmark = pytest.mark.slow
FOLDER = "mlruns/adapted/tiny-local"
TRAINING = ("training.batch_size=8", "training.learning_rate=0.005", "training.precision=fp32")


@pytest.fixture(scope="module")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny BERT with minilm's words, most of which the texts do without."""
    folder = tmp_path_factory.mktemp("tiny-bert-to-adapt")
    return builder.tiny_bert(folder, tokenizer=builder.minilm_tokenizer())


def adapt_command(texts: Path, *overrides: str) -> list[str]:
    data = ["dataset=local", f"dataset.path={texts}", "dataset.max_length=16", "model=tiny"]
    return ["adapt", *data, *TRAINING, "training.evaluations_per_epoch=1", *overrides]


def files_of(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_an_adapted_model_guesses_better_is_tracked_and_fine_tunes(
    project: Project, texts_csv: Path
) -> None:
    command = adapt_command(texts_csv, "training.epochs=2")
    done = project.finesweep(*command)
    assert done.returncode == 0, done.stderr
    (run,) = project.client.search_runs(["1"])
    assert run.info.status == "FINISHED"
    assert run.data.tags["finesweep.kind"] == "adapt"
    assert run.data.tags["finesweep.masked_head"] == "new"
    assert run.data.tags["finesweep.folder"] == FOLDER
    assert run.data.params["adapt.masked_share"] == "0.15"
    assert "test/loss" not in run.data.metrics
    history = project.client.get_metric_history(run.info.run_id, "validation/perplexity")
    n_chunks = history[1].step
    assert [each.step for each in history] == [0, n_chunks, 2 * n_chunks]
    assert history[-1].value < history[0].value / 10
    losses = project.client.get_metric_history(run.info.run_id, "train/loss")
    assert [each.step for each in losses] == [n_chunks, 2 * n_chunks]
    names = {file.path for file in project.client.list_artifacts(run.info.run_id)}
    assert names == {"config.yaml", "fill_mask.json"}
    path = project.client.download_artifacts(run.info.run_id, "fill_mask.json")
    filled = json.loads(Path(path).read_text())
    assert filled["probe"] == "This is a [MASK] movie!"
    assert len(filled["before"]) == len(filled["after"]) == 5

    told = f"validation perplexity {history[0].value:,.2f} → {history[-1].value:,.2f}"
    assert told in done.stdout
    assert "has no masked-language-model head" in done.stdout
    assert "This is a [MASK] movie!\n  before  " in done.stdout

    before = files_of(project.folder / FOLDER)
    again = project.finesweep(*command)
    assert again.returncode == 0, again.stderr
    assert again.stdout.startswith(f"already done: {FOLDER} holds this adaptation\n{told}\n")
    assert files_of(project.folder / FOLDER) == before
    assert len(project.client.search_runs(["1"])) == 1

    other = project.finesweep(*command, "training.epochs=1")
    assert other.returncode == 2
    assert f"training.epochs: 2 when {FOLDER} was created, now 1" in other.stderr
    assert "choose another folder with adapt.folder=…" in other.stderr
    assert files_of(project.folder / FOLDER) == before

    _, *fine_tune = shlex.split(done.stdout.partition("next:\n")[2].splitlines()[0])
    assert fine_tune[:3] == ["train", "model=checkpoint", f"model.name_or_path={FOLDER}"]
    trained = project.finesweep(*fine_tune, *TRAINING, "training.epochs=2")
    assert trained.returncode == 0, trained.stderr
    (fine_tuned,) = project.client.search_runs(["1"], "tags.`finesweep.kind` = 'train'")
    assert fine_tuned.info.status == "FINISHED"
    assert fine_tuned.data.params["model.name_or_path"] == FOLDER


def test_a_distilbert_made_from_a_bert_is_adapted_and_saved_as_a_distilbert(
    project: Project, texts_csv: Path
) -> None:
    folder = project.folder / "of-my-own"
    overrides = ("model=tiny_distil", "training.epochs=1", "adapt.folder=of-my-own")
    done = project.finesweep(*adapt_command(texts_csv, *overrides))
    assert done.returncode == 0, done.stderr
    assert json.loads((folder / "config.json").read_text())["model_type"] == "distilbert"
    assert "model.name_or_path=of-my-own" in done.stdout


def test_both_texts_of_each_pair_are_learned_from(project: Project, texts_csv: Path) -> None:
    rows = pd.read_csv(texts_csv)
    rows.assign(pair=rows["text"][::-1].to_numpy()).to_csv(
        project.folder / "pairs.csv", index=False
    )
    overrides = ("dataset.pair_column=pair", "training.epochs=1")
    done = project.finesweep(*adapt_command(Path("pairs.csv"), *overrides))
    assert done.returncode == 0, done.stderr
    shown = re.findall(r"^(train|validation): +(\d+) texts, ", done.stdout, re.MULTILINE)
    # Of 240 pairs, a tenth each is carved for validation and test.
    assert shown == [("train", "384"), ("validation", "48")]
    (run,) = project.client.search_runs(["1"])
    history = project.client.get_metric_history(run.info.run_id, "validation/perplexity")
    assert history[-1].value < history[0].value / 10
    assert (project.folder / FOLDER / "model.safetensors").exists()


def test_ctrl_c_ends_the_run_as_failed_and_leaves_nothing_half_written(
    project: Project, texts_csv: Path
) -> None:
    process = project.start(*adapt_command(texts_csv, "training.epochs=500"))
    assert process.stdout is not None
    told = iter(process.stdout.readline, "")
    assert next(line for line in told if "train loss" in line)
    process.send_signal(signal.SIGINT)
    _, complaint = process.communicate(timeout=240)
    assert process.returncode == 130
    assert complaint == "\nfinesweep: interrupted\n"
    (run,) = project.client.search_runs(["1"])
    assert run.info.status == "FAILED"
    assert run.data.tags["finesweep.reason"] == "interrupted"
    assert list((project.folder / "mlruns/adapted").iterdir()) == []


def test_a_loss_that_is_not_finite_fails_the_run_with_the_reason(
    project: Project, texts_csv: Path
) -> None:
    done = project.finesweep(*adapt_command(texts_csv, "training.learning_rate=1e30"))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    (run,) = project.client.search_runs(["1"])
    assert run.info.status == "FAILED"
    assert "the training loss became" in run.data.tags["finesweep.reason"]
    assert not (project.folder / FOLDER).exists()


MISTAKES = [
    ("adapt.masked_share=1", "adapt.masked_share: 1.0 given; must be above 0 and below 1"),
    ("adapt.probe=nothing", "adapt.probe: 'nothing' given; must have one [MASK] within its first"),
    ("adapt.folder=conf", "adapt.folder: conf exists but has no finished adaptation; choose"),
    ("dataset.max_length=65", "dataset.max_length: 65 given; "),
    ("adapt.prob=x", "adapt.prob: no such field; did you mean 'adapt.probe'?"),
]


@pytest.mark.parametrize(("override", "message"), MISTAKES, ids=[each[0] for each in MISTAKES])
def test_a_mistake_gets_one_message_and_leaves_no_run(
    new_project: Project,
    texts_csv: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    override: str,
    message: str,
) -> None:
    monkeypatch.chdir(new_project.folder)
    monkeypatch.setattr(sys, "argv", ["finesweep"])
    with pytest.raises(SystemExit) as ended:
        main(adapt_command(texts_csv, override))
    told = capsys.readouterr().err
    assert (ended.value.code, told.count("finesweep: ")) == (2, 1), told
    assert message in " ".join(told.split())
    assert not (new_project.folder / "mlruns" / "mlflow.db").exists()
