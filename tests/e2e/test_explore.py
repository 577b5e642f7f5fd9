"""`finesweep explore` shows a user's own file, keeps what it showed, and judges when told to."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from finesweep import cli
from finesweep.api import exploration
from finesweep.records import Finding
from tests.e2e.conftest import Project, make_project

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("explore")]
QUICK = ("model=tiny", "dataset.max_length=8")
PICTURES = {"balance", "bigrams", "clouds", "cut", "lengths", "trigrams", "words"}


class Page(HTMLParser):
    """A page's words, and the addresses that it asks for."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.words: list[str] = []
        self.tags: dict[str, dict[str, str | None]] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] = dict(attrs)
        self.asked += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.fixture(scope="module")
def explored(
    tmp_path_factory: pytest.TempPathFactory, tiny_bert: Path, texts_csv: Path
) -> tuple[Project, subprocess.CompletedProcess[str]]:
    """A project whose texts have been explored once, a missing one and HTML among them."""
    project = make_project(tmp_path_factory.mktemp("explored"), model=tiny_bert, texts=texts_csv)
    rows = pd.read_csv(texts_csv)
    rows.loc[0, "text"] = "<script src='http://evil.example/x.js'></script> [bold]lovely[/bold]"
    rows.loc[5, "text"] = None
    rows.to_csv(project.folder / "mine.csv", index=False)
    done = project.finesweep("explore", "dataset=local", "dataset.path=mine.csv", *QUICK)
    assert done.returncode == 0, done.stderr
    return project, done


def test_the_screen_shows_rows_lengths_truncation_and_phrases(
    explored: tuple[Project, subprocess.CompletedProcess[str]],
) -> None:
    _, done = explored
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert done.stderr == ""
    assert "data: 1 row of train with missing text dropped" in lines
    assert "all 191 24 24" in lines
    assert "bad 64 (33.5%) 8 (33.3%) 8 (33.3%)" in lines
    assert "words all 7 7 7 7" in lines
    assert "texts truncated by max_length [8] 32 64 128 256 512" in lines
    assert any(re.match(r"train \d+\.\d% 0\.\d% 0\.0%", line) for line in lines)
    (good, *_) = [line for line in lines if line.startswith("good ") and "lovely" in line]
    assert {"great", "superb"} <= set(re.findall(r"[a-z]+", good))
    missing = next(
        k for k, line in enumerate(lines) if "1 row (0.4 %) with missing or blank text" in line
    )
    assert lines[missing].startswith("warning ")
    assert any("train 6" in line for line in lines[missing : missing + 4]), lines[missing:]
    assert max(map(len, done.stdout.splitlines()[:-2])) <= 100


def test_the_next_command_is_printed_and_would_train(
    explored: tuple[Project, subprocess.CompletedProcess[str]],
) -> None:
    project, done = explored
    (line,) = [line for line in done.stdout.splitlines() if "finesweep train" in line]
    program, *arguments = shlex.split(line)
    assert program == "finesweep"
    assert arguments[-1] == "dataset.missing=drop"
    assert project.finesweep(*arguments, "--cfg", "job").returncode == 0


def test_one_run_of_its_own_kind_holds_all_that_was_found(
    explored: tuple[Project, subprocess.CompletedProcess[str]],
) -> None:
    project, _ = explored
    (run,) = project.client.search_runs(["1"])
    assert (run.info.run_name, run.info.status) == ("explore local", "FINISHED")
    assert run.data.tags["finesweep.kind"] == "explore"
    assert run.data.params["dataset.path"] == "mine.csv"
    assert run.data.params["model"] == "tiny"
    rows = {"rows/train": 191, "rows/validation": 24, "rows/test": 24}
    path = project.client.download_artifacts(run.info.run_id, "explore/findings.json")
    found = Counter(each["severity"] for each in json.loads(Path(path).read_text()))
    counts = {f"findings/{name}": found[name] for name in ("severe", "warning", "note")}
    assert run.data.metrics == rows | counts
    assert counts["findings/severe"] == 0
    (given,) = run.inputs.dataset_inputs
    assert given.dataset.profile == '{"train": 191, "validation": 24, "test": 24}'
    assert [tag.value for tag in given.tags] == ["exploration"]
    files = {item.path for item in project.client.list_artifacts(run.info.run_id, "explore")}
    assert files == {
        "explore/explore.html",
        "explore/explore.json",
        "explore/findings.json",
        *(f"explore/{name}.png" for name in PICTURES),
    }


def test_the_numbers_are_for_programs_too(
    explored: tuple[Project, subprocess.CompletedProcess[str]],
) -> None:
    project, _ = explored
    (run,) = project.client.search_runs(["1"])
    path = project.client.download_artifacts(run.info.run_id, "explore/explore.json")
    made = json.loads(Path(path).read_text())
    assert made["splits"]["test"] == {"rows": 24, "classes": {"bad": 8, "good": 8, "plain": 8}}
    assert made["lengths"]["validation"]["words"]["all"]["maximum"] == 7
    counts = {each["text"]: each["count"] for each in made["phrases"]["words"]["bad"]}
    assert sum(counts[word] for word in ("awful", "dull", "dreadful")) == 64 * 4
    assert len(made["examples"]["plain"]) == 2
    assert (made["model"], made["max_length"], made["special_tokens"]) == ("tiny", 8, 2)


def test_the_page_stands_alone_and_runs_nothing_of_the_texts(
    explored: tuple[Project, subprocess.CompletedProcess[str]],
) -> None:
    project, done = explored
    assert "page: mlruns/explore/mine.csv.html" in done.stdout
    text = (project.folder / "mlruns/explore/mine.csv.html").read_text(encoding="utf-8")
    page = Page(text)
    assert len(page.asked) == len(PICTURES)
    assert all(address.startswith("data:image/png;base64,iVBOR") for address in page.asked)
    assert page.tags["html"]["lang"] == "en"
    assert "script" not in page.tags
    assert "mine.csv: the dataset" in page.words
    assert "191" in page.words
    assert sorted(path.name for path in (project.folder / "mlruns/explore").iterdir()) == [
        "mine.csv.html"
    ]


Said = Callable[..., tuple[int, str, str]]


@pytest.fixture
def judged(
    project: Project,
    texts_csv: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Said:
    """Explores texts in which the checks find a leak, in this process: exit code, out and err."""
    leak = Finding(
        "leaks", "severe", "2 texts of test are [also] in train", (("test", 3), ("test", 9))
    )
    note = Finding("lengths", "note", "all is short", ())
    monkeypatch.setattr("finesweep.dataset.checks.examine", lambda splits, on_check: (leak, note))
    monkeypatch.setattr("finesweep.runs.evaluation_files.DOTS_PER_INCH", 30)  # nobody looks
    monkeypatch.setenv("COLUMNS", "100")
    # MLflow keeps an open database by its URI: a relative one would be the last test's.
    place = f"tracking.uri=sqlite:///{project.folder}/mlruns/mlflow.db"
    monkeypatch.chdir(project.folder)

    def said(*overrides: str) -> tuple[int, str, str]:
        data = ("dataset=local", f"dataset.path={texts_csv}")
        with pytest.raises(SystemExit) as ended:
            cli.main(["explore", *data, *QUICK, place, *overrides])
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return said


def test_a_severe_finding_is_shown_but_only_strict_checks_end_with_exit_2(
    judged: Said, project: Project
) -> None:
    code, out, err = judged()
    assert (code, err) == (0, "")
    assert re.search(r"severe +2 texts of test are \[also\] in train\n +rows: test 3, 9", out)
    code, out, err = judged("dataset.checks=strict")
    assert (code, err) == (
        2,
        "finesweep: dataset.checks: 'strict' given, and 1 finding of the data is severe\n",
    )
    assert "severe" in out
    assert re.search(r"page: mlruns/explore/[\w.-]+\.csv-\w{6}\.html", out)
    strict, loose = project.client.search_runs(["1"])
    assert strict.data.metrics["findings/severe"] == loose.data.metrics["findings/severe"] == 1
    assert strict.info.status == "FINISHED"
    path = project.client.download_artifacts(strict.info.run_id, "explore/findings.json")
    assert json.loads(Path(path).read_text()) == [
        {
            "check": "leaks",
            "severity": "severe",
            "message": "2 texts of test are [also] in train",
            "rows": [["test", 3], ["test", 9]],
        },
        {"check": "lengths", "severity": "note", "message": "all is short", "rows": []},
    ]


def test_without_severe_findings_strict_checks_pass_and_a_name_with_a_path_stays_in_the_folder(
    judged: Said, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = Finding("lengths", "note", "all is short", ())
    monkeypatch.setattr("finesweep.dataset.checks.examine", lambda splits, on_check: (note,))
    code, out, _ = judged("dataset.checks=strict", "dataset.name=../../mine v1.0")
    assert code == 0
    assert "note  all is short" in out
    assert "page: mlruns/explore/______mine_v1_0.html" in out
    assert (project.folder / "mlruns/explore/______mine_v1_0.html").is_file()


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["model=tny"], r"model: no choice 'tny'; did you mean 'tiny'\?"),
        (
            ["dataset.checks=strikt"],
            r"dataset.checks: 'strikt' is not a choice; did you mean 'strict'",
        ),
        (["dataset.path=absent.csv"], r"dataset.path: .*absent.csv"),
        (["dataset.text_column=words"], r"dataset.text_column: .* no column 'words'"),
        (["tracking.uri=nope://x"], r"tracking.uri: cannot open"),
    ],
)
def test_a_mistake_gets_one_message_and_leaves_no_run(
    judged: Said, project: Project, overrides: list[str], message: str
) -> None:
    code, out, err = judged(*overrides)
    assert (code, out) == (2, "")
    assert err.count("finesweep: ") == 1
    assert re.search(message, " ".join(err.split())), err
    assert not (project.folder / exploration.PAGES).exists()
    if (project.folder / "mlruns" / "mlflow.db").exists():
        assert not project.client.search_runs(["1"])
