"""The warm process that a test session forks its commands from.

Its argument is what coverage is set to, or empty: forks are measured from their beginning on, as
new processes would be, but not the seconds of imports before.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path

from finesweep.sweep.launchers.fork_server import become

ONCE_A_SWEEP = (
    "finesweep.api.runs",
    "finesweep.api.sweeps",
    "finesweep.cli.screens.run_report",
    "finesweep.cli.screens.sweep_report",
    "finesweep.cli.runs.train",
    "finesweep.sweep.study.portfolio.first_trials",
    "mlflow.models.display_utils",
    "mlflow.pyfunc.scoring_server",
    "sklearn.feature_extraction.text",
    "sklearn.linear_model",
    "sklearn.pipeline",
    "tests.e2e.workers",
    "transformers.models.decision_transformer.modeling_decision_transformer",
    "transformers.models.informer.modeling_informer",
    "transformers.pipelines.automatic_speech_recognition",
)
"""What coordinators, trainings, the baseline and MLflow import as it logs a model: a session does
that a hundred times."""


def load_all() -> None:
    """What a worker imports, what other commands do, and what MLflow knows of packages."""
    sys.path[0] = str(Path(__file__).parents[1])  # for what forks import of the tests
    import_module("tests.loaded").load_watched()
    from mlflow.utils import requirements_utils

    from finesweep.runs import evaluation_files

    for name in ONCE_A_SWEEP:
        import_module(name)
    evaluation_files.DOTS_PER_INCH = 30  # for pictures that no test looks at
    # Looked up anew in each process that logs a model, for a third of a second.
    requirements_utils._init_packages_to_modules_map()


def measure(settings: str) -> None:
    """Has coverage begin in each fork."""
    import coverage

    def begin() -> None:
        os.environ["COVERAGE_PROCESS_CONFIG"] = settings
        coverage.process_startup(force=True)

    os.register_at_fork(after_in_child=begin)


if __name__ == "__main__":
    load_all()
    if sys.argv[1]:
        measure(sys.argv[1])
    become()
