"""A text classifier in ONNX on the CPU, by ONNX Runtime alone: neither torch nor transformers.

MLflow copies this module into each model that is logged with it, so that the model also predicts
where finesweep is not installed; therefore it imports nothing of finesweep.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

MODEL_FILE, CONFIG_FILE, TOKENIZER_FILE = "model.onnx", "config.json", "tokenizer.json"
QUANTIZATION = "finesweep.quantization"
"""Key in the ONNX file's metadata: the format of its weights, such as int8; absent for float32."""
PAIR_COLUMN = "text_pair"
BATCH_SIZE = 32
MULTI_LABEL = "multi_label_classification"


class OnnxClassifier:
    """The model in a folder: model.onnx, config.json of transformers, and tokenizer.json, which
    truncates and pads as it was saved."""

    def __init__(self, folder: str | Path) -> None:
        """ImportError without ONNX Runtime; OSError when a file is missing."""
        import onnxruntime
        from tokenizers import Tokenizer

        files = Path(folder)
        self.config: dict[str, Any] = json.loads((files / CONFIG_FILE).read_text(encoding="utf-8"))
        self.tokenizer: Any = Tokenizer.from_str(
            (files / TOKENIZER_FILE).read_text(encoding="utf-8")
        )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = n_threads()
        options.log_severity_level = 3  # errors: not that some node has no kernel of another kind
        self.session = onnxruntime.InferenceSession(
            str(files / MODEL_FILE), options, providers=["CPUExecutionProvider"]
        )
        self.inputs = [each.name for each in self.session.get_inputs()]

    @property
    def label_names(self) -> list[str]:
        names = self.config["id2label"]
        return [names[str(index)] for index in range(len(names))]

    @property
    def multi_label(self) -> bool:
        """Whether its config says that a text may have any number of labels."""
        return self.config.get("problem_type") == MULTI_LABEL

    @property
    def max_length(self) -> int:
        """The number of tokens to which texts are truncated, special tokens included."""
        return int(self.tokenizer.truncation["max_length"])

    @property
    def quantization(self) -> str | None:
        """The format of the weights, such as int8; None for float32."""
        metadata: dict[str, str] = self.session.get_modelmeta().custom_metadata_map
        return metadata.get(QUANTIZATION)

    def logits(self, columns: Sequence[Sequence[str]]) -> np.ndarray:
        """[B, C] float64 for B texts in one column, or pairs of texts in two, as one batch."""
        texts = list(columns[0]) if len(columns) == 1 else list(zip(*columns, strict=True))
        encodings = self.tokenizer.encode_batch(texts)
        arrays = {
            "input_ids": [each.ids for each in encodings],
            "attention_mask": [each.attention_mask for each in encodings],
            "token_type_ids": [each.type_ids for each in encodings],
        }
        feed = {name: np.array(arrays[name], dtype=np.int64) for name in self.inputs}
        (logits,) = self.session.run(None, feed)
        return np.asarray(logits, dtype=np.float64)

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """The number of tokens of each text, without special tokens and without truncation."""
        encodings = self._whole.encode_batch(list(texts), add_special_tokens=False)
        return [len(each.ids) for each in encodings]

    def n_special_tokens(self, *, pairs: bool) -> int:
        """The number of special tokens that are added to a text or a pair."""
        return int(self.tokenizer.num_special_tokens_to_add(pairs))

    @cached_property
    def _whole(self) -> Any:
        """A tokenizer that neither truncates nor pads: to change the other is not thread-safe."""
        tokenizer = type(self.tokenizer).from_str(self.tokenizer.to_str())
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer

    def predict(self, data: Any, params: Any = None) -> Any:
        """MLflow's pyfunc: what the text-classification pipeline of transformers returns.

        data are N texts: a list, or a table with one column, or with text and text_pair. Returns a
        table with label and score of the likeliest class; if a text may have several labels, a list
        of all labels with their scores for each text. Scores are not calibrated.
        """
        import pandas as pd

        columns = _columns(data)
        starts = range(0, len(columns[0]), BATCH_SIZE)
        batches = [[c[start : start + BATCH_SIZE] for c in columns] for start in starts]
        scores = [row for batch in batches for row in self.scores(batch)]
        names = self.label_names
        ranked = [
            [{"label": names[c], "score": float(row[c])} for c in np.argsort(-row, kind="stable")]
            for row in scores
        ]
        if self.multi_label:
            return ranked
        return pd.DataFrame([each[0] for each in ranked], columns=["label", "score"])

    def scores(self, columns: Sequence[Sequence[str]]) -> np.ndarray:
        """[B, C] probabilities by softmax, or by sigmoid for several labels; not calibrated."""
        logits = self.logits(columns)
        if self.multi_label:
            return np.asarray(0.5 * (1 + np.tanh(0.5 * logits)))  # the sigmoid, without overflow
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def n_threads() -> int:
    """OMP_NUM_THREADS, which ONNX Runtime itself ignores; else the cores that this process has."""
    given = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    if given.isdigit() and int(given):
        return int(given)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def is_onnx_folder(folder: str | Path) -> bool:
    """Whether the folder has the files of an OnnxClassifier."""
    names = (MODEL_FILE, CONFIG_FILE, TOKENIZER_FILE)
    return all((Path(folder) / name).is_file() for name in names)


def _columns(data: Any) -> list[list[str]]:
    """The texts in one column, or the pairs in two."""
    if hasattr(data, "columns"):  # a pandas table
        paired = PAIR_COLUMN in data.columns
        names = ["text", PAIR_COLUMN] if paired else [data.columns[0]]
        return [[str(text) for text in data[name]] for name in names]
    rows: list[Any] = [data] if isinstance(data, str | dict) else list(data)
    if rows and isinstance(rows[0], dict):
        return [[str(row[name]) for row in rows] for name in ("text", PAIR_COLUMN)]
    return [[str(text) for text in rows]]


def _load_pyfunc(path: str, model_config: Any = None) -> OnnxClassifier:
    """What MLflow calls to load the model."""
    return OnnxClassifier(path)
