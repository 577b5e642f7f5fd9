"""Labelled texts: read, checked, labelled, split and fingerprinted, then tokenised."""

from finesweep.dataset.load import load_dataset, prepare
from finesweep.dataset.tokens import tokenise

__all__ = ["load_dataset", "prepare", "tokenise"]
