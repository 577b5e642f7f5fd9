"""A sweep over the training recipe, from its file to predictions of the registered winner."""

from __future__ import annotations

from pathlib import Path

import mlflow
import numpy as np
import pytest

from finesweep.dataset import load_dataset
from finesweep.errors import ConfigError
from finesweep.prediction import load_classifier
from finesweep.sweep.study import search_space
from finesweep.sweep.study.study import finalist_in
from finesweep.tracking.predictions import read_predictions
from tests.stores import put_stores
from tests.sweeping import Sweeping

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning"),
]
SWEEP = """\
# @package sweep
# Which recipe?   finesweep sweep own
n_trials: 3
pruner: null
portfolio: 0
enqueue:
  - {{model.lora_rank: 2, model.dropout: 0.2, training.optimizer: adafactor}}
  - {{model.lora_rank: null, model.dropout: null, training.scheduler: constant}}
params:
  dataset: local
  dataset.path: {texts}
  dataset.max_length: 16
  model.name_or_path: {model}
  model.pooling: mean
  model.freeze_layers: 1
  training.epochs: 1
  training.batch_size: 32
  training.learning_rate: 0.02
  training.precision: fp32
  model.lora_rank: choice(null, 2, 4)
  model.dropout: choice(null, 0.0, 0.2)
  training.optimizer: choice(adamw, adafactor)
  training.scheduler: choice(linear, cosine, constant, warmup_stable_decay)
  training.layer_decay: interval(0.7, 1.0)
  training.focal_gamma: choice(0.0, 2.0)
confirm: null
baseline: false
report: false
register: {{name: own-model, alias: challenger}}
"""


def test_the_winner_predicts_as_it_was_evaluated(
    workplace: Path, tiny_bert: Path, texts_csv: Path, empty_stores: Path
) -> None:
    pytest.importorskip("peft")
    own = Sweeping(workplace)
    put_stores(empty_stores, workplace)
    (workplace / "sweeps").mkdir()
    (workplace / "sweeps" / "own.yaml").write_text(SWEEP.format(texts=texts_csv, model=tiny_bert))
    study, _ = own.sweep()
    assert [trial.state.name for trial in study.trials] == ["COMPLETE"] * 3
    runs = own.client.search_runs(["1"], "tags.`finesweep.kind` = 'trial'")
    ranks = {run.data.params["model.lora_rank"] for run in runs}
    assert {"2", "None"} <= ranks
    with_adapters = [run for run in runs if run.data.params["model.lora_rank"] == "2"]
    assert int(with_adapters[0].data.params["parameters.trainable"]) < 4_000
    finalist = finalist_in(study.user_attrs)
    assert finalist is not None
    assert finalist.pooling == "mean"
    uri = f"sqlite:///{workplace / 'mlruns' / 'mlflow.db'}"
    classifier = load_classifier("models:/own-model@challenger", tracking_uri=uri)
    folder = mlflow.artifacts.download_artifacts(finalist.model_uri, tracking_uri=uri)
    card = (Path(folder) / "model_card.md").read_text(encoding="utf-8")
    assert "its head reads the mean of the token states" in card
    path = own.client.download_artifacts(finalist.run_id, "test/predictions.parquet")
    texts = load_dataset(own.plan().base.config.dataset).test["text"]
    evaluated = read_predictions(path)
    temperature = classifier.decision_rule.temperature
    scaled = np.log(evaluated.probabilities) / temperature
    expected = np.exp(scaled) / np.exp(scaled).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(classifier.probabilities(texts), expected, atol=1e-5)
    description = own.client.get_model_version("own-model", "1").description
    assert "finesweep.load_model(" in description
    assert "mlflow.transformers" not in description


def test_a_recipe_that_no_trial_can_have_is_told_before_the_first(
    workplace: Path, tiny_bert: Path, texts_csv: Path
) -> None:
    own = Sweeping(workplace)
    (workplace / "sweeps").mkdir()
    (workplace / "sweeps" / "own.yaml").write_text(SWEEP.format(texts=texts_csv, model=tiny_bert))
    with pytest.raises(ConfigError) as raised:
        search_space.check(own.plan("model.freeze_layers=choice(1, 4)"))
    (problem,) = raised.value.problems
    assert problem.path == "model.lora_rank"
    assert "no linear layer above its frozen ones to adapt" in problem.message
