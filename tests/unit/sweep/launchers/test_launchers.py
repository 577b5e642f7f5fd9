"""Workers are started, told to leave and replaced, on this machine and through submitit."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil
import pytest
from tests.waiting import until
from tests.workers import COMMAND, ended, up, values_said

from finesweep.config import LauncherConfig
from finesweep.errors import ConfigError
from finesweep.sweep.launchers import Launcher, WorkerHandle, make_launcher
from finesweep.sweep.launchers.gpus import assign_gpus, parse_listing, parse_visible
from finesweep.sweep.launchers.local import usable_cores
from finesweep.sweep.launchers.slurm_commands import Processes, Slurm
from finesweep.sweep.launchers.worker_process import tail, thread_setting

pytestmark = pytest.mark.slow

TEMPLATE = [
    *(sys.executable, "-c"),
    "from finesweep.sweep.launchers.fork_server import become; become()",
]
"""One that has imported nothing for its workers."""


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)


@pytest.fixture(params=["local", "template", "submitit"])
def launcher(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Launcher]:
    """Two workers here, as new processes or as forks, or through submitit's own local executor."""
    config = LauncherConfig()
    if request.param == "submitit":
        config = LauncherConfig(name="slurm", cluster="local", folder=str(tmp_path / "slurm"))
    made = make_launcher(
        config,
        command=COMMAND,
        workers=2,
        logs=tmp_path / "logs",
        template=TEMPLATE if request.param == "template" else None,
    )
    yield made
    made.close()


@pytest.fixture
def pair(launcher: Launcher) -> Iterator[tuple[WorkerHandle, WorkerHandle]]:
    """Two workers that are up; no test leaves one behind."""
    workers = (launcher.start(0), launcher.start(1))
    for worker in workers:
        up(worker)
    yield workers
    for worker in workers:
        worker.kill()
    for worker in workers:
        ended(worker)


def test_a_drained_worker_leaves_with_0_and_the_other_stays(
    pair: tuple[WorkerHandle, WorkerHandle],
) -> None:
    first, second = pair
    first.drain()
    assert ended(first) == 0
    assert "drained" in first.last_output()
    time.sleep(0.3)
    assert second.poll() is None
    assert [worker.name for worker in pair] == ["worker 0", "worker 1"]


def test_an_interrupted_worker_hears_of_it_once_and_releases_its_slot(
    pair: tuple[WorkerHandle, WorkerHandle],
) -> None:
    first, second = pair
    first.interrupt()
    assert ended(first) == 130
    assert "released" in first.last_output()
    assert second.poll() is None


def test_a_killed_worker_ends_without_a_farewell_and_is_replaced(
    launcher: Launcher, pair: tuple[WorkerHandle, WorkerHandle]
) -> None:
    first, second = pair
    first.kill()
    assert ended(first) != 0
    assert "released" not in first.last_output()
    again = launcher.start(0)
    up(again)
    assert again.name == "worker 0"
    assert second.poll() is None
    again.drain()
    assert ended(again) == 0


def test_a_worker_that_is_gone_can_be_told_anything(
    pair: tuple[WorkerHandle, WorkerHandle],
) -> None:
    worker = pair[0]
    worker.drain()
    assert ended(worker) == 0
    worker.drain()
    worker.interrupt()
    worker.kill()
    assert worker.poll() == 0


def test_a_closed_launcher_drains_its_workers(
    launcher: Launcher, pair: tuple[WorkerHandle, WorkerHandle]
) -> None:
    launcher.close()
    assert [ended(worker) for worker in pair] == [0, 0]


COORDINATOR = """\
import json, sys, time
from pathlib import Path
from finesweep.config import LauncherConfig
from finesweep.sweep.launchers import make_launcher
logs, template, *command = sys.argv[1:]
made = make_launcher(
    LauncherConfig(), command=command, workers=2, logs=Path(logs), template=json.loads(template)
)
workers = [made.start(0), made.start(1)]
while not all(worker.pid for worker in workers):
    time.sleep(0.01)
print(*(worker.pid for worker in workers), flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("template", [None, TEMPLATE], ids=["processes", "forks"])
def test_workers_of_a_killed_coordinator_finish_and_leave(
    template: list[str] | None, tmp_path: Path
) -> None:
    arguments = [str(tmp_path), json.dumps(template), *COMMAND]
    command = [sys.executable, "-c", COORDINATOR, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as coordinator:
        assert coordinator.stdout is not None
        pids = [int(pid) for pid in coordinator.stdout.readline().split()]
        logs = [tmp_path / f"worker-{index}.log" for index in (0, 1)]
        until(lambda: all(values_said(tail(log)) for log in logs))
        assert [os.getsid(pid) for pid in pids] == pids
        templates = {psutil.Process(pid).ppid() for pid in pids} - {coordinator.pid}
        assert len(templates) == (0 if template is None else 1)
        coordinator.kill()
    until(lambda: all("drained" in tail(log) for log in logs))
    until(lambda: not any(psutil.pid_exists(pid) for pid in templates))


def test_local_workers_share_the_cores_unless_told_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    n_workers = usable_cores()

    def stand_in() -> Mapping[str, str]:
        made = make_launcher(LauncherConfig(), command=COMMAND, workers=n_workers, logs=tmp_path)
        worker = made.start(0)
        values = up(worker)
        worker.drain()
        assert ended(worker) == 0
        return values

    assert stand_in()["argument"] == "--attached"
    assert stand_in()["OMP_NUM_THREADS"] == "1"
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert stand_in()["OMP_NUM_THREADS"] == "7"
    monkeypatch.setenv("OMP_NUM_THREADS", "7,1")
    assert thread_setting(1) == {"OMP_NUM_THREADS": "7,1"}
    monkeypatch.setenv("OMP_NUM_THREADS", "many")  # which OpenMP would read as every core
    assert thread_setting(1) == {"OMP_NUM_THREADS": "1"}


def test_each_local_worker_sees_its_gpu_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    config = LauncherConfig(workers_per_gpu=2)
    made = make_launcher(config, command=COMMAND, workers=3, logs=tmp_path)
    workers = [made.start(index) for index in range(3)]
    devices = [up(worker)["CUDA_VISIBLE_DEVICES"] for worker in workers]
    for worker in workers:
        worker.drain()
        assert ended(worker) == 0
    assert devices == ["3", "5", "3"]


@pytest.mark.parametrize(
    ("workers", "gpus", "workers_per_gpu", "devices"),
    [
        (2, [], 1, [None, None]),
        (1, ["0"], 1, ["0"]),
        (2, ["0", "1", "2"], 1, ["0", "1"]),
        (4, ["0", "1"], 2, ["0", "1", "0", "1"]),
        (3, ["GPU-a", "GPU-b"], 4, ["GPU-a", "GPU-b", "GPU-a"]),
    ],
)
def test_workers_take_gpus_in_turn(
    workers: int, gpus: list[str], workers_per_gpu: int, devices: list[str | None]
) -> None:
    assert assign_gpus(workers, gpus, workers_per_gpu=workers_per_gpu) == devices


def test_each_worker_of_several_devices_has_gpus_that_follow_each_other() -> None:
    of_two = {"workers_per_gpu": 2, "devices_per_trial": 2}
    assert assign_gpus(3, [*"abcde"], **of_two) == ["a,b", "c,d", "a,b"]
    assert assign_gpus(2, [], **of_two) == [None, None]
    message = (
        r"workers: 5 given; 5 visible GPUs with launcher\.workers_per_gpu=2 and"
        r" launcher\.devices_per_trial=2 hold 4 at most"
    )
    with pytest.raises(ConfigError, match=f"^{message}$"):
        assign_gpus(5, [*"abcde"], **of_two)
    message = r"launcher\.devices_per_trial: 2 given; 1 GPU visible here"
    with pytest.raises(ConfigError, match=f"^{message}$"):
        assign_gpus(1, ["a"], **of_two)


def test_more_workers_than_the_gpus_hold_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    message = r"workers: 5 given; 2 visible GPUs with launcher\.workers_per_gpu=2 hold 4 at most"
    with pytest.raises(ConfigError, match=f"^{message}$"):
        make_launcher(LauncherConfig(workers_per_gpu=2), command=COMMAND, workers=5, logs=tmp_path)


@pytest.mark.parametrize(
    ("given", "devices"),
    [("", []), ("-1", []), ("0", ["0"]), ("0, 2", ["0", "2"]), ("1,-1,2", ["1"])],
)
def test_visible_devices_end_where_cuda_ends_them(given: str, devices: list[str]) -> None:
    assert parse_visible(given) == devices


def test_a_divided_gpu_is_listed_by_its_parts() -> None:
    listing = (
        "GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-aa-1)\n"
        "  MIG 1g.10gb     Device  0: (UUID: MIG-bb-1)\n"
        "  MIG 1g.10gb     Device  1: (UUID: MIG-bb-2)\n"
        "GPU 1: NVIDIA H100 80GB HBM3 (UUID: GPU-aa-2)\n"
    )
    assert parse_listing(listing) == ["MIG-bb-1", "MIG-bb-2", "GPU-aa-2"]
    assert parse_listing("No devices found.\n") == []


def test_last_output_are_the_end_of_this_workers_log(tmp_path: Path) -> None:
    log = tmp_path / "worker-0.log"
    log.write_text("of one before\n")
    start = log.stat().st_size
    assert tail(log, start=start) == ""
    log.write_text("of one before\n" + "".join(f"line {n}\n\n" for n in range(9)) + "10%\r20%")
    assert tail(log, start=start) == "line 6\nline 7\nline 8\n10%\n20%"
    assert tail(tmp_path / "none.log") == ""


def slurm_config(tmp_path: Path, **fields: object) -> LauncherConfig:
    return LauncherConfig(name="slurm", folder=str(tmp_path / "slurm"), **fields)  # type: ignore[arg-type]


def test_a_preempted_task_is_queued_again_with_its_slot_released(tmp_path: Path) -> None:
    made = make_launcher(
        slurm_config(tmp_path, cluster="local"), command=COMMAND, workers=1, logs=tmp_path
    )
    worker = made.start(0)
    task = int(up(worker)["parent"])
    log = next((tmp_path / "slurm").glob("*_log.out"))
    os.kill(task, signal.SIGUSR2)
    until(lambda: log.read_text().count("ready") == 2)
    assert log.read_text().count("released") == 1
    assert worker.poll() is None
    worker.drain()
    assert ended(worker) == 0


@pytest.mark.parametrize("then", [[], ["drain"]])
def test_an_interruption_reaches_a_job_that_its_signal_misses(
    then: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Processes, "interrupt", lambda *_: None)
    made = make_launcher(
        slurm_config(tmp_path, cluster="local"), command=COMMAND, workers=1, logs=tmp_path
    )
    worker = made.start(0)
    up(worker)
    for call in ["interrupt", *then]:
        getattr(worker, call)()
    until(lambda: worker.poll() is not None, seconds=20)
    assert worker.poll() == 130
    assert "released" in worker.last_output()
    left = {path.suffix for path in (tmp_path / "slurm").iterdir()}
    assert not left & {".drain", ".interrupt"}


def test_a_share_of_a_gpu_is_refused_with_slurm(tmp_path: Path) -> None:
    config = slurm_config(tmp_path, cluster="local", gpus_per_worker=0.5)
    message = r"^launcher\.gpus_per_worker: 0\.5 given; must be a whole number with Slurm$"
    with pytest.raises(ConfigError, match=message):
        make_launcher(config, command=COMMAND, workers=1, logs=tmp_path)


def test_a_machine_without_slurm_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ConfigError, match=r"^launcher\.cluster: slurm given; srun is not on this"):
        make_launcher(slurm_config(tmp_path), command=COMMAND, workers=1, logs=tmp_path)


@pytest.mark.parametrize(("name", "package"), [("ray", "ray"), ("slurm", "submitit")])
def test_a_missing_package_is_told_with_the_extra_that_has_it(
    name: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    message = rf"^launcher: {name} needs a package .*: pip install 'finesweep\[{name}\]'$"
    with pytest.raises(ConfigError, match=message):
        make_launcher(LauncherConfig(name=name), command=COMMAND, workers=1, logs=tmp_path)


@pytest.mark.parametrize(
    ("printed", "status", "held"),
    [("12_0 12_1", 0, True), ("12_1", 0, False), ("", 0, False), ("", 1, True)],
)
def test_a_job_has_ended_only_when_a_controller_that_answers_does_not_list_it(
    printed: str, status: int, held: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    squeue = tmp_path / "squeue"
    squeue.write_text(f"#!/bin/sh\necho '{printed}'\nexit {status}\n")
    squeue.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    class Job:
        job_id = "12_0"

    slurm = Slurm()
    slurm.note(Job())
    assert slurm.holds(Job()) is held
