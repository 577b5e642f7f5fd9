"""Databases of MLflow and Optuna in which nothing is: to make their tables takes a second each."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

NAMES = ("mlflow.db", "optuna.db")


def make_stores(folder: Path) -> None:
    """Both, with their tables."""
    from mlflow import MlflowClient

    from finesweep.sweep.study.storage import open_storage

    MlflowClient(tracking_uri=f"sqlite:///{folder / 'mlflow.db'}").search_experiments()
    open_storage(f"sqlite:///{folder / 'optuna.db'}").engine.dispose()


def put_stores(stores: Path, folder: Path) -> None:
    """Copies them into a project's folder, as they would be had they been made there."""
    (folder / "mlruns").mkdir()
    for name in NAMES:
        # By SQLite itself: what was written last may lie beside the file.
        with (
            closing(sqlite3.connect(stores / name)) as made,
            closing(sqlite3.connect(folder / "mlruns" / name)) as own,
        ):
            made.backup(own)
            if name == "mlflow.db":
                place = str(folder / "mlruns" / "0")
                own.execute("UPDATE experiments SET artifact_location = ?", (place,))
                own.commit()
