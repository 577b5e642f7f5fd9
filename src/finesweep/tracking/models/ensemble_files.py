"""Where a logged ensemble has its members."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

MEMBERS = "members"
"""Name of its artifact: a folder for each member, by number, the first with the tokenizer."""


def member_folders(flavors: Mapping[str, Any], folder: Path) -> list[Path]:
    """The members of a logged ensemble in order, from its flavors and the folder of its files;
    none for any other model."""
    artifact = (flavors.get("python_function") or {}).get("artifacts", {}).get(MEMBERS)
    if artifact is None:
        return []
    return sorted((folder / artifact["path"]).iterdir(), key=lambda each: int(each.name))
