"""A follower's answers when nothing can be trained; trainings are in test_followers.py."""

from __future__ import annotations

import socket
from dataclasses import asdict

import pytest

from finesweep.config import compose
from finesweep.records import Objective
from finesweep.runs.ranks.following import Follower
from finesweep.runs.ranks.link import Link
from finesweep.runs.ranks.orders import order_of


def test_a_run_that_cannot_be_loaded_is_answered_with_the_reason(
    capsys: pytest.CaptureFixture[str],
) -> None:
    here, there = socket.socketpair()
    composed = compose(["dataset=local", "dataset.path=nowhere.csv", "training.precision=fp32"])
    order = order_of(composed, Objective(), None)
    follower = Follower(Link(there))
    follower.obey({"id": 7, "train": asdict(order)})
    there.close()
    with here:
        (answer,) = Link(here).messages()
    assert answer["id"] == 7
    assert [path for path, _ in answer["failed"]["problems"]] == ["dataset.path"]
    assert follower.prepared is None
    assert "nowhere.csv" in capsys.readouterr().err
