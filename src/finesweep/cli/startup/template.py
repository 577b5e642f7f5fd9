"""A process with all imports of a worker done, from which a coordinator forks its workers.

The coordinator starts it as `python -m finesweep.cli.startup.template` and sends it commands on
stdin; users never run it.
"""

from __future__ import annotations

import gc
from contextlib import suppress
from importlib import import_module

from finesweep.cli.startup.quiet import silence_libraries

OURS = (
    "finesweep.api.progress.trial_line",
    "finesweep.cli.screens.tables",
    "finesweep.cli.sweeps.work",
    "finesweep.figures.calibration",
    "finesweep.figures.confusion",
    "finesweep.figures.curves",
    "finesweep.registry.promote",
    "finesweep.runs.ranks.following",
    "finesweep.sweep.remaining",
    "finesweep.sweep.worker.loop",
    "finesweep.sweep.worker.session",
)
"""Modules that `finesweep work` imports once it has a trial. They are strings because a linter
removes unused imports, and each worker would then spend the seconds that forking saves."""
LATE = (
    "alembic.command",
    "git",
    "matplotlib.backends.backend_agg",
    "mlflow.store.model_registry.sqlalchemy_workspace_store",
    "mlflow.store.tracking.sqlalchemy_workspace_store",
    "mlflow.tracing.processor.otel",
    "mlflow.transformers",
    "mlflow.utils.search_logged_model_utils",
    "psycopg",
    "sqlalchemy.dialects.sqlite",
    "transformers.pipelines.text_classification",
)
"""Modules that libraries import at first use in every worker; missing extras are skipped."""


def load() -> None:
    """Imports what a worker needs in its first trial, and uses what is slow at its first use.

    Starts no thread and computes nothing.
    """
    silence_libraries()  # first: libraries read their settings on import
    gc.disable()  # imports create no garbage; scanning for it takes a third of their time
    for name in OURS:
        import_module(name)
    for name in LATE:
        try:
            import_module(name)
        except ImportError:  # of an extra
            continue
    _use_once()
    gc.enable()


def _use_once() -> None:
    """Fills caches that each worker would fill anew, in a fifth of a second: Hydra's parsers and
    files, Transformers' table of renamed weights, Pillow's formats."""
    from PIL import Image
    from transformers.conversion_mapping import get_checkpoint_conversion_mapping

    from finesweep.config import compose
    from finesweep.errors import ConfigError

    with suppress(ConfigError):  # of the user's files: the worker says what is wrong
        compose()
    get_checkpoint_conversion_mapping("bert")
    Image.preinit()


def main() -> None:
    from finesweep.sweep.launchers.fork_server import become

    load()
    become()


if __name__ == "__main__":
    main()
