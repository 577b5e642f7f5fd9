"""The code of a logged ensemble, which MLflow stores with it and runs to load it.

It imports nothing of finesweep, so that MLflow can serve the model where finesweep is missing. Its
answers are those of a transformers pipeline: labels and raw probabilities.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import torch
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel
from transformers import AutoModelForSequenceClassification, AutoTokenizer

BATCH_SIZE = 32


class MeanOfProbabilities(PythonModel):
    """The mean of the members' probabilities for each text."""

    def load_context(self, context: Any) -> None:
        root = Path(context.artifacts["members"])
        folders = sorted(root.iterdir(), key=lambda folder: int(folder.name))
        load = AutoModelForSequenceClassification.from_pretrained
        self.members = [load(folder, use_safetensors=True).eval() for folder in folders]
        self.tokenizer = AutoTokenizer.from_pretrained(folders[0])
        self.max_length = int(context.model_config["max_length"])

    # MLflow would take type hints for the signature, which the model has, and warn.
    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]
        """A row per text with its likeliest label and score; for several labels per text a column
        per label, the most probable first."""
        columns = _columns(model_input)
        n_texts = len(columns[0])
        batches = [
            [column[start : start + BATCH_SIZE] for column in columns]
            for start in range(0, n_texts, BATCH_SIZE)
        ]
        config = self.members[0].config
        rows = [row for batch in batches for row in self._probabilities(batch).tolist()]
        scores = [
            [{"label": config.id2label[k], "score": score} for k, score in enumerate(row)]
            for row in rows
        ]
        ranked = [sorted(row, key=lambda each: -each["score"]) for row in scores]
        if config.problem_type == "multi_label_classification":
            return pd.DataFrame(ranked)
        return pd.DataFrame([row[0] for row in ranked], columns=["label", "score"])

    def _probabilities(self, columns: list[list[str]]) -> torch.Tensor:
        """[B, C]"""
        inputs = self.tokenizer(
            *columns,
            truncation=True,
            max_length=self.max_length,
            padding=True,
            return_tensors="pt",
        )
        multi_label = self.members[0].config.problem_type == "multi_label_classification"
        with torch.inference_mode():
            logits = torch.stack([member(**inputs).logits for member in self.members])
        return (logits.sigmoid() if multi_label else logits.softmax(dim=-1)).mean(dim=0)


def _columns(model_input: Any) -> list[list[str]]:
    """The texts, or the first and the second texts of pairs."""
    frame = pd.DataFrame(model_input)
    names = ["text", "text_pair"] if "text_pair" in frame.columns else frame.columns[:1]
    return [frame[name].tolist() for name in names]


set_model(MeanOfProbabilities())
