"""A template process before it forks: all imports done, one thread, nothing computed.

It is that of the tests, which notes what it has when the product's part of it has loaded.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from tests.warm import forked

from finesweep.cli.startup import template
from finesweep.config import compose
from finesweep.errors import ConfigError

pytestmark = pytest.mark.slow
SEEN = """
import json
from tests.loaded import state
print(json.dumps(state))
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
def test_a_template_has_all_imports_of_a_worker_one_thread_and_has_computed_nothing(
    tmp_path: Path,
) -> None:
    said = forked([sys.executable, "-c", SEEN], environment=os.environ, folder=tmp_path)
    state = json.loads(said.communicate()[0])
    # pyarrow's allocator has one thread, which it stops and restarts around a fork.
    assert len([name for name in state["threads"] if not name.startswith("jemalloc")]) == 1
    # peft, which transformers imports where it is installed, makes two scalars: no pool of threads.
    assert set(state["operations"]) <= {"aten.lift_fresh.default"}
    assert state["n_sockets"] == 0
    assert not state["is_cuda"]
    assert set(state["modules"]) >= NEEDED


def test_broken_files_of_the_user_are_left_for_the_worker_to_tell(workplace: Path) -> None:
    (workplace / "conf" / "model").mkdir(parents=True)
    (workplace / "conf" / "model" / "minilm.yaml").write_text("name_or_path: [\n")
    template._use_once()
    with pytest.raises(ConfigError, match="minilm"):
        compose()
