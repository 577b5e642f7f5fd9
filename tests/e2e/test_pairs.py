"""Pairs of texts from `train` to `predict`, on a task that neither text solves alone."""

from __future__ import annotations

import json
import random
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from tests.e2e.conftest import Project, make_project
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("pairs")]
KEYS = ("lovely", "awful")
FILLERS = ("table", "window", "paper", "film", "day", "quite", "dull", "great")
TRAINING = (
    "model=tiny",
    "dataset=local",
    "dataset.text_column=premise",
    "dataset.pair_column=hypothesis",
    "dataset.max_length=12",
    "training.batch_size=16",
    "training.epochs=4",
    "training.learning_rate=0.005",
    "training.evaluations_per_epoch=1",
    "training.precision=fp32",
    "dataset.test_size=60",
)


@dataclass(frozen=True)
class Learned:
    """A project in which one model of pairs was trained, what that printed, and its rows."""

    project: Project
    said: str
    rows: pd.DataFrame

    @property
    def model(self) -> str:
        return re.findall(r"--model (models:/\S+)", self.said)[0]

    @property
    def answers(self) -> pd.DataFrame:
        """What the run itself answered to the test rows."""
        (run,) = self.project.client.search_runs(["1"])
        path = self.project.client.download_artifacts(run.info.run_id, "test/predictions.parquet")
        return pd.read_parquet(path)

    def predict(self, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        return self.project.finesweep("predict", "--model", self.model, *arguments, given=given)


def drawn_rows(n: int) -> pd.DataFrame:
    """Two texts of one key word and some fillers each: `same` where the key word is the same."""
    drawn = random.Random(0)
    rows = []
    for number in range(n):
        keys = [drawn.choice(KEYS), drawn.choice(KEYS)]
        texts = []
        for key in keys:
            words = [key, *drawn.sample(FILLERS, k=2)]
            drawn.shuffle(words)
            texts.append(" ".join(words))
        rows.append((number, *texts, "same" if keys[0] == keys[1] else "other"))
    columns = ["id", "premise", "hypothesis", "label"]
    return pd.DataFrame(rows, columns=columns).drop_duplicates(["premise", "hypothesis"])


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory, tiny_bert: Path) -> Learned:
    folder = tmp_path_factory.mktemp("pairs")
    rows = drawn_rows(1200)
    rows[:-60].to_csv(folder / "train.csv", index=False)
    rows[-60:].to_csv(folder / "test.csv", index=False)
    project = make_project(folder, model=tiny_bert, texts=folder / "train.csv")
    files = "dataset.files={train: train.csv, test: test.csv}"
    done = project.finesweep("train", *TRAINING, files)
    assert done.returncode == 0, done.stderr
    return Learned(project, done.stdout, rows)


def test_what_only_both_texts_tell_is_learned(learned: Learned) -> None:
    (run,) = learned.project.client.search_runs(["1"])
    assert run.data.metrics["test/accuracy"] > 0.8  # the commonest class has about half
    assert learned.rows["label"].value_counts(normalize=True).max() < 0.6
    assert '"first text" "second text"' in learned.said


def test_a_file_is_answered_as_the_run_answered_it(learned: Learned) -> None:
    columns = ("--text-column", "premise", "--pair-column", "hypothesis", "--threshold", "0")
    done = learned.predict("--file", "test.csv", "--output", "out.csv", *columns)
    assert done.returncode == 0, done.stderr
    answered = pd.read_csv(learned.project.folder / "out.csv")
    # The likeliest, as in the run: an answer may rest on a fitted decision threshold.
    likeliest = answered[["probability/other", "probability/same"]].idxmax(axis=1)
    wanted = "probability/" + learned.answers["prediction"]
    assert likeliest.tolist() == wanted.tolist()


def test_two_texts_and_a_line_are_answered_as_the_run_answered_them(learned: Learned) -> None:
    texts = learned.rows[["premise", "hypothesis"]].to_numpy().tolist()[-2:]
    wanted = learned.answers["prediction"].tolist()[-2:]
    how = ("--json", "--threshold", "0")
    given = learned.predict(*how, *texts[0], *texts[1])
    lines = learned.predict(*how, given="\n".join("\t".join(pair) for pair in texts))
    for done in (given, lines):
        told = [json.loads(line) for line in done.stdout.splitlines()]
        likeliest = [max(each["probabilities"].items(), key=lambda of: of[1])[0] for each in told]
        assert likeliest == wanted, done.stderr
        assert [[each["text"], each["pair"]] for each in told] == texts


@pytest.mark.parametrize(
    ("arguments", "given", "told"),
    [
        (
            ("a", "b", "c"),
            "",
            "TEXT: the model needs pairs of texts, but 3 texts are not whole pairs",
        ),
        ((), "a\tb\nc d\n", "standard input: each line must be two texts separated by one tab"),
        (("--file", "test.csv", "--text-column", "premise"), "", "there is no column 'pair' for"),
        (
            ("--text-column", "text", "--pair-column", "text"),
            "a\tb\n",
            "--pair-column: the model needs pairs of texts, and column 'text' is already the "
            "first text",
        ),
    ],
)
def test_what_is_no_pair_is_one_clear_message(
    learned: Learned, arguments: tuple[str, ...], given: str, told: str
) -> None:
    done = learned.predict(*arguments, given=given)
    assert done.returncode == 2
    assert told in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_page_and_an_endpoint_answer_pairs_as_predict_does(learned: Learned) -> None:
    pytest.importorskip("gradio", reason="the extra finesweep[serve] is not installed")
    pytest.importorskip("selenium", reason="the extra finesweep[test] is not installed")
    from finesweep.serving.markup import HALF
    from tests.e2e.browser import chromium
    from tests.e2e.served import ask, classify, opened, part, serving, tab

    texts = learned.rows[["premise", "hypothesis"]].to_numpy().tolist()[-2:]
    path = learned.project.folder / "lines.txt"
    path.write_text("\n".join("\t".join(pair) for pair in texts), encoding="utf-8")
    told = learned.predict("--json", given=path.read_text(encoding="utf-8")).stdout.splitlines()
    wanted = [json.loads(line) for line in told]
    with serving(learned.project, learned.model) as address, chromium() as browser:
        made = ask(address, "/api/predict", {"pairs": texts})["predictions"]
        assert [each["label"] for each in made] == [each["label"] for each in wanted]
        assert made[0]["probabilities"] == pytest.approx(wanted[0]["probabilities"], abs=1e-5)
        card = ask(address, "/api/model")
        assert card["reads"] == "pairs"
        assert card["facts"]["reads"].startswith(
            "the first 12 tokens of a pair of texts, both together"
        )
        opened(browser, address)
        assert classify(browser, *texts[0]).split()[0] == wanted[0]["label"]
        assert all(word in part(browser, "#words").text for word in " ".join(texts[0]).split())
        browser.save_screenshot(str(learned.project.folder / "pair.png"))
        answered = classify(browser, "lovely", " ")
        assert answered == f"UNCERTAIN\n{HALF}"
        tab(browser, "Many pairs")
        part(browser, "#file input[type=file]").send_keys(str(path))
        until(lambda: "2 rows classified" in part(browser, "#said").text, seconds=30)
