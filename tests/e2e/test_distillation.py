"""A sweep whose trials learn with and without a teacher, from its file to what the stores hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from finesweep.sweep.study.keys import VALUES
from tests.stores import put_stores
from tests.sweeping import Sweeping
from tests.tiny_bert import tiny_bert as saved_bert

pytestmark = pytest.mark.slow

NAMES = ("plain", "good", "bad")
SWEEP = """\
# @package sweep
n_trials: 2
enqueue:
  - {{training.teacher: null}}
  - {{training.teacher: {teacher}}}
params:
  dataset: local
  dataset.path: {texts}
  dataset.max_length: 16
  model.name_or_path: {model}
  training.epochs: 1
  training.evaluations_per_epoch: 1
  training.batch_size: 32
  training.precision: fp32
  training.distillation.weight: 1.0
  training.teacher: choice(null, {teacher})
baseline: false
confirm: null
report: false
"""


def test_a_teacher_is_a_dimension_whose_runs_name_it(
    tmp_path: Path,
    tiny_bert: Path,
    texts_csv: Path,
    empty_stores: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    labels = {name: k for k, name in enumerate(NAMES)}
    teacher = tmp_path / "teacher"
    saved_bert(teacher, num_labels=3, id2label=dict(enumerate(NAMES)), label2id=labels)
    own = Sweeping(tmp_path / "project")
    (own.folder / "sweeps").mkdir(parents=True)
    text = SWEEP.format(texts=texts_csv, model=tiny_bert, teacher=teacher)
    (own.folder / "sweeps" / "own.yaml").write_text(text, encoding="utf-8")
    put_stores(empty_stores, own.folder)
    monkeypatch.chdir(own.folder)
    study, _ = own.sweep()
    assert [t.user_attrs[VALUES]["training.teacher"] for t in study.trials] == [None, str(teacher)]
    assert all(trial.value is not None for trial in study.trials)
    runs = own.client.search_runs(["1"], "tags.`finesweep.kind` = 'trial'")
    plain, distilled = sorted(runs, key=lambda run: int(run.data.tags["finesweep.trial_number"]))
    assert distilled.data.tags["finesweep.teacher"] == str(teacher)
    assert len(distilled.data.tags["finesweep.teacher_sha256"]) == 64
    assert distilled.data.params["training.teacher"] == str(teacher)
    assert "finesweep.teacher" not in plain.data.tags
    entries = list((own.folder / "mlruns" / "cache" / "teachers").glob("*/used"))
    assert len(entries) == 1
