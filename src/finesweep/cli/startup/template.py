"""What a coordinator starts once, to fork its workers from: all that they import, loaded.

Not for people: it takes orders on its standard input. python -m finesweep.cli.startup.template
"""

from __future__ import annotations

import gc
from importlib import import_module

from finesweep.cli.startup.quiet import silence_libraries

OURS = (
    "finesweep.cli.screens.tables",
    "finesweep.cli.work",
    "finesweep.figures.calibration",
    "finesweep.figures.confusion",
    "finesweep.figures.curves",
    "finesweep.registry.promote",
    "finesweep.sweep.remaining",
    "finesweep.sweep.worker.loop",
    "finesweep.sweep.worker.session",
)
"""What `finesweep work` imports once it has a trial. By name: an import that nothing here uses is
one that a tidier takes out, and each worker then spends the seconds that forking saves."""
LATE = (
    "git",
    "matplotlib.backends.backend_agg",
    "mlflow.store.model_registry.sqlalchemy_store",
    "mlflow.store.tracking.sqlalchemy_store",
    "mlflow.transformers",
    "psycopg",
    "sqlalchemy.dialects.sqlite",
    "transformers.pipelines.text_classification",
)
"""What libraries load at their first use, in every worker; those that are installed."""


def load() -> None:
    """Imports what a worker needs in its first trial; starts no thread, computes nothing."""
    silence_libraries()  # first: libraries read their settings as they are loaded
    gc.disable()  # imports leave nothing to collect; looking for it takes a third of their time
    for name in OURS:
        import_module(name)
    for name in LATE:
        try:
            import_module(name)
        except ImportError:  # of an extra
            continue
    gc.enable()


def main() -> None:
    from finesweep.sweep.launchers.fork_server import become

    load()
    become()


if __name__ == "__main__":
    main()
