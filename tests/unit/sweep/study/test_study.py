"""A study is continued only by the sweep that made it; its samplers repeat themselves by slot."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.pruners import PatientPruner
from optuna.samplers import QMCSampler
from tests.unit.sweep.conftest import PlanOf

from finesweep.config import SweepPlan
from finesweep.errors import ConfigError
from finesweep.records import Finalist
from finesweep.sweep.selection.confirmation import make_confirmation
from finesweep.sweep.study.keys import (
    DEFINITION,
    FINALIST,
    N_TRIALS,
    PORTFOLIO,
    SWEEP,
    TEACHERS,
    UID,
)
from finesweep.sweep.study.pruner import PerModelPruner
from finesweep.sweep.study.sampling.samplers import sampler_for
from finesweep.sweep.study.storage import open_storage
from finesweep.sweep.study.study import (
    definition,
    finalist_in,
    find_study,
    join_study,
    open_study,
    study_exists,
    study_names,
)

pytestmark = pytest.mark.slow  # each study composes every choice of its groups

TEXT = """\
n_trials: 4
params:
  training.batch_size: 16
  training.epochs: range(1, 4)
  model: choice(minilm, distil_minilm)
when:
  model=minilm:
    training.weight_decay: 0.5
"""
DATABASE = Path("mlruns/optuna.db")
URL = f"sqlite:///{DATABASE}"


@pytest.fixture(scope="module")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Optuna's tables without a study: copied, because making them takes longer than a test."""
    path = tmp_path_factory.mktemp("optuna") / "optuna.db"
    optuna.storages.get_storage(f"sqlite:///{path}")
    return path


@pytest.fixture
def own_study(plan_of: PlanOf, empty_database: Path) -> optuna.Study:
    """The study of TEXT, just made."""
    plan = plan_of(TEXT)
    DATABASE.parent.mkdir()
    shutil.copy(empty_database, DATABASE)
    return open_study(plan)


def suggestions(plan: SweepPlan, slot: int) -> dict[str, Any]:
    study = optuna.create_study(sampler=sampler_for(plan, slot))
    space = {"x": optuna.distributions.FloatDistribution(0, 1)}
    return study.ask(space).params


def test_a_new_study_carries_the_sweep_that_it_is_for(plan_of: PlanOf) -> None:
    own_study = open_study(plan_of(TEXT))
    assert DATABASE.is_file()
    assert own_study.study_name == own_study.user_attrs[SWEEP] == "own"
    assert own_study.user_attrs[N_TRIALS] == 4
    assert own_study.direction.name == "MINIMIZE"
    recorded = own_study.user_attrs[DEFINITION]
    assert recorded["sweep.metric"] == "validation/loss"
    assert recorded["training.batch_size"] == 16
    assert recorded["training.epochs"] == "range(1, 4, 1)"
    assert recorded["training.weight_decay|model=minilm"] == 0.5
    assert not [path for path in recorded if path.startswith(("storage", "tracking", "workers"))]


def test_a_study_is_continued_with_its_trials_and_its_id(
    own_study: optuna.Study, plan_of: PlanOf
) -> None:
    own_study.add_trial(optuna.create_trial(value=0.5))
    again = open_study(plan_of(TEXT))
    assert [trial.value for trial in again.trials] == [0.5]
    assert again.user_attrs[UID] == own_study.user_attrs[UID]


@pytest.mark.usefixtures("own_study")
def test_a_study_keeps_the_portfolio_that_it_was_made_with(plan_of: PlanOf) -> None:
    told = f"{TEXT}sampler: {{_target_: optuna.samplers.TPESampler}}\n"
    study = open_study(plan_of(told, "sweep.study=told"))
    kept = study.user_attrs[PORTFOLIO]
    assert len(kept["params"]) == 2
    assert kept["note"] == "portfolio: 2 known-good settings tried first"
    changed = {"params": kept["params"][:1], "note": ""}
    study.set_user_attr(PORTFOLIO, changed)
    assert open_study(plan_of(told, "sweep.study=told")).user_attrs[PORTFOLIO] == changed


def test_a_study_older_than_portfolios_gets_none(own_study: optuna.Study, plan_of: PlanOf) -> None:
    older = {k: v for k, v in own_study.user_attrs[DEFINITION].items() if k != "sweep.portfolio"}
    other = optuna.create_study(study_name="older", storage=URL)
    for name, value in {**own_study.user_attrs, DEFINITION: older}.items():
        if name != PORTFOLIO:
            other.set_user_attr(name, value)
    assert PORTFOLIO not in open_study(plan_of(TEXT, "sweep.study=older")).user_attrs


def test_what_a_killed_command_left_without_definition_is_completed(plan_of: PlanOf) -> None:
    DATABASE.parent.mkdir()
    optuna.create_study(study_name="own", storage=URL)
    plan = plan_of(TEXT)
    study = open_study(plan)
    assert study.user_attrs[N_TRIALS] == 4
    assert (
        study.user_attrs[DEFINITION]["training.batch_size"]
        == definition(plan)["training.batch_size"]
    )


def named(plan: SweepPlan, file: str) -> SweepPlan:
    """The plan, had its file this name."""
    return replace(plan, name=file)


def test_a_file_with_a_plus_in_its_name_has_a_study_that_is_found_again(plan_of: PlanOf) -> None:
    plan = named(plan_of(TEXT), "bert+long")
    assert not study_exists(plan)
    study = open_study(plan)
    assert study_exists(plan)
    assert open_study(plan).user_attrs[UID] == study.user_attrs[UID]
    make_confirmation(study)
    assert find_study("bert+long", URL).study_name == "bert+long"
    assert study_names(URL) == ["bert+long"]


def test_no_sweep_has_the_study_of_anothers_confirmation(plan_of: PlanOf) -> None:
    with pytest.raises(ConfigError, match=r"^sweep\.study: 'own\+confirmation' is the name of a c"):
        open_study(named(plan_of(TEXT), "own+confirmation"))
    assert not DATABASE.exists()


def test_a_first_command_that_fails_leaves_no_study(plan_of: PlanOf) -> None:
    with pytest.raises(ConfigError, match=r"^sweep\.learn_from: no study 'typo'"):
        open_study(plan_of(TEXT, "sweep.learn_from=[typo]"))
    assert optuna.get_all_study_names(URL) == []
    upwards = plan_of(TEXT, "sweep.metric=validation/accuracy")
    assert not study_exists(upwards)
    assert open_study(upwards).direction.name == "MAXIMIZE"


@pytest.mark.parametrize("directions", [["minimize"], ["maximize", "minimize"]])
def test_nothing_is_inherited_from_a_command_that_ended_before_it_began(
    plan_of: PlanOf, directions: list[str]
) -> None:
    DATABASE.parent.mkdir()
    left = optuna.create_study(study_name="own", storage=URL, directions=directions)
    left.set_user_attr(TEACHERS, {"models:/gone/1": {}})
    assert study_names(URL) == []
    upwards = plan_of(TEXT, "sweep.metric=validation/accuracy")
    assert not study_exists(upwards)
    study = open_study(upwards)
    assert study_exists(upwards)
    assert [each.name for each in study.directions] == ["MAXIMIZE"]
    assert TEACHERS not in study.user_attrs


def test_a_study_with_trials_of_another_program_is_not_taken_over(plan_of: PlanOf) -> None:
    DATABASE.parent.mkdir()
    foreign = optuna.create_study(study_name="own", storage=URL)
    foreign.add_trial(optuna.create_trial(value=0.5))
    told = r"^sweep\.study: study 'own' in .* was not made by a sweep; .* sweep\.study=own-2 …$"
    with pytest.raises(ConfigError, match=told):
        open_study(plan_of(TEXT))
    assert [trial.value for trial in foreign.trials] == [0.5]


def test_the_pruner_of_the_sweep_judges_per_model(plan_of: PlanOf) -> None:
    patient = (
        "pruner: {_target_: optuna.pruners.PatientPruner, patience: 3, "
        "wrapped_pruner: {_target_: optuna.pruners.MedianPruner}}\n"
    )
    pruner = open_study(plan_of(TEXT + patient)).pruner
    assert isinstance(pruner, PerModelPruner)
    assert isinstance(pruner.pruner, PatientPruner)


def test_the_budget_and_where_things_lie_may_change(
    own_study: optuna.Study, plan_of: PlanOf
) -> None:
    changed = plan_of(
        f"{TEXT}register: {{name: m}}\n",
        "sweep.n_trials=9",
        "sweep.timeout_minutes=5",
        "sweep.keep_top_k=7",
        "workers=2",
        "tracking.experiment=other",
        "storage.checkpoints=elsewhere",
    )
    assert open_study(changed).user_attrs[N_TRIALS] == 9
    assert own_study.user_attrs[N_TRIALS] == 9
    assert open_study(plan_of(TEXT, "sweep.n_trials=2")).user_attrs[N_TRIALS] == 2


@pytest.mark.parametrize(
    ("override", "problem"),
    [
        ("training.batch_size=8", "training.batch_size: 16 when the study was made, now 8"),
        (
            "training.epochs=range(1,5)",
            "training.epochs: range(1, 4, 1) when the study was made, now range(1, 5, 1)",
        ),
        (
            "training.learning_rate=interval(1e-5,1e-4)",
            "training.learning_rate: 2e-05 when the study was made, now interval(1e-05, 0.0001)",
        ),
        ("dataset.seed=7", "dataset.seed: 42 when the study was made, now 7"),
        (
            "sweep.enqueue=[{training.epochs:2}]",
            "sweep.enqueue: [] when the study was made, now [{'training.epochs': 2}]",
        ),
    ],
)
def test_another_definition_is_refused_with_what_changed_and_a_way_out(
    own_study: optuna.Study, plan_of: PlanOf, override: str, problem: str
) -> None:
    with pytest.raises(ConfigError, match="2 problems") as caught:
        open_study(plan_of(TEXT, override, "sweep.n_trials=99"))
    assert [str(found) for found in caught.value.problems] == [
        problem,
        "sweep.study: study 'own' was made for another sweep; start a new one with: "
        "finesweep sweep own sweep.study=own-2 …",
    ]
    assert own_study.user_attrs[N_TRIALS] == 4


def test_a_study_that_is_older_than_a_field_goes_on_with_the_fields_default(
    own_study: optuna.Study, plan_of: PlanOf
) -> None:
    (key,) = [name for name, value in own_study.user_attrs.items() if "dataset.seed" in str(value)]
    older = dict(own_study.user_attrs[key])
    assert older.pop("dataset.label_columns") == []
    own_study.set_user_attr(key, older)
    assert open_study(plan_of(TEXT)).study_name == own_study.study_name
    with pytest.raises(
        ConfigError, match=r"dataset\.label_columns: nothing when the study was made"
    ):
        open_study(plan_of(TEXT, "dataset.label_columns=[a,b]"))


def test_another_study_name_starts_anew(own_study: optuna.Study, plan_of: PlanOf) -> None:
    other = plan_of(TEXT, "training.batch_size=8", "sweep.study=own-2")
    assert not study_exists(other)
    study = open_study(other)
    assert study_exists(other)
    assert (study.study_name, study.user_attrs[SWEEP]) == ("own-2", "own")
    assert study.user_attrs[UID] != own_study.user_attrs[UID]


def test_a_study_is_found_by_its_name(own_study: optuna.Study) -> None:
    assert find_study("own", URL).user_attrs == own_study.user_attrs
    with pytest.raises(ConfigError, match=r"^sweep: no study 'owm' in .*; did you mean 'own'\?"):
        find_study("owm", URL)


def test_looking_for_a_study_makes_no_database(plan_of: PlanOf) -> None:
    plan = plan_of(TEXT)
    message = rf"^sweep: no study 'own' in {URL}; none has been run here yet$"
    with pytest.raises(ConfigError, match=message):
        find_study("own", URL)
    assert not study_exists(plan)
    assert not DATABASE.parent.exists()


@pytest.mark.parametrize("url", ["postgresql://127.0.0.1:1/x", "nonsense://x", "nonsense"])
def test_a_storage_out_of_reach_is_named(plan_of: PlanOf, url: str) -> None:
    plan = plan_of(TEXT, f"storage.url='{url}'")
    with pytest.raises(ConfigError, match=rf"^storage\.url: cannot open '{url}': \S"):
        open_study(plan)


def test_a_file_that_is_no_database_is_named(plan_of: PlanOf, workplace: Path) -> None:
    (workplace / "notes.txt").write_text("not a database, though it is long enough\n" * 50)
    plan = plan_of(TEXT, "storage.url=sqlite:///notes.txt")
    with pytest.raises(ConfigError, match=r"^storage\.url: cannot open 'sqlite:///notes.txt': "):
        open_study(plan)
    with pytest.raises(ConfigError, match=r"^storage\.url: .*: .*(File exists|Not a directory)"):
        open_storage("sqlite:///notes.txt/optuna.db")


def test_a_study_that_another_program_made_is_named(workplace: Path) -> None:
    DATABASE.parent.mkdir()
    optuna.create_study(study_name="foreign", storage=URL)
    with pytest.raises(ConfigError, match=r"^sweep: study 'foreign' in .* was not made by"):
        find_study("foreign", URL)


@pytest.mark.usefixtures("own_files")
def test_a_worker_elsewhere_composes_what_the_sweep_command_did(
    plan_of: PlanOf, empty_database: Path, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///elsewhere.db")
    overrides = ("training.weight_decay=0.25", "sweep.study=own-2", "sweep.n_trials=7")
    plan = plan_of(TEXT, *overrides)
    DATABASE.parent.mkdir()
    shutil.copy(empty_database, DATABASE)
    open_study(plan)
    other = workplace / "other"
    other.mkdir()
    monkeypatch.chdir(other)
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    url = f"sqlite:///{workplace / DATABASE}"
    joined, study = join_study("own-2", url, ["tracking.artifacts=mine"], pytest.fail)
    assert study.study_name == "own-2"
    assert joined.settings == plan.settings
    assert (joined.searched, joined.conditional) == (plan.searched, plan.conditional)
    assert joined.base.config.training == plan.base.config.training
    assert joined.base.config.tracking.uri == "sqlite:///elsewhere.db"
    assert joined.base.config.tracking.artifacts == "mine"


def test_a_slot_is_suggested_the_same_again_and_each_slot_another(plan_of: PlanOf) -> None:
    plan = plan_of(TEXT)
    drawn = [suggestions(plan, slot)["x"] for slot in range(8)]
    assert drawn == [suggestions(plan, slot)["x"] for slot in range(8)]
    assert len(set(drawn)) == 8


def test_the_seed_of_a_sweep_moves_all_its_slots(plan_of: PlanOf) -> None:
    first, second = plan_of(TEXT), plan_of(TEXT, "sweep.sampler.seed=7")
    assert suggestions(first, 0) != suggestions(second, 0)


def test_a_sampler_without_seed_draws_anew_each_time(plan_of: PlanOf) -> None:
    plan = plan_of(TEXT, "sweep.sampler.seed=null")
    assert suggestions(plan, 0) != suggestions(plan, 0)


def test_the_points_of_a_quasi_random_sequence_stay_one_sequence(plan_of: PlanOf) -> None:
    node = "{_target_:optuna.samplers.QMCSampler,seed:3,scramble:true,warn_independent_sampling:0}"
    plan = plan_of(f"{TEXT}sampler: {node.replace(':', ': ').replace(',', ', ')}\n")
    samplers = [sampler_for(plan, slot) for slot in (0, 5)]
    assert all(isinstance(sampler, QMCSampler) for sampler in samplers)
    assert [sampler._seed for sampler in samplers] == [3, 3]  # type: ignore[attr-defined]


def test_the_finalist_is_read_back_as_it_was_kept(own_study: optuna.Study) -> None:
    assert finalist_in(own_study.user_attrs) is None
    stored = {
        "trial": 3,
        "run_id": "r",
        "model_uri": "models:/m-1",
        "test_metrics": {"test/loss": 0.25},
        "majority_accuracy": 0.5,
        "test_rows": 40,
        "max_length": 16,
    }
    own_study.set_user_attr(FINALIST, stored)
    assert finalist_in(own_study.user_attrs) == Finalist(**stored)  # type: ignore[arg-type]


def test_another_metric_is_refused_with_the_direction_that_follows(
    own_study: optuna.Study, plan_of: PlanOf
) -> None:
    with pytest.raises(ConfigError, match="3 problems") as caught:
        open_study(plan_of(TEXT, "sweep.metric=validation/f1"))
    told = "sweep.direction: minimize when the study was made, now maximize"
    assert told in map(str, caught.value.problems)


def test_a_file_that_says_the_direction_is_the_same_sweep_as_one_that_does_not(
    own_study: optuna.Study, plan_of: PlanOf
) -> None:
    again = open_study(plan_of(f"{TEXT}direction: minimize\n"))
    assert again.user_attrs[UID] == own_study.user_attrs[UID]
    assert again.user_attrs[DEFINITION]["sweep.direction"] == "minimize"


OLDER_DEFAULTS = {
    "sweep.sampler": {"_target_": "optuna.samplers.TPESampler", "seed": 42},
    "sweep.pruner": {"_target_": "optuna.pruners.MedianPruner"},
}
DEFAULTS = {
    "sweep.sampler": {"_target_": "finesweep.samplers.TransferSampler", "seed": 42},
    "sweep.pruner": {
        "_target_": "finesweep.sweep.study.pruner.SharePruner",
        "percentile": 50.0,
        "n_startup_trials": 4,
        "n_warmup_percent": 25,
    },
}


def test_defaults_of_the_schema_and_the_same_in_a_file_make_one_study(
    own_study: optuna.Study, plan_of: PlanOf
) -> None:
    recorded = own_study.user_attrs[DEFINITION]
    assert {path: recorded[path] for path in DEFAULTS} == DEFAULTS
    written = "".join(
        f"{path.removeprefix('sweep.')}: {json.dumps(value)}\n" for path, value in DEFAULTS.items()
    )
    assert open_study(plan_of(TEXT + written)).user_attrs[UID] == own_study.user_attrs[UID]


@pytest.mark.usefixtures("own_files")
@pytest.mark.parametrize(
    ("of_sampler", "of_pruner"),
    [({}, {}), ({"multivariate": True, "group": True}, {"n_startup_trials": 4})],
    ids=["oldest", "later"],
)
def test_a_study_made_under_older_defaults_goes_on_with_them(
    own_study: optuna.Study,
    plan_of: PlanOf,
    of_sampler: dict[str, bool],
    of_pruner: dict[str, int],
) -> None:
    sampler = {**OLDER_DEFAULTS["sweep.sampler"], **of_sampler}
    pruner = {**OLDER_DEFAULTS["sweep.pruner"], **of_pruner}
    mine = {"sweep.sampler": sampler, "sweep.pruner": pruner}
    older = {**own_study.user_attrs[DEFINITION], **mine}
    own_study.set_user_attr(DEFINITION, older)
    assert open_study(plan_of(TEXT)).user_attrs[DEFINITION] == older
    plan, _ = join_study("own", URL, [], pytest.fail)
    assert plan.settings.sampler == sampler
    assert plan.settings.pruner == pruner
    with pytest.raises(ConfigError, match=r"sweep\.pruner: .* when the study was made, now"):
        open_study(plan_of(TEXT, "sweep.pruner.n_warmup_percent=50"))
    with pytest.raises(ConfigError, match=r"sweep\.sampler: .* when the study was made, now"):
        open_study(plan_of(TEXT, "sweep.sampler={_target_: optuna.samplers.RandomSampler}"))
    with pytest.raises(ConfigError, match=r"sweep\.sampler: .* when the study was made, now"):
        open_study(plan_of(TEXT, "sweep.sampler.seed=7"))
