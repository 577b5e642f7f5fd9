"""Writes a sweep's report: one HTML file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from finesweep.api.caller import preserve_caller
from finesweep.config import compose


@preserve_caller()
def write_report(
    name: str, output: str | Path | None = None, overrides: Sequence[str] = ()
) -> Path:
    """Writes the report of a sweep, finished or under way, and returns its path.

    One HTML file that opens without a network: what won and how sure that is, every trial, what
    the settings did, and the winner's errors.

    Args:
        name: The study: the sweep's name, or its sweep.study.
        output: The file to write; NAME.html in the current folder by default. An earlier report is
            replaced, no other file is.
        overrides: Hydra overrides of storage.… and tracking.….

    Returns:
        The path of the file.

    Raises:
        ConfigError: If there is no such study, it is of another version of finesweep, or the file
            cannot be written.

    Example:
        >>> finesweep.write_report("demo")
        PosixPath('demo.html')
    """
    config = compose(overrides).config

    from finesweep.sweep.study.study import find_study

    study = find_study(name, config.storage.url)

    from finesweep.report.making import report_path, write_report_of

    path = report_path(name, output)
    write_report_of(study, overrides, path)
    return path
