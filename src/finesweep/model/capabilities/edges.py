"""What a tokenizer sets around texts: special tokens, and the types of all tokens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, islice, pairwise

from transformers import PreTrainedTokenizerBase

from finesweep.errors import ConfigError, Problem

N_TRIED = 1000
"""Words of the vocabulary that are tried as a text."""
TYPES = "token_type_ids"


@dataclass(frozen=True)
class Edges:
    """Around one text, or around and between the two of a pair."""

    tokens: list[list[int]]
    """Before, between and behind the texts."""
    types: list[list[int]] | None
    """Of each of these tokens; None where the model reads no types."""
    text_types: list[int]
    """Of the tokens of each text."""


def edges_of(tokenizer: PreTrainedTokenizerBase, *, n_texts: int) -> Edges:
    """What stands around n_texts texts, 1 or 2; ConfigError when the tokenizer does not say it."""
    read = _of_fast if tokenizer.is_fast else _of_python
    ids, types, texts = read(tokenizer, n_texts)
    places = [[k for k, text in enumerate(texts) if text == number] for number in range(n_texts)]
    order = [number for number, _ in groupby(each for each in texts if each is not None)]
    if order != list(range(n_texts)):
        message = "its tokenizer sets tokens within a text, or texts in another order"
        raise ConfigError(Problem("model.name_or_path", message))
    bounds = [(0, places[0][0])]
    bounds += [(own[-1] + 1, after[0]) for own, after in pairwise(places)]
    bounds.append((places[-1][-1] + 1, len(ids)))
    slices = [slice(*each) for each in bounds]
    reads_types = TYPES in tokenizer.model_input_names
    return Edges(
        tokens=[ids[place] for place in slices],
        types=[types[place] for place in slices] if reads_types else None,
        text_types=[types[place[0]] for place in places],
    )


Edged = tuple[list[int], list[int], list[int | None]]
"""Ids, types, and of which text each token is: None of a special one."""


def _of_python(tokenizer: PreTrainedTokenizerBase, n_texts: int) -> Edged:
    texts = [[-1 - number] for number in range(n_texts)]
    ids = list(tokenizer.build_inputs_with_special_tokens(*texts))
    types = [0] * len(ids)
    if TYPES in tokenizer.model_input_names:
        types = list(tokenizer.create_token_type_ids_from_sequences(*texts))
    return ids, types, [-1 - each if each < 0 else None for each in ids]


def _of_fast(tokenizer: PreTrainedTokenizerBase, n_texts: int) -> Edged:
    for text in islice(_texts(tokenizer), N_TRIED):
        framed = tokenizer(
            *[text] * n_texts, truncation=False, padding=False, return_token_type_ids=True
        )
        texts = framed.sequence_ids(0)
        if set(range(n_texts)) <= set(texts):
            return framed["input_ids"], framed[TYPES], texts
    message = f"its tokenizer makes no token of any of {N_TRIED} texts that were tried"
    raise ConfigError(Problem("model.name_or_path", message))


def _texts(tokenizer: PreTrainedTokenizerBase) -> Iterator[str]:
    """A letter, which some have no piece for, and the words that the tokenizer knows."""
    yield "a"
    special = set(tokenizer.all_special_tokens)
    yield from (word for word in tokenizer.get_vocab() if word not in special)
