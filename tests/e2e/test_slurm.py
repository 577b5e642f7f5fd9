"""Workers as an array of a real Slurm on one node: told to leave, queued again, cancelled."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from finesweep.config import LauncherConfig
from finesweep.errors import FinesweepError
from finesweep.sweep.launchers import Launcher, WorkerHandle, make_launcher, slurm_worker
from tests.waiting import until
from tests.workers import COMMAND, ended, up

pytest.importorskip("submitit", reason="the extra finesweep[slurm] is not installed")

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("slurm")]

SCRIPT = Path(__file__).with_name("slurm.sh")
UNAVAILABLE = 75


def queue_states() -> dict[str, str]:
    """Task → state, for those that wait or run."""
    command = ["squeue", "--noheader", "--array", "--format=%i %T"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(line.split() for line in sorted(listed.stdout.splitlines()))


@pytest.fixture(scope="module")
def _cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A Slurm of its own, found by SLURM_CONF; skips where it cannot be had."""
    folder = tmp_path_factory.mktemp("cluster")
    started = subprocess.run(
        ["sh", SCRIPT, "start", folder], stderr=subprocess.PIPE, text=True, check=False
    )
    try:
        if started.returncode == UNAVAILABLE:
            pytest.skip(started.stderr.strip().splitlines()[-1])
        assert started.returncode == 0, started.stderr
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SLURM_CONF", str(folder / "slurm.conf"))
            yield
    finally:
        subprocess.run(["sh", SCRIPT, "stop", folder], check=True)


@pytest.fixture
def config(_cluster: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LauncherConfig:
    monkeypatch.setattr(slurm_worker, "RESULT_LAG_SECONDS", 1.0)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    return LauncherConfig(
        name="slurm", partition="test", folder=str(tmp_path / "jobs"), parameters={"nice": 0}
    )


def make(config: LauncherConfig, *, workers: int = 2) -> tuple[Launcher, list[WorkerHandle]]:
    made = make_launcher(config, command=COMMAND, workers=workers, logs=Path(config.folder))
    return made, [made.start(index) for index in range(workers)]


def test_an_array_of_workers_is_queued_again_drained_interrupted_and_killed(
    config: LauncherConfig,
) -> None:
    launcher, (first, second) = make(config)
    tasks = [up(worker) for worker in (first, second)]
    assert [each["SLURM_ARRAY_TASK_ID"] for each in tasks] == ["0", "1"]
    assert [each["OMP_NUM_THREADS"] for each in tasks] == ["1", "1"]
    ids = list(queue_states())
    assert [name.split("_")[1] for name in ids] == ["0", "1"]
    # What Slurm sends ahead of the time limit, and ahead of a preemption.
    subprocess.run(["scancel", "--signal=USR2", ids[0]], check=True)
    log = Path(config.folder) / f"{ids[0]}_0_log.out"
    until(lambda: queue_states()[ids[0]] == "PENDING")
    # Slurm holds it back for two minutes.
    subprocess.run(["scontrol", "update", f"JobId={ids[0]}", "StartTime=now"], check=True)
    until(lambda: log.read_text().count("ready") == 2)
    text = log.read_text()
    assert (text.count("released"), text.count("twice")) == (1, 0)
    assert (first.poll(), second.poll()) == (None, None)
    first.drain()
    assert ended(first) == 0
    assert "drained" in first.last_output()
    second.interrupt()
    assert ended(second) == 130
    assert "released" in second.last_output()
    assert "twice" not in second.last_output()
    again = launcher.start(1)
    up(again)
    again.kill()
    assert ended(again) != 0
    until(lambda: queue_states() == {})


def test_workers_that_wait_for_a_node_are_withdrawn(config: LauncherConfig) -> None:
    _, workers = make(config, workers=4)
    up(workers[0])
    up(workers[1])
    workers[2].interrupt()
    workers[3].drain()
    assert (ended(workers[2]), ended(workers[3])) == (130, 0)
    subprocess.run(["scancel", *list(queue_states())[:1]], check=True)
    assert ended(workers[0]) == 130  # scancel is SIGTERM first, which is passed on
    workers[1].drain()
    assert ended(workers[1]) == 0


def test_what_slurm_refuses_is_told_in_its_words(config: LauncherConfig) -> None:
    config.partition = "none"
    with pytest.raises(FinesweepError, match=r"(?s)^sbatch refused the workers: .*partition"):
        make(config)
