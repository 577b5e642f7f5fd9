"""Several classifiers as one, whose probabilities are the means of theirs."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput

MULTI_LABEL = "multi_label_classification"


class Ensemble(nn.Module):
    """Classifiers with the same labels and tokenizer, in eval mode.

    Its forward takes one member's inputs; its config is a copy of the first one's. No training.
    """

    def __init__(self, members: Sequence[PreTrainedModel]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.config = copy.deepcopy(members[0].config)
        self.eval()

    @property
    def classifiers(self) -> list[PreTrainedModel]:
        return list(self.members)

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    @property
    def multi_label(self) -> bool:
        """Whether a text may have any number of labels."""
        return bool(self.config.problem_type == MULTI_LABEL)

    def forward(self, **inputs: Any) -> SequenceClassifierOutput:
        outputs = [member(**inputs).logits for member in self.members]
        return SequenceClassifierOutput(logits=mean_logits(outputs, multi_label=self.multi_label))


def mean_logits(outputs: Sequence[torch.Tensor], *, multi_label: bool) -> torch.Tensor:
    """[N, C] logits whose probabilities are the means of those of each of outputs, [N, C]."""
    logits = torch.stack(list(outputs))
    n_members = torch.tensor(float(len(logits)), dtype=logits.dtype, device=logits.device).log()
    if not multi_label:
        return logits.log_softmax(dim=-1).logsumexp(dim=0) - n_members
    yes, no = (nn.functional.logsigmoid(sign * logits).logsumexp(dim=0) for sign in (1, -1))
    return yes - no
