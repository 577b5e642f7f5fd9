"""A sweep of two objectives from its file to the registered member of its front."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import optuna
import pytest
from optuna import Study
from rich.console import Console
from tests.stores import put_stores
from tests.sweeping import Sweeping

from finesweep.api.notifications import message_of
from finesweep.cli.screens.sweep_report import print_outcome
from finesweep.errors import NonFiniteError
from finesweep.report.charts.objectives import front as front_picture
from finesweep.report.reading import read_sweep
from finesweep.runs.latency import Latency
from finesweep.sweep.selection import latencies as module
from finesweep.sweep.status import status_of
from finesweep.sweep.study.keys import LATENCY_KEY, OBJECTIVES, REGISTERED
from finesweep.sweep.worker.objectives import record_objectives
from finesweep.tracking.tags import FRONT_TAG

pytestmark = [
    pytest.mark.xdist_group("objectives"),
    pytest.mark.slow,  # a sweep of three trials
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning"),
]
LOSS, MS = "validation/loss", "latency_ms/one_p50"
SWEEP = """\
# @package sweep
objectives: [validation/loss, latency_ms/one_p50]
n_trials: 3
pruner: {{_target_: optuna.pruners.MedianPruner, n_startup_trials: 1}}
portfolio: 0
enqueue:
  - {{model: tiny, training.learning_rate: 0.01}}
  - {{model: tiny_distil, training.learning_rate: 1e-6}}
  - {{model: tiny, training.learning_rate: 1e-8}}
params:
  dataset: local
  dataset.path: {texts}
  dataset.max_length: 16
  model: choice(tiny, tiny_distil)
  training.epochs: 1
  training.evaluations_per_epoch: 2
  training.batch_size: 16
  training.precision: fp32
  training.learning_rate: tag(log, interval(1e-8, 0.02))
confirm: {{top_k: 2, seeds: 1}}
register: {{name: own-model, pick: {{best_first_within: {{validation/loss: 9}}}}}}
baseline: false
report: false
"""


@dataclass
class Swept:
    """The sweep at its end, and the layers of each model whose latency was measured."""

    sweeping: Sweeping
    study: Study
    measured: list[int] = field(default_factory=list)

    @property
    def whole(self) -> Study:
        url = f"sqlite:///{self.sweeping.folder / 'mlruns' / 'optuna.db'}"
        return optuna.load_study(study_name="own", storage=url)


@pytest.fixture(scope="module")
def swept(
    tmp_path_factory: pytest.TempPathFactory, tiny_bert: Path, texts_csv: Path, empty_stores: Path
) -> Iterator[Swept]:
    sweeping, measured = Sweeping(tmp_path_factory.mktemp("several")), list[int]()
    put_stores(empty_stores, sweeping.folder)
    (sweeping.folder / "sweeps").mkdir()
    (sweeping.folder / "sweeps" / "own.yaml").write_text(SWEEP.format(texts=texts_csv))
    models = sweeping.folder / "conf" / "model"
    models.mkdir(parents=True)
    (models / "tiny.yaml").write_text(f"name_or_path: {tiny_bert}\n")
    (models / "tiny_distil.yaml").write_text(f"name_or_path: {tiny_bert}\ndistil: true\n")

    def latency(model: Any, *args: Any, **how: Any) -> Latency:
        """As on a machine that nothing else uses."""
        measured.append(model.config.num_hidden_layers)
        return Latency(*[float(measured[-1])] * 4)

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(sweeping.folder)
        patch.setattr(module, "measure_latency", latency)
        patch.setattr(module, "MAX_ROUNDS", 1)
        study, _ = sweeping.sweep()
        yield Swept(sweeping, study, measured)


def test_optuna_has_every_value_and_a_trial_was_pruned_on_the_first(swept: Swept) -> None:
    trials = swept.whole.trials
    assert swept.whole.metric_names == [LOSS, MS]
    assert [trial.state.name for trial in trials] == ["COMPLETE", "COMPLETE", "PRUNED"]
    assert [trial.values[1] for trial in trials[:2]] == [4.0, 2.0]
    assert trials[0].values[0] == trials[0].user_attrs[OBJECTIVES][LOSS]
    assert trials[2].intermediate_values
    assert {trial.number for trial in swept.whole.best_trials} == {0, 1}


def test_latency_is_measured_once_for_all_trials_of_an_architecture_and_length(
    swept: Swept,
) -> None:
    assert swept.measured == [4, 2, 4, 2], "in the search, and again once it had ended"
    keys = {trial.user_attrs.get(LATENCY_KEY) for trial in swept.whole.trials[:2]}
    assert len(keys) == 2
    confirmed = optuna.load_study(study_name="own+confirmation", storage=swept.whole._storage)
    assert {trial.user_attrs[LATENCY_KEY] for trial in confirmed.trials} == keys


def test_the_front_is_confirmed_and_the_rules_member_is_registered(swept: Swept) -> None:
    status = json.loads(json.dumps(asdict(status_of(swept.study))))
    assert [each["metric"] for each in status["front"]["objectives"]] == [LOSS, MS]
    assert [each["trial"] for each in status["front"]["members"]] == [0, 1]
    assert status["front"]["machine"] == module.this_device()
    assert {(row["trial"], row["dropped"]) for row in status["confirmed"]} == {
        (0, False),
        (1, False),
    }
    assert (status["best"]["trial"], status["winner"]["trial"]) == (0, 1)
    assert status["winner"]["picked"]["rule"] == f"best_first_within {{{LOSS}: 9}}"
    model = swept.sweeping.client.get_model_version_by_alias("own-model", "challenger")
    assert model.source == swept.study.user_attrs[REGISTERED]["model_uri"]
    assert swept.sweeping.sweep()[1] == [], "nothing is left to do"
    assert message_of(swept.sweeping.plan(), swept.study, None)["state"] == "finished"


def test_screen_and_mlflow_show_the_front(swept: Swept) -> None:
    print_outcome(Console(width=200, file=(screen := io.StringIO())), swept.study)
    text = screen.getvalue()
    assert f"Pareto front of {LOSS} and {MS}: trials 0, 1, of 2 complete" in text
    assert f"picked by best_first_within {{{LOSS}: 9}}: trial 1 has the best {MS} of 2" in text
    runs = swept.sweeping.client.search_runs(["1"], "tags.`finesweep.kind` = 'trial'")
    tags = {
        run.data.tags["finesweep.trial_number"]: (
            run.data.tags.get(FRONT_TAG),
            run.data.metrics.get(MS),
        )
        for run in runs
    }
    assert tags == {"0": ("yes", 4.0), "1": ("yes", 2.0), "2": (None, None)}
    (parent,) = swept.sweeping.client.search_runs(["1"], "tags.`finesweep.kind` = 'sweep'")
    assert parent.data.tags["finesweep.front_trials"] == "0, 1"


def test_the_report_draws_the_front(swept: Swept) -> None:
    picture = front_picture(read_sweep(swept.study, None, None))
    assert picture is not None
    (figure,) = picture.figures
    assert list(figure.data[0].x) == [2.0, 4.0]
    assert [row[:2] for row in picture.rows] == [(0, "tiny"), (1, "tiny_distil")]
    assert "The winner was picked by best_first_within" in picture.caption


def test_an_objective_that_is_no_number_fails_the_trial(swept: Swept) -> None:
    best = SimpleNamespace(metrics={LOSS: 0.5})
    trained: Any = SimpleNamespace(
        result=SimpleNamespace(best=best),
        setup=SimpleNamespace(model=SimpleNamespace(parameters=list)),
    )
    plan = swept.sweeping.plan("sweep.objectives=[validation/loss,validation/f1]")
    with pytest.raises(NonFiniteError, match=r"^validation/f1 is not a number at the best"):
        record_objectives(plan, swept.study, swept.study.ask(), trained)
