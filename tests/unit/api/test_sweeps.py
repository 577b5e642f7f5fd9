"""How the workers of a sweep are told what they work on."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from finesweep.api.sweeps import worker_command
from finesweep.config import SweepPlan, compose

pytestmark = pytest.mark.slow


def with_storage(plan: SweepPlan, url: str) -> SweepPlan:
    storage = replace(plan.base.config.storage, url=url)
    return replace(plan, base=replace(plan.base, config=replace(plan.base.config, storage=storage)))


@pytest.mark.usefixtures("workplace")
def test_the_workers_of_sweeps_in_two_threads_join_each_its_own_storage(demo: SweepPlan) -> None:
    before, default = dict(os.environ), compose().config.storage.url
    both_run = threading.Barrier(2, timeout=10)

    def joined(url: str) -> str:
        with worker_command(with_storage(demo, url)) as command:
            assert url not in command
            both_run.wait()
            found = compose([command[-1]]).config.storage.url
            assert compose().config.storage.url == default
            both_run.wait()
        return found

    urls = ["sqlite:///one.db", "postgresql://ada:secret@db/optuna"]
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(joined, urls)) == urls
    assert dict(os.environ) == before
