"""`finesweep ui` serves the project's runs, and leaves no process behind."""

from __future__ import annotations

import json
import signal
import socket
import urllib.request

import psutil
import pytest

from tests.e2e.conftest import Project

pytestmark = pytest.mark.slow


LINK = "/#/experiments/1/runs?workflowType=machine_learning&viewStateShareKey="


def test_ui_serves_the_projects_store_and_stops_with_all_its_processes(project: Project) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    ui = project.start("ui", "--port", str(port))
    assert ui.stdout is not None
    line = ui.stdout.readline()
    at = f"MLflow UI at http://127.0.0.1:{port}{LINK}finesweep-runs\n"
    assert line == at, ui.communicate()[1]
    assert ui.stdout.readline() == "Ctrl-C stops it\n"
    server = psutil.Process(ui.pid).children(recursive=True)
    search = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/2.0/mlflow/experiments/search",
        data=json.dumps({"max_results": 5}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(search, timeout=60) as answer:
        names = {each["name"] for each in json.load(answer)["experiments"]}
    assert "finesweep" in names
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=60) as page:
        assert b"<title>MLflow</title>" in page.read()
    ui.send_signal(signal.SIGINT)
    printed, errors = ui.communicate(timeout=60)
    assert (ui.returncode, printed, errors) == (0, "", "")
    assert server
    assert not any(process.is_running() for process in server)


def test_a_port_in_use_is_one_message(project: Project) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = project.finesweep("ui", "--port", str(port))
    assert done.returncode == 2
    assert done.stderr == (
        f"finesweep: --port: 127.0.0.1:{port}: Address already in use; choose another\n"
    )
