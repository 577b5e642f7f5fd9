"""Several kinds of encoders, text pairs and several labels are exported right, or refused."""

from __future__ import annotations

import logging
import sys
import threading
import warnings
from pathlib import Path

import pytest
import torch
from tests.tiny_encoders import save_tokenizer, tiny
from tests.unit.export.conftest import tiny_model
from transformers import AutoTokenizer, PreTrainedModel, pipeline

from finesweep.errors import FinesweepError
from finesweep.export.conversion import convert
from finesweep.export.onnx_graph import write_onnx
from finesweep.export.source import Data, Source
from finesweep.pairs import join_pair
from finesweep.prediction import Classifier
from finesweep.records import DecisionRule

pytest.importorskip("onnxscript", reason="the extra finesweep[onnx] is not installed")
pytestmark = [
    pytest.mark.slow,  # a model is traced
    pytest.mark.xdist_group("export"),  # the first trace of a process imports for seconds
]
NOTHING = Data(None, False, "it has none")


def source(model: object, tokenizer_folder: Path, rule: DecisionRule, max_length: int) -> Source:
    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder)
    pipe = pipeline("text-classification", model=model, tokenizer=tokenizer)
    return Source("it", Classifier(pipe, max_length, rule), None, None, None)


def test_pairs_and_several_labels_agree_too(tiny_bert: Path, tmp_path: Path) -> None:
    rule = DecisionRule(label_thresholds=(0.5, 0.3, 0.6), pairs=True)
    made = source(tiny_model(("a", "b", "c"), rule), tiny_bert, rule, 20)
    found = convert(made, NOTHING, tmp_path, format_="onnx")
    assert (found.agreement.n_rows, found.agreement.n_tokens) == (200, 20)
    assert found.agreement.difference < 1e-5
    assert found.agreement.n_changed == 0
    pair = join_pair("a day", "it was awful")
    (before,), (after,) = made.classifier.predict([pair]), found.classifier.predict([pair])
    assert after.labels == before.labels
    assert after.probabilities == pytest.approx(before.probabilities, abs=1e-5)
    ranked = found.classifier.pipeline.predict([{"text": "a day", "text_pair": "it was awful"}])
    assert {each["label"]: each["score"] for each in ranked[0]} == pytest.approx(
        dict(before.probabilities), abs=1e-5
    )


def test_distilbert_agrees_on_every_length(tmp_path: Path) -> None:
    save_tokenizer(tmp_path / "tokenizer")
    model = tiny("distilbert", n_layers=1)
    made = source(model.eval(), tmp_path / "tokenizer", DecisionRule(), 60)
    found = convert(made, NOTHING, tmp_path / "onnx", format_="onnx")
    assert (found.agreement.n_tokens, found.agreement.difference < 1e-5) == (60, True)


def test_a_model_that_cannot_be_traced_is_one_sentence(
    tiny_bert: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model = tiny_model(("a", "b"), DecisionRule())

    def forward(**inputs: object) -> None:
        raise ValueError("no fixed shapes\nand pages of reasons")

    model.forward = forward  # type: ignore[method-assign]
    made = source(model, tiny_bert, DecisionRule(), 20)
    with pytest.raises(FinesweepError, match=r"^bert cannot be exported to ONNX: ") as caught:
        convert(made, NOTHING, tmp_path / "onnx", format_="onnx")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300
    assert not (tmp_path / "onnx" / "model.onnx").exists()
    assert capfd.readouterr() == ("", "")


def test_two_threads_that_export_leave_the_process_as_it_was(tmp_path: Path) -> None:
    others_turn, first_is_over = threading.Event(), threading.Event()

    def untraceable(before: threading.Event | None, wait_for: threading.Event) -> PreTrainedModel:
        model = tiny_model(("a", "b"), DecisionRule())

        def forward(**inputs: object) -> None:
            if before:
                before.set()
            wait_for.wait(0.1)
            raise ValueError

        model.forward = forward  # type: ignore[method-assign]
        return model

    def export(model: PreTrainedModel) -> None:
        with pytest.raises(FinesweepError):
            write_onnx(model, {"input_ids": torch.ones(2, 3, dtype=torch.long)}, tmp_path / "it")

    before = (logging.root.manager.disable, sys.stdout, sys.stderr, list(warnings.filters))
    second = threading.Thread(target=export, args=[untraceable(others_turn, first_is_over)])
    second.start()
    export(untraceable(None, others_turn))
    first_is_over.set()
    second.join()
    assert before == (logging.root.manager.disable, sys.stdout, sys.stderr, warnings.filters)


def test_a_model_that_reads_more_than_tokens_is_refused() -> None:
    model = tiny_model(("a", "b"), DecisionRule())
    inputs = dict.fromkeys(["input_ids", "attention_mask", "bbox"], torch.ones(2, 3))
    with pytest.raises(FinesweepError, match="it reads bbox beside tokens"):
        write_onnx(model, inputs, Path("unused.onnx"))
