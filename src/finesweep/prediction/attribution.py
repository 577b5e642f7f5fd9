"""Which words of a text a prediction depends on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch

from finesweep.model import Ensemble, mean_logits
from finesweep.pairs import PAIR

if TYPE_CHECKING:
    from finesweep.prediction.classifier import Classifier

Odds = Callable[[torch.Tensor], torch.Tensor]
N_STEPS = 32
"""Points between baseline and text, with which the sum is right within a few per cent."""
Span = tuple[str, float | None]
"""A part of the text, and its contribution to the label's log-odds; None for white space and text
beyond the model's length."""


def attribute(classifier: Classifier, text: str, label: str) -> list[Span]:
    """The whole cleaned text in spans: each word with its contribution to this label's log-odds.
    The separator of a joined pair is a span too.

    Integrated gradients (Sundararajan et al. 2017) with an all-padding baseline; contributions sum
    to the difference in log-odds.
    """
    texts = [column[0] for column in classifier.clean_columns([text])]
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

    inputs = {name: value.to(model.device) for name, value in inputs.items()}
    scores = integrated_gradients(model, inputs, special.to(model.device), odds).tolist()
    spans: list[Span] = []
    for side, side_text in enumerate(texts):
        side_words = [w if s == side else None for w, s in zip(words, sequences, strict=True)]
        spans += [(PAIR, None)] * (side > 0)
        spans += _spans(side_text, side_words, offsets, scores)
    return spans


def integrated_gradients(
    model: Any, inputs: dict[str, torch.Tensor], special: torch.Tensor, odds: Odds
) -> torch.Tensor:
    """[L]: each token's contribution to the log-odds, by the midpoint rule.

    odds returns log-odds [N] from logits [N, C]; inputs are one text's, [1, L]; special [L] marks
    tokens that the baseline keeps.
    """
    members = model.classifiers if isinstance(model, Ensemble) else [model]
    ids = inputs["input_ids"]
    padding = torch.full_like(ids, model.config.pad_token_id or 0)
    shares = (torch.arange(N_STEPS, device=ids.device) + 0.5) / N_STEPS
    others = {
        name: value.expand(N_STEPS, -1) for name, value in inputs.items() if name != "input_ids"
    }
    lines, paths = list[torch.Tensor](), list[torch.Tensor]()
    for embed in (member.get_input_embeddings() for member in members):
        with torch.no_grad():
            end, start = embed(ids), embed(torch.where(special, ids, padding))
        lines.append(end - start)
        paths.append((start + shares[:, None, None] * (end - start)).requires_grad_())
    with torch.enable_grad():
        outputs = [
            member(inputs_embeds=points, **others).logits
            for member, points in zip(members, paths, strict=True)
        ]
        logits = outputs[0]
        if isinstance(model, Ensemble):
            logits = mean_logits(outputs, multi_label=model.multi_label)
        gradients = torch.autograd.grad(odds(logits).sum(), paths)
    by_member = [
        (line[0] * gradient.mean(dim=0)).sum(dim=-1)
        for line, gradient in zip(lines, gradients, strict=True)
    ]
    return torch.stack(by_member).sum(dim=0)


def log_odds(logits: torch.Tensor, index: int, *, multi_label: bool = False) -> torch.Tensor:
    """[N]: one label's log-odds against all others, from logits [N, C]; with several labels, the
    label's own."""
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
    """One span with a score per word, and one without a score between words."""
    by_word: dict[int, tuple[int, int, float]] = {}
    for word, (low, high), score in zip(words, offsets, scores, strict=True):
        if word is not None:
            first, _, total = by_word.get(word, (low, high, 0.0))
            by_word[word] = (first, high, total + score)
    done = 0
    for low, high, score in by_word.values():
        if low > done:
            yield text[done:low], None
        yield text[low:high], score
        done = high
    if done < len(text):
        yield text[done:], None
