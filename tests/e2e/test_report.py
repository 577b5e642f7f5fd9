"""The report of a sweep that was really run, by the command and from Python."""

from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
import urllib.error
import urllib.request
from html import unescape
from pathlib import Path

import optuna
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
    assert project.finesweep("report", "small", "--output", "again.html").returncode == 0
    page = Path(project.folder / "again.html").read_text(encoding="utf-8")
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


def test_a_watched_sweep_is_loaded_again_when_it_has_gone_on(swept: Swept) -> None:
    project, _ = swept
    watch = project.start("watch", "small", "--port", "0")
    assert watch.stdout is not None
    said = watch.stdout.readline()
    address = said.split()[0]
    assert said == f"{address} shows the sweep as it goes on; Ctrl-C ends this page only\n"

    def get(path: str, host: str = "localhost") -> tuple[int, str]:
        request = urllib.request.Request(f"{address}{path}", headers={"Host": f"{host}:1"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, ""

    before = get("/version")
    assert "Sweep small, as of" in get("/report")[1]
    assert '<iframe src="/report"' in get("/")[1]
    assert get("/version") == before
    assert get("/version", host="evil.example") == (404, "")
    study = optuna.load_study(study_name="small", storage=project.storage_url)
    study.set_user_attr("seen", "a change")
    assert get("/version") != before
    watch.send_signal(signal.SIGINT)
    assert watch.communicate() == ("", "")
    assert watch.returncode == 0


def test_a_port_that_cannot_be_used_is_one_message(swept: Swept) -> None:
    project, _ = swept
    done = project.finesweep("watch", "small", "--port", "70000")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--port: 70000 given; must be 0 to 65535" in done.stderr
