"""Databases of MLflow and Optuna: made once with their tables, a second each, and then copied."""

from __future__ import annotations

import shutil
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
        copy_database(stores / name, folder / "mlruns" / name)
    with closing(sqlite3.connect(folder / "mlruns" / "mlflow.db")) as own:
        place = str(folder / "mlruns" / "0")
        own.execute("UPDATE experiments SET artifact_location = ?", (place,))
        own.commit()


def copy_project(project: Path, target: Path) -> None:
    """Copies a project's folder with its databases."""
    shutil.copytree(project, target, ignore=shutil.ignore_patterns("*.db*"))
    for name in NAMES:
        copy_database(project / "mlruns" / name, target / "mlruns" / name)


def copy_database(source: Path, target: Path) -> None:
    """Copies it by SQLite itself: what was written last may lie beside the file, and whoever else
    opens the file and closes it takes the locks of its open connections in this process away."""
    with (
        closing(sqlite3.connect(source)) as made,
        closing(sqlite3.connect(target)) as own,
    ):
        made.backup(own)
