"""A study fixes the version of its teacher when it begins; what is no teacher is refused before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.tiny_bert import tiny_bert as saved_bert
from tests.unit.sweep.conftest import PlanOf

from finesweep.config import SweepPlan
from finesweep.config.compose import TEACHER
from finesweep.errors import ConfigError
from finesweep.model import load_trained
from finesweep.sweep.data import check_data
from finesweep.sweep.parent_run import definition_text
from finesweep.sweep.study.definition import definition
from finesweep.sweep.study.keys import TEACHERS
from finesweep.sweep.study.search_space import TrialInputs, trial_inputs
from finesweep.sweep.study.study import join_study, open_study
from finesweep.sweep.study.study import plan_of as plan_of_study
from finesweep.sweep.study.teachers import read_teachers, recorded_teacher, with_teachers
from finesweep.tracking import TrackingStore, start_run
from finesweep.tracking.models.classifier import log_classifier

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning"),
]
NAME, ALIAS = "taught", "models:/taught@champion"
NAMES = ("plain", "good", "bad")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    labels = {name: k for k, name in enumerate(NAMES)}
    made = tmp_path_factory.mktemp("teacher")
    return saved_bert(made, num_labels=3, id2label=dict(enumerate(NAMES)), label2id=labels)


@pytest.fixture(scope="module")
def registered(store: TrackingStore, folder: Path) -> Iterator[TrackingStore]:
    """Two versions of a model that reads two joined columns; the first is champion."""
    columns = {"dataset.text_columns": "['title', 'body']"}
    run = start_run(store, name="teacher", params=columns)
    model, tokenizer = load_trained(folder)
    model.config.finesweep = {"clean": [], "pairs": False}
    uri = log_classifier(run, model, tokenizer, max_length=24, examples=["a"])
    store.client.create_registered_model(NAME)
    for _ in range(2):
        store.client.create_model_version(NAME, uri)
    store.client.set_registered_model_alias(NAME, "champion", "1")
    yield store
    store.client.delete_registered_model(NAME)


@pytest.fixture
def own(registered: TrackingStore, plan_of: PlanOf, texts_csv: Path, tiny_bert: Path) -> SweepPlan:
    """A sweep with and without the champion as its teacher, on two joined columns."""
    Path("rows.csv").write_text(
        "title,body,label\n" + "".join(f"t{k},body of {k},{NAMES[k % 3]}\n" for k in range(60))
    )
    text = f"""\
    n_trials: 2
    params:
      dataset: local
      dataset.path: rows.csv
      dataset.text_columns: [title, body]
      dataset.max_length: 32
      model.name_or_path: {tiny_bert}
      training.teacher: choice(null, {ALIAS})
      training.distillation.temperature: interval(1, 4)
    """
    return plan_of(text, f"tracking.uri={registered.uri}")


@pytest.mark.usefixtures("own_files")
def test_the_champion_of_the_beginning_stays_the_teacher(
    own: SweepPlan, registered: TrackingStore
) -> None:
    check_data(own, trial_inputs(own))
    study = open_study(own)
    (record,) = study.user_attrs[TEACHERS].values()
    assert (record["uri"], record["max_length"]) == ("models:/taught/1", 24)
    assert record["text_columns"] == ["title", "body"]
    registered.client.set_registered_model_alias(NAME, "champion", "2")
    try:
        open_study(own)  # goes on with the same definition
        url = own.base.config.storage.url
        joined, _ = join_study("own", url, [], lambda why: None)
        for plan in (joined, plan_of_study(study, [])):
            trial = plan.compose_trial({TEACHER: ALIAS})
            assert trial.config.training.teacher == "models:/taught/1"
            assert [o for o in trial.overrides if TEACHER in o] == [f"{TEACHER}='models:/taught/1'"]
            assert plan.compose_trial({TEACHER: None}).config.training.teacher is None
        assert definition(joined) == definition(own)
        assert "teachers:\n  models:/taught@champion: models:/taught/1" in definition_text(
            study, own
        )
    finally:
        registered.client.set_registered_model_alias(NAME, "champion", "1")


def test_a_worker_finds_what_the_study_recorded(own: SweepPlan) -> None:
    attributes = {TEACHERS: read_teachers(own)}
    teacher = recorded_teacher(attributes, "models:/taught/1")
    assert teacher is not None
    assert (teacher.label_names, teacher.pairs) == (NAMES, False)
    assert recorded_teacher(attributes, None) is None
    assert recorded_teacher({}, "models:/taught/1") is None  # a study older than teachers


def test_a_study_without_teachers_is_as_it_was(demo: SweepPlan) -> None:
    assert read_teachers(demo) == {}
    assert with_teachers(demo, {}) == demo


def test_a_condition_may_set_a_teacher(
    registered: TrackingStore, plan_of: PlanOf, tiny_bert: Path
) -> None:
    plan = plan_of(
        f"""\
        n_trials: 2
        params:
          model: choice(minilm, distil_minilm)
        when:
          model=distil_minilm:
            training.teacher: {ALIAS}
        """
    )
    assert [each.teacher for each in trial_inputs(plan)] == [None, ALIAS]
    given = plan.compose_trial({"model": "distil_minilm", TEACHER: ALIAS}).config.training.teacher
    assert given == ALIAS


def test_teachers_of_other_texts_are_refused_together_before_any_study(own: SweepPlan) -> None:
    one = [of_one_column(each) for each in trial_inputs(own)]
    with pytest.raises(ConfigError, match=r"reads the columns title, body joined, and the data"):
        check_data(own, one)


def of_one_column(inputs: TrialInputs) -> TrialInputs:
    dataset = replace(inputs.dataset, text_columns=[], text_column="body")
    return replace(inputs, dataset=dataset)


def test_a_teacher_that_is_not_there_is_refused(own: SweepPlan, plan_of: PlanOf) -> None:
    plan = plan_of("n_trials: 1", f"{TEACHER}=models:/absent@champion")
    plan = with_tracking(plan, own)
    with pytest.raises(ConfigError, match=r"^training\.teacher: 'models:/absent@champion': "):
        read_teachers(plan)


def with_tracking(plan: SweepPlan, own: SweepPlan) -> SweepPlan:
    config = replace(plan.base.config, tracking=own.base.config.tracking)
    return replace(plan, base=replace(plan.base, config=config))
