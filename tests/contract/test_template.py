"""A template process before it forks: all imports done, one thread, nothing computed."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow
SEEN = """
import json
import sys
from pathlib import Path
import torch
from torch.utils._python_dispatch import TorchDispatchMode

operations = []

class Watch(TorchDispatchMode):
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        operations.append(str(func))
        return func(*args, **(kwargs or {}))

with Watch():
    from finesweep.cli.startup.template import load
    load()
threads = [(task / "comm").read_text().strip() for task in Path("/proc/self/task").iterdir()]
sockets = [link for link in Path("/proc/self/fd").iterdir() if "socket:" in str(link.resolve())]
found = [threads, operations, len(sockets), torch.cuda.is_initialized(), list(sys.modules)]
print(json.dumps(found))
"""
NEEDED = {
    "datasets",
    "finesweep.figures.confusion",
    "finesweep.runs.finetune",
    "finesweep.sweep.selection.registration",
    "finesweep.sweep.worker.attempt",
    "finesweep.training.fit",
    "matplotlib.figure",
    "mlflow.transformers",
    "optuna.samplers",
    "transformers.trainer",
}
"""The slowest imports of a worker in its first trial."""


@pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux only")
def test_a_template_has_all_imports_of_a_worker_one_thread_and_has_computed_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SEEN],
        # With more threads, the first operation would start a thread pool.
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    threads, operations, n_sockets, cuda, modules = json.loads(done.stdout)
    # pyarrow's allocator has one thread, which it stops and restarts around a fork.
    assert len([name for name in threads if not name.startswith("jemalloc")]) == 1, threads
    # peft, which transformers imports where it is installed, makes two scalars: no pool of threads.
    assert set(operations) <= {"aten.lift_fresh.default"}
    assert n_sockets == 0
    assert not cuda
    assert set(modules) >= NEEDED
