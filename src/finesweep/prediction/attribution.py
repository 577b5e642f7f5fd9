"""Which words of a text an answer rests on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch

from finesweep.pairs import PAIR

if TYPE_CHECKING:
    from finesweep.prediction.classifier import Classifier

Odds = Callable[[torch.Tensor], torch.Tensor]
N_STEPS = 32
"""Points on the way from the empty text; the sum is then right to a few per cent."""
Span = tuple[str, float | None]
"""A part of the text, and what it adds to the logarithm of the label's odds; None where it was not
read: white space, and what lies behind the model's length."""


def attribute(classifier: Classifier, text: str, label: str) -> list[Span]:
    """The whole text, as it was cleaned, in spans: each word with its share in this label's odds.
    The mark of a joined pair is a span too.

    Integrated gradients (Sundararajan et al. 2017) along the straight line from a text of padding
    alone: all words together add what the text has over that one.
    """
    texts = [column[0] for column in classifier.read_of([text])]
    inputs = classifier.pipeline.tokenizer(
        *texts,
        truncation=True,
        max_length=classifier.max_length,
        return_offsets_mapping=True,
        return_special_tokens_mask=True,
        return_tensors="pt",
    )
    offsets = inputs.pop("offset_mapping")[0].tolist()
    words, sequences = inputs.word_ids(), inputs.sequence_ids()
    special = inputs.pop("special_tokens_mask")[0].bool()
    model = classifier.pipeline.model
    index, multi_label = classifier.label_names.index(label), classifier.multi_label

    def odds(logits: torch.Tensor) -> torch.Tensor:
        return log_odds(logits, index, multi_label=multi_label)

    given = {name: value.to(model.device) for name, value in inputs.items()}
    scores = integrated_gradients(model, given, special.to(model.device), odds).tolist()
    spans: list[Span] = []
    for side, one in enumerate(texts):
        own = [w if s == side else None for w, s in zip(words, sequences, strict=True)]
        spans += [(PAIR, None)] * (side > 0)
        spans += _spans(one, own, offsets, scores)
    return spans


def integrated_gradients(
    model: Any, inputs: dict[str, torch.Tensor], special: torch.Tensor, odds: Odds
) -> torch.Tensor:
    """[L] what each of L tokens adds to the log odds, by the midpoint rule.

    odds makes them [N] of logits [N, C]; inputs are one text's, [1, L]; special [L] are tokens that
    stand in the empty text too.
    """
    embed = model.get_input_embeddings()
    ids = inputs["input_ids"]
    padding = torch.full_like(ids, model.config.pad_token_id or 0)
    with torch.no_grad():
        end, start = embed(ids), embed(torch.where(special, ids, padding))
    shares = (torch.arange(N_STEPS, device=ids.device) + 0.5) / N_STEPS
    points = (start + shares[:, None, None] * (end - start)).requires_grad_()
    others = {
        name: value.expand(N_STEPS, -1) for name, value in inputs.items() if name != "input_ids"
    }
    with torch.enable_grad():
        told = odds(model(inputs_embeds=points, **others).logits)
        (gradients,) = torch.autograd.grad(told.sum(), points)
    made: torch.Tensor = ((end - start)[0] * gradients.mean(dim=0)).sum(dim=-1)
    return made


def log_odds(logits: torch.Tensor, index: int, *, multi_label: bool = False) -> torch.Tensor:
    """[N] of one label against all others, of logits [N, C]; of several labels, that it holds."""
    if multi_label:
        return logits[:, index]
    others = [c for c in range(logits.shape[1]) if c != index]
    return logits[:, index] - logits[:, others].logsumexp(dim=1)


def _spans(
    text: str,
    words: Sequence[int | None],
    offsets: Sequence[Sequence[int]],
    scores: Sequence[float],
) -> Iterator[Span]:
    """Tokens of one word are one span; what lies between words is one without a score."""
    held: dict[int, tuple[int, int, float]] = {}
    for word, (low, high), score in zip(words, offsets, scores, strict=True):
        if word is not None:
            first, _, total = held.get(word, (low, high, 0.0))
            held[word] = (first, high, total + score)
    done = 0
    for low, high, score in held.values():
        if low > done:
            yield text[done:low], None
        yield text[low:high], score
        done = high
    if done < len(text):
        yield text[done:], None
