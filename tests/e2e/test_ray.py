"""Workers on a Ray cluster of two nodes: placed on both, told to leave, replaced when lost."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from finesweep.config import LauncherConfig
from finesweep.errors import FinesweepError
from finesweep.sweep.launchers import Launcher, make_launcher
from tests.e2e.conftest import Project
from tests.e2e.test_launchers import assert_registered
from tests.waiting import until
from tests.workers import COMMAND, ended, up

ray = pytest.importorskip("ray", reason="the extra finesweep[ray] is not installed")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("ray"),
    # Ray's own: file handles it leaves to the garbage collector, and its plans for num_gpus=0.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::FutureWarning"),
]


def parent(pid: int) -> str:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(line for line in status.splitlines() if line.startswith("PPid:"))


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two nodes of two cores each, on this machine."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        made = Cluster(initialize_head=True, head_node_args={"num_cpus": 2})
        made.add_node(num_cpus=2)
        yield made
        made.shutdown()


@pytest.fixture
def launcher(cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Launcher]:
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://tracking:5000")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    config = LauncherConfig(name="ray", cpus_per_worker=2)
    made = make_launcher(config, command=COMMAND, workers=2, logs=tmp_path / "logs")
    yield made
    made.close()


def test_workers_run_on_both_nodes_with_their_threads_and_settings(launcher: Launcher) -> None:
    workers = [launcher.start(0), launcher.start(1)]
    values = [up(worker) for worker in workers]
    assert [each["OMP_NUM_THREADS"] for each in values] == ["2", "2"]
    assert [each["MLFLOW_TRACKING_URI"] for each in values] == ["http://tracking:5000"] * 2
    # An actor's parent is the raylet of its node.
    assert len({parent(int(each["parent"])) for each in values}) == 2
    assert [worker.poll() for worker in workers] == [None, None]
    assert [worker.pid for worker in workers] == [None, None]


def test_an_interrupted_worker_releases_its_slot_and_a_drained_one_finishes(
    launcher: Launcher,
) -> None:
    first, second = launcher.start(0), launcher.start(1)
    up(first)
    up(second)
    first.interrupt()
    assert ended(first) == 130
    assert first.last_output().splitlines()[-1] == "released"
    assert second.poll() is None
    second.drain()
    assert ended(second) == 0
    assert second.last_output().splitlines()[-1] == "drained"


def test_a_killed_worker_and_a_lost_actor_are_replaced(launcher: Launcher) -> None:
    first, second = launcher.start(0), launcher.start(1)
    pid, actor = (int(up(first)[name]) for name in ("pid", "parent"))
    os.kill(actor, signal.SIGKILL)
    assert ended(first) == 1
    assert first.last_output().startswith("lost: ")
    until(lambda: gone(pid))
    up(second)
    second.kill()
    assert ended(second) == -signal.SIGKILL
    again = [launcher.start(0), launcher.start(1)]
    for worker in again:
        up(worker)
    assert [worker.poll() for worker in again] == [None, None]


def test_a_worker_that_no_node_has_room_for_waits_and_can_be_sent_away(launcher: Launcher) -> None:
    workers = [launcher.start(index) for index in range(3)]
    until(lambda: sum(worker.last_output().startswith("up ") for worker in workers) == 2)
    (waiting,) = [worker for worker in workers if worker.last_output().startswith("waiting")]
    assert waiting.poll() is None
    waiting.interrupt()
    assert waiting.poll() == 130


def test_a_lost_node_is_a_lost_worker(cluster: Any, launcher: Launcher, tmp_path: Path) -> None:
    third = cluster.add_node(num_cpus=4)
    cluster.wait_for_nodes()
    config = LauncherConfig(name="ray", cpus_per_worker=4)
    large = make_launcher(config, command=COMMAND, workers=1, logs=tmp_path)
    worker = large.start(0)
    pid = int(up(worker)["pid"])
    cluster.remove_node(third, allow_graceful=False)
    # It may be told of the killed process first, and of the node then.
    code = ended(worker)
    assert code in (1, -signal.SIGKILL)
    assert code != 1 or worker.last_output().startswith("lost: ")
    until(lambda: gone(pid))


def test_a_sweep_is_run_and_registered_by_workers_of_the_cluster(
    cluster: Any, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    assert_registered(project, "launcher=ray", "workers=1")


def test_a_cluster_of_its_own_is_started_and_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    handler = signal.getsignal(signal.SIGTERM)
    made = make_launcher(LauncherConfig(name="ray"), command=COMMAND, workers=1, logs=tmp_path)
    assert signal.getsignal(signal.SIGTERM) is handler
    worker = made.start(0)
    pid = int(up(worker)["pid"])
    made.close()
    assert not ray.is_initialized()
    until(lambda: gone(pid))


def test_a_cluster_of_another_version_is_told_in_rays_words(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray, "__version__", "2.9.0")
    config = LauncherConfig(name="ray", address=cluster.address)
    message = r"(?s)^the Ray cluster at \S+ cannot be used: Version mismatch: .* Ray: 2\.9\.0\n"
    with pytest.raises(FinesweepError, match=message):
        make_launcher(config, command=COMMAND, workers=1, logs=tmp_path)
    assert not ray.is_initialized()


@pytest.mark.parametrize("address", ["nowhere", "127.0.0.1:99999"])
def test_an_address_that_ray_does_not_read_is_told(address: str, tmp_path: Path) -> None:
    config = LauncherConfig(name="ray", address=address)
    with pytest.raises(FinesweepError, match=f"Ray cluster .*at {address}"):
        make_launcher(config, command=COMMAND, workers=1, logs=tmp_path)


def test_a_cluster_that_does_not_answer_is_told(tmp_path: Path) -> None:
    config = LauncherConfig(name="ray", address="127.0.0.1:1")
    with pytest.raises(FinesweepError, match=r"^no Ray cluster responds at 127\.0\.0\.1:1$"):
        make_launcher(config, command=COMMAND, workers=1, logs=tmp_path)
