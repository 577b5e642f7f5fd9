"""The page of `finesweep watch`, over HTTP."""

from __future__ import annotations

from http.client import HTTPConnection
from pathlib import Path
from queue import Queue
from threading import Thread

import optuna
import pytest
from tests.unit.report.made import made_study

from finesweep.report.live import LiveReport, serve
from finesweep.sweep.study.optuna_private import storage_of

pytestmark = pytest.mark.slow


def answer(address: str, path: str) -> tuple[int, str]:
    connection = HTTPConnection(address.removeprefix("http://"), timeout=30)
    connection.request("GET", path)
    response = connection.getresponse()
    return response.status, response.read().decode()


def test_a_study_that_cannot_be_read_is_told_once_and_answered_by_503(workplace: Path) -> None:
    study, said, addresses = made_study(2), list[str](), Queue[str]()
    live = LiveReport(study, [])
    Thread(
        target=serve,
        args=(live, 0),
        kwargs={"on_ready": addresses.put, "say": said.append},
        daemon=True,
    ).start()
    address = addresses.get(timeout=30)
    assert answer(address, "/version") == (200, live.version())
    optuna.delete_study(study_name="own", storage=storage_of(study))
    problem = "study 'own' cannot be read: KeyError: 'Record does not exist.'"
    for path in ("/version", "/report", "/version"):
        assert answer(address, path) == (503, problem)
    assert answer(address, "/")[0] == 200
    assert said == [problem]
