"""The command line as users call it: a process of its own, in a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import optuna
import pytest
from mlflow import MlflowClient
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial

from finesweep.config import TrackingConfig
from finesweep.tracking import open_store
from tests import warm
from tests.stores import copy_project, put_stores
from tests.warm import Command, forked

FINESWEEP = (sys.executable, "-m", "finesweep")
SWEEP = """\
# @package sweep
# A sweep that takes seconds   finesweep sweep small
n_trials: 6
sampler: {{_target_: optuna.samplers.TPESampler, multivariate: true, group: true, seed: 1}}
pruner: {{_target_: optuna.pruners.MedianPruner, n_startup_trials: 1}}
enqueue:
  - {{model: tiny, training.learning_rate: 0.01}}
  - {{model: tiny_distil, training.learning_rate: 0.01}}
  - {{model: tiny, training.learning_rate: 1e-8}}
params:
  dataset: local
  dataset.path: {texts}
  dataset.max_length: choice(16, 24)
  training.epochs: range(2, 4)
  training.batch_size: 16
  training.evaluations_per_epoch: 2
  training.precision: fp32  # on every machine
  model: choice(tiny, tiny_distil)
  training.learning_rate: tag(log, interval(1e-8, 0.02))
  training.weight_decay: interval(0.0, 0.1)
when:
  model=tiny:
    model.freeze_layers: range(0, 5, 2)
  model=tiny_distil:
    model.freeze_layers: range(0, 3)
register: {{name: small-model, alias: challenger}}
report: false
"""

PLAIN = ("sweep.baseline=false", "sweep.register=null", "training.evaluations_per_epoch=1")
"""Of a sweep whose trials alone are looked at."""


@dataclass(frozen=True)
class Project:
    """A user's folder with models of their own, and the command line run in it."""

    folder: Path

    def finesweep(
        self, *arguments: str, timeout: float = 600, given: str = "", fresh: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """One command to its end; given is its standard input.

        It is forked from a warm process, as a sweep's workers are, unless it is to be a fresh one.
        """
        if not fresh:
            started = self.start(*arguments, given=given)
            out, err = started.communicate(timeout=timeout)
            return subprocess.CompletedProcess(arguments, started.wait(), out, err)
        return subprocess.run(
            [*FINESWEEP, *arguments],
            cwd=self.folder,
            env=self.environment,
            input=given,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def start(self, *arguments: str, given: str = "") -> Command:
        command = [*FINESWEEP, *arguments]
        return forked(command, environment=self.environment, folder=self.folder, given=given)

    def start_fresh(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*FINESWEEP, *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def python(self, code: str, *, fresh: bool = False) -> str:
        """What a Python process of its own prints."""
        code = f"import warnings; warnings.simplefilter('ignore')\n{code}"
        command = [sys.executable, "-c", code]
        if fresh:
            done = subprocess.run(
                command,
                cwd=self.folder,
                env=self.environment,
                capture_output=True,
                text=True,
                timeout=600,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            return done.stdout
        started = forked(command, environment=self.environment, folder=self.folder)
        printed, errors = started.communicate()
        assert started.returncode == 0, errors
        return printed

    @property
    def environment(self) -> dict[str, str]:
        own = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "COLUMNS": "100"}
        kept = {k: v for k, v in os.environ.items() if k not in _SETTINGS}
        return kept | own

    @property
    def client(self) -> MlflowClient:
        return MlflowClient(tracking_uri=f"sqlite:///{self.folder / 'mlruns' / 'mlflow.db'}")

    @property
    def storage_url(self) -> str:
        return f"sqlite:///{self.folder / 'mlruns' / 'optuna.db'}"

    def trials(self, study: str = "small") -> list[FrozenTrial]:
        """The study's trials; none while it or its storage is not made."""
        if not (self.folder / "mlruns" / "optuna.db").exists():
            return []
        try:
            return optuna.load_study(study_name=study, storage=_storage(self.storage_url)).trials
        except KeyError:
            return []


@cache
def _storage(url: str) -> RDBStorage:
    """One for all looks at a project's trials: to open it takes longer than to look."""
    return RDBStorage(url)


_SETTINGS = (
    "FINESWEEP_STORAGE_URL",
    "MLFLOW_TRACKING_URI",
    "MLFLOW_EXPERIMENT_ID",
    warm.COVERAGE,  # in a fresh process it would measure the imports; forks have it of their own
)


def make_project(folder: Path, *, model: Path, texts: Path) -> Project:
    """A folder with ./conf/model/tiny*.yaml and ./sweeps/small.yaml."""
    models = folder / "conf" / "model"
    models.mkdir(parents=True)
    (models / "tiny.yaml").write_text(f"name_or_path: {model}\n")
    (models / "tiny_distil.yaml").write_text(f"name_or_path: {model}\ndistil: true\n")
    (folder / "sweeps").mkdir()
    (folder / "sweeps" / "small.yaml").write_text(SWEEP.format(texts=texts))
    return Project(folder)


@pytest.fixture
def new_project(tmp_path: Path, tiny_bert: Path, texts_csv: Path) -> Project:
    """In which nothing has been run yet."""
    return make_project(tmp_path, model=tiny_bert, texts=texts_csv)


@pytest.fixture
def project(new_project: Project, empty_stores: Path) -> Project:
    """With databases that have their tables and hold nothing."""
    put_stores(empty_stores, new_project.folder)
    return new_project


@pytest.fixture(scope="session")
def swept(
    tmp_path_factory: pytest.TempPathFactory, tiny_bert: Path, texts_csv: Path
) -> tuple[Project, subprocess.CompletedProcess[str]]:
    """A project whose sweep `small` has been run once, and what that printed."""
    made = make_project(tmp_path_factory.mktemp("swept"), model=tiny_bert, texts=texts_csv)
    done = made.finesweep("sweep", "small")
    assert done.returncode == 0, done.stderr + done.stdout
    return made, done


@pytest.fixture
def finished(swept: tuple[Project, subprocess.CompletedProcess[str]], tmp_path: Path) -> Project:
    """A copy of the swept project, to be gone on with."""
    project = Project(tmp_path / "finished")
    copy_project(swept[0].folder, project.folder)
    made = project.folder / "mlruns"
    # Its paths become the copy's, which the next command would tell of.
    open_store(
        TrackingConfig(uri=f"sqlite:///{made / 'mlflow.db'}", artifacts=str(made / "artifacts"))
    )
    return project
