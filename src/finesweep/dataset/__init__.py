"""Labelled texts: read, checked, labelled, split and fingerprinted, then tokenized.

Imports are lazy: `predict` reads files without importing Hugging Face's datasets.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from finesweep.dataset.load import load_dataset, prepare
    from finesweep.dataset.tokens import tokenize

__all__ = ["load_dataset", "prepare", "tokenize"]

_MODULES = {"load_dataset": "load", "prepare": "load", "tokenize": "tokens"}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
