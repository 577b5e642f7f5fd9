"""The special tokens that a tokenizer adds around texts, and all token types."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, islice, pairwise

from transformers import PreTrainedTokenizerBase

from finesweep.errors import ConfigError, Problem

N_TRIED = 1000
"""Number of vocabulary words tried as a text."""
TYPES = "token_type_ids"


@dataclass(frozen=True)
class Edges:
    """Special tokens around one text, or around and between the two of a pair."""

    tokens: list[list[int]]
    """Token ids before, between and after the texts."""
    types: list[list[int]] | None
    """Token types of these; None if the model reads no types."""
    text_types: list[int]
    """Token type of each text."""


def edges_of(tokenizer: PreTrainedTokenizerBase, *, n_texts: int) -> Edges:
    """The edges of n_texts texts, 1 or 2; ConfigError when the tokenizer does not reveal them."""
    read = _of_fast if tokenizer.is_fast else _of_python
    ids, types, texts = read(tokenizer, n_texts)
    positions = [[k for k, text in enumerate(texts) if text == number] for number in range(n_texts)]
    order = [number for number, _ in groupby(each for each in texts if each is not None)]
    if order != list(range(n_texts)):
        message = "its tokenizer adds tokens within a text, or reorders texts"
        raise ConfigError(Problem("model.name_or_path", message))
    bounds = [(0, positions[0][0])]
    bounds += [(first[-1] + 1, second[0]) for first, second in pairwise(positions)]
    bounds.append((positions[-1][-1] + 1, len(ids)))
    slices = [slice(*each) for each in bounds]
    reads_types = TYPES in tokenizer.model_input_names
    return Edges(
        tokens=[ids[part] for part in slices],
        types=[types[part] for part in slices] if reads_types else None,
        text_types=[types[part[0]] for part in positions],
    )


EdgedIds = tuple[list[int], list[int], list[int | None]]
"""Ids, types, and the index of each token's text, None for a special token."""


def _of_python(tokenizer: PreTrainedTokenizerBase, n_texts: int) -> EdgedIds:
    texts = [[-1 - number] for number in range(n_texts)]
    ids = list(tokenizer.build_inputs_with_special_tokens(*texts))
    types = [0] * len(ids)
    if TYPES in tokenizer.model_input_names:
        types = list(tokenizer.create_token_type_ids_from_sequences(*texts))
    return ids, types, [-1 - each if each < 0 else None for each in ids]


def _of_fast(tokenizer: PreTrainedTokenizerBase, n_texts: int) -> EdgedIds:
    for text in islice(_texts(tokenizer), N_TRIED):
        encoding = tokenizer(
            *[text] * n_texts, truncation=False, padding=False, return_token_type_ids=True
        )
        texts = encoding.sequence_ids(0)
        if set(range(n_texts)) <= set(texts):
            return encoding["input_ids"], encoding[TYPES], texts
    message = f"its tokenizer returns no token for any of {N_TRIED} test texts"
    raise ConfigError(Problem("model.name_or_path", message))


def _texts(tokenizer: PreTrainedTokenizerBase) -> Iterator[str]:
    """A letter, which some vocabularies lack, and the words of the vocabulary."""
    yield "a"
    special = set(tokenizer.all_special_tokens)
    yield from (word for word in tokenizer.get_vocab() if word not in special)
