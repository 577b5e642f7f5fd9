"""A template forks what would else be new processes, and nothing is lost when it is killed."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from tests.unit.sweep.launchers.test_launchers import TEMPLATE
from tests.waiting import until
from tests.workers import COMMAND, ended, up

from finesweep.config import LauncherConfig
from finesweep.sweep.launchers import WorkerHandle, make_launcher
from finesweep.sweep.launchers.forked import Fork, Template
from finesweep.sweep.launchers.local import LocalLauncher

pytestmark = pytest.mark.slow

SLOW_TEMPLATE = [sys.executable, "-c", f"import time; time.sleep(600); {TEMPLATE[2]}"]
"""One whose imports never end."""


@pytest.fixture(autouse=True)
def _no_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")


def launcher_with(template: list[str], logs: Path, n_workers: int = 2) -> LocalLauncher:
    made = make_launcher(
        LauncherConfig(), command=COMMAND, workers=n_workers, logs=logs, template=template
    )
    assert isinstance(made, LocalLauncher)
    return made


def parent_of(worker: WorkerHandle) -> psutil.Process:
    """The process that a worker says it is a child of, when it is up."""
    return psutil.Process(int(up(worker)["parent"]))


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[LocalLauncher, WorkerHandle, WorkerHandle]]:
    """Two workers that are up, forked from a template, and their launcher."""
    launcher = launcher_with(TEMPLATE, tmp_path)
    workers = (launcher.start(0), launcher.start(1))
    assert parent_of(workers[0]) == parent_of(workers[1])
    yield launcher, *workers
    for worker in workers:
        worker.kill()
        ended(worker)
    launcher.close()


def test_workers_outlive_a_killed_template_and_the_next_are_processes_of_their_own(
    pair: tuple[LocalLauncher, WorkerHandle, WorkerHandle],
) -> None:
    launcher, first, second = pair
    parent_of(first).kill()
    time.sleep(0.1)
    assert (first.poll(), second.poll()) == (None, None)
    first.interrupt()
    assert ended(first) == -signal.SIGKILL  # nobody is left who knows better
    assert "released" in first.last_output()
    second.drain()
    assert ended(second) == -signal.SIGKILL
    assert "drained" in second.last_output()
    again = launcher.start(0)
    assert parent_of(again).pid == os.getpid()
    again.drain()
    assert ended(again) == 0


def test_a_template_that_is_killed_while_it_imports_is_done_without(tmp_path: Path) -> None:
    before = psutil.Process().children()  # such as the warm process of other tests
    launcher = launcher_with(SLOW_TEMPLATE, tmp_path)
    workers = [launcher.start(0), launcher.start(1)]
    assert [worker.poll() for worker in workers] == [None, None]
    assert [worker.pid for worker in workers] == [None, None]
    (template,) = (each for each in psutil.Process().children() if each not in before)
    template.kill()
    for worker in workers:
        until(lambda worker=worker: worker.poll() is None and worker.pid)
        assert parent_of(worker).pid == os.getpid()
        worker.drain()
        assert ended(worker) == 0
    launcher.close()


def test_a_template_that_cannot_import_is_done_without(tmp_path: Path) -> None:
    launcher = launcher_with([sys.executable, "-c", "import nothing_of_this_name"], tmp_path)
    worker = launcher.start(0)
    until(lambda: worker.poll() is None and worker.pid)
    assert parent_of(worker).pid == os.getpid()
    worker.drain()
    assert ended(worker) == 0
    launcher.close()


@pytest.mark.parametrize(("call", "code"), [("interrupt", 130), ("kill", -signal.SIGKILL)])
def test_workers_that_a_template_has_not_forked_yet_need_not_come(
    call: str, code: int, tmp_path: Path
) -> None:
    before = psutil.Process().children()
    launcher = launcher_with(SLOW_TEMPLATE, tmp_path)
    workers = [launcher.start(0), launcher.start(1)]
    for worker in workers:
        getattr(worker, call)()
    assert [worker.poll() for worker in workers] == [code, code]
    assert psutil.Process().children() == before
    launcher.close()


def test_nobody_forks_where_a_gpu_is_visible(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    worker = launcher_with(TEMPLATE, tmp_path).start(0)
    assert parent_of(worker).pid == os.getpid()
    worker.drain()
    assert ended(worker) == 0


STATE = """\
import json, os, sys
seen = dict(
    arguments=sys.argv[1:], folder=os.getcwd(), name=__name__, leads=os.getsid(0) == os.getpid(),
    own=os.environ["OWN"], gone=os.environ.get("GONE"), said=sys.stdin.read(),
)
json.dump(seen, sys.stdout)
print("told", file=sys.stderr)
sys.exit(int(sys.argv[1]))
"""


@pytest.fixture
def template(monkeypatch: pytest.MonkeyPatch) -> Iterator[Template]:
    monkeypatch.setenv("GONE", "with the template")
    made = Template(TEMPLATE)
    monkeypatch.delenv("GONE")
    yield made
    made.close()


@pytest.mark.parametrize("threads", ["2,1", "many"])
def test_threads_of_nested_levels_or_of_no_number_stop_no_fork(
    template: Template, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: str
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    assert forked(template, tmp_path, "print('worked')").wait(60) == 0
    assert (tmp_path / "said").read_text() == "worked\n"


def forked(template: Template, folder: Path, code: str, *arguments: str) -> Fork:
    """What runs code in folder; its output is in the folder's file `said`."""
    (folder / "in").write_text("of its own")
    environment = {**os.environ, "OWN": "ä"}
    with (folder / "in").open() as stdin, (folder / "said").open("w") as output:
        streams = (stdin.fileno(), output.fileno(), output.fileno())
        command = [sys.executable, "-c", code, *arguments]
        made = template.fork(command, environment=environment, folder=str(folder), streams=streams)
    assert made is not None
    return made


def test_a_fork_is_what_a_new_process_would_be(template: Template, tmp_path: Path) -> None:
    fork = forked(template, tmp_path, STATE, "7", "two words")
    assert fork.wait(60) == 7
    # Into a file standard output waits for its buffer, and errors do not.
    told, _, seen = (tmp_path / "said").read_text().partition("\n")
    assert json.loads(seen) == {
        "arguments": ["7", "two words"],
        "folder": str(tmp_path),
        "name": "__main__",
        "leads": True,
        "own": "ä",
        "gone": None,
        "said": "of its own",
    }
    assert told == "told"


@pytest.mark.parametrize(
    ("code", "exit_code", "told"),
    [
        ("print(1)", 0, "1\n"),
        ("raise SystemExit('why')", 1, "why\n"),
        ("1 / 0", 1, "ZeroDivisionError: division by zero\n"),
        ("import os; os.kill(os.getpid(), 9)", -9, ""),
        ("import atexit; atexit.register(print, 'left')", 0, "left\n"),
        (
            "import threading, time\n"
            "threading.Thread(target=lambda: (time.sleep(0.2), print('late'))).start()",
            0,
            "late\n",
        ),
    ],
    ids=["end", "words", "error", "signal", "farewell", "thread"],
)
def test_a_fork_ends_as_a_new_process_would(
    template: Template, tmp_path: Path, code: str, exit_code: int, told: str
) -> None:
    assert forked(template, tmp_path, code).wait(60) == exit_code
    assert (tmp_path / "said").read_text().endswith(told)


def test_a_fork_does_what_was_left_for_its_end(template: Template, tmp_path: Path) -> None:
    code = """\
import atexit, threading, time
atexit.register(print, "at exit")
threading.Thread(target=lambda: (time.sleep(0.2), print("a thread"))).start()
print("no line end", end=";")
"""
    assert forked(template, tmp_path, code).wait(60) == 0
    assert (tmp_path / "said").read_text() == "no line end;a thread\nat exit\n"


def test_a_fork_asks_the_template_that_it_comes_from(template: Template, tmp_path: Path) -> None:
    grandchild = """\
import os, sys
from finesweep.sweep.launchers.forked import Template
code = "import os; print(os.getppid(), flush=True); raise SystemExit(3)"
mine = Template(["no such program"])
fork = mine.fork(
    [sys.executable, "-c", code], environment=os.environ, folder=os.getcwd(), streams=(0, 1, 2)
)
print(fork.wait(60), os.getppid())
"""
    assert forked(template, tmp_path, grandchild).wait(60) == 0
    parent, code, own = (tmp_path / "said").read_text().split()
    assert (code, parent) == ("3", own)


def test_no_fork_holds_what_belongs_to_another(template: Template, tmp_path: Path) -> None:
    held = "import os; print(sorted(map(int, os.listdir('/proc/self/fd')))[:-1])"

    def descriptors() -> list[int]:
        assert forked(template, tmp_path, held).wait(60) == 0
        return list(json.loads((tmp_path / "said").read_text()))

    alone = descriptors()
    assert len(alone) == 4  # three streams, and the connection to its template
    (tmp_path / "other").mkdir()
    other = forked(template, tmp_path / "other", "import time; time.sleep(600)")
    until(lambda: other.poll() is None and other.pid)
    assert len(descriptors()) == 4
    other.kill()
    assert other.wait(60) == -signal.SIGKILL


def test_an_environment_that_is_too_long_is_left_to_a_new_process(template: Template) -> None:
    fork = template.fork(
        [sys.executable, "-c", ""],
        environment={"LONG": "x" * 10**6},
        folder="/",
        streams=(0, 1, 2),
    )
    assert fork is None
