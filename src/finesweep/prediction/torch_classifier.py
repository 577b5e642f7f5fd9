"""A text classifier of transformers, run by PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from finesweep.prediction.onnx_classifier import MULTI_LABEL


@dataclass(frozen=True)
class TorchClassifier:
    """The model and tokenizer of a text-classification pipeline."""

    pipeline: Any
    max_length: int

    @property
    def label_names(self) -> list[str]:
        names = self.pipeline.model.config.id2label
        return [names[index] for index in range(len(names))]

    @property
    def multi_label(self) -> bool:
        """Whether its config says that a text may have any number of labels."""
        return bool(self.pipeline.model.config.problem_type == MULTI_LABEL)

    def logits(self, columns: Sequence[Sequence[str]]) -> np.ndarray:
        """[B, C] float64 for B texts in one column, or pairs of texts in two, as one batch. A
        pipeline would fail if the model has further outputs, whose first dimension is not always B.
        """
        import torch

        model = self.pipeline.model
        inputs = self.pipeline.tokenizer(
            *columns,
            truncation=True,
            max_length=self.max_length,
            padding=True,
            return_tensors="pt",
        )
        with torch.inference_mode():
            logits = model(**inputs.to(model.device)).logits
        array: np.ndarray = logits.double().cpu().numpy()
        return array

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """The number of tokens of each text, without special tokens and without truncation."""
        encoded = self.pipeline.tokenizer(
            list(texts),
            add_special_tokens=False,
            return_attention_mask=False,
            return_token_type_ids=False,
            verbose=False,  # no warnings about long texts: their length is the question
        )
        return [len(ids) for ids in encoded["input_ids"]]

    def n_special_tokens(self, *, pairs: bool) -> int:
        """The number of special tokens that are added to a text or a pair."""
        return int(self.pipeline.tokenizer.num_special_tokens_to_add(pair=pairs))
