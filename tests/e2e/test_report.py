"""The report of a sweep that was really run, by the command and from Python."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from html import unescape
from pathlib import Path

import pytest
import yaml

from finesweep.config import compose
from tests.e2e.conftest import Project

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("swept")]
Swept = tuple[Project, subprocess.CompletedProcess[str]]


def test_the_command_writes_one_page_with_the_winner_s_numbers(swept: Swept) -> None:
    project, _ = swept
    done = project.finesweep("report", "small", "--output", "own.html")
    assert (done.returncode, done.stdout) == (0, "report: own.html\n"), done.stderr
    page = (project.folder / "own.html").read_text(encoding="utf-8")
    told = json.loads(project.finesweep("status", "small", "--json").stdout)
    assert f"<td class=number>{told['best']['value']:.4f}</td>" in page
    assert f"{told['winner']['test_metrics']['test/accuracy']:.1%}</b>" in page
    assert "Confusion matrix, test" in page
    assert "<td>all rows</td><td class=number>192</td><td class=number>24</td>" in page
    for name in ("plain", "good", "bad"):
        assert f"<tr><td>{name}</td><td class=number>" in page
    assert "small-model version 1, alias challenger" in page
    assert not re.search(r"What is missing here", page)


def test_its_command_composes_the_config_of_the_winner_s_run(
    swept: Swept, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, _ = swept
    page = Path(project.folder / "own.html").read_text(encoding="utf-8")
    command = re.search(r"<code>(finesweep train [^<]+)</code>", page)
    assert command is not None
    told = json.loads(project.finesweep("status", "small", "--json").stdout)
    path = project.client.download_artifacts(told["winner"]["run_id"], "config.yaml")
    known = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    monkeypatch.chdir(project.folder)
    composed = compose(shlex.split(unescape(command[1]))[2:])
    again = yaml.safe_load(composed.yaml())
    for part in ("dataset", "model", "training"):
        assert again[part] == known[part]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["smal"], "no study 'smal' in sqlite:///mlruns/optuna.db; did you mean 'small'?"),
        (["small", "--output", "mlruns"], "output: mlruns: is a folder; name a file"),
        (["small", "--output", "conf/no/own.html"], "there is no folder conf/no"),
        (["small", "trainin.epochs=2"], "trainin"),
    ],
)
def test_a_mistake_is_one_message(swept: Swept, arguments: list[str], said: str) -> None:
    project, _ = swept
    done = project.finesweep("report", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
