"""JSON Schema files for editors, beside a user's own config files."""

from __future__ import annotations

FOLDER = ".finesweep"
"""Folder of a project with generated files, beside conf/ and sweeps/."""


def schema_file(name: str) -> str:
    """Path of a schema's file from the project's folder."""
    return f"{FOLDER}/{name}.schema.json"


def schema_line(name: str, *, depth: int) -> str:
    """The comment by which editors with the YAML language server find a file's schema; depth is
    the number of folders between the project's folder and the file."""
    return f"# yaml-language-server: $schema={'../' * depth}{schema_file(name)}"
