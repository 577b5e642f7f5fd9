"""The dotted paths of the schema."""

from __future__ import annotations

import pytest

from finesweep.config.field_paths import field_exists, leaf, unknown_field
from finesweep.config.meanings import OTHER_NAMES


@pytest.mark.parametrize(
    ("path", "exists"),
    [
        ("training", True),
        ("training.epochs", True),
        ("dataset.files.train", True),
        ("sweep.params", True),
        ("sweep.params.anything", True),
        ("sweep.sampler._target_", True),
        ("sweep.register.name", True),
        ("training.epoch", False),
        ("training.epochs.more", False),
        ("epochs", False),
        ("", False),
    ],
)
def test_a_path_exists_as_section_field_or_key_of_a_free_mapping(path: str, exists: bool) -> None:
    assert field_exists(path) is exists


@pytest.mark.parametrize(
    ("path", "kinds", "whole"),
    [
        ("training.epochs", {int}, True),
        ("training.early_stopping_patience", {int}, True),
        ("training.learning_rate", {float}, False),
        ("dataset.train_size", {int, float}, False),
        ("model.freeze_layers", {int, str}, True),
        ("dataset.label_names", {list}, False),
        ("sweep.enqueue", {list}, False),
    ],
)
def test_a_leaf_knows_the_classes_of_its_values(path: str, kinds: set[type], whole: bool) -> None:
    found = leaf(path)
    assert found is not None
    assert found.kinds == kinds
    assert found.is_whole_number is whole


@pytest.mark.parametrize("path", ["training", "sweep.register", "absent", "training.absent"])
def test_sections_and_unknown_paths_are_no_leaves(path: str) -> None:
    assert leaf(path) is None


def test_a_misspelt_field_is_offered_its_siblings_and_a_misspelt_section_all_fields() -> None:
    near = unknown_field("storage.ulr").message
    assert near == "no such field; did you mean 'storage.url'? known: " + (
        "storage.cache, storage.cache_gb, storage.checkpoint_minutes, storage.checkpoints, "
        "storage.url"
    )
    assert unknown_field("stroage.url").message == "no such field; did you mean 'storage.url'?"


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("training.lr", "training.learning_rate"),
        ("lr", "training.learning_rate"),
        ("training.LR", "training.learning_rate"),
        ("training.bs", "training.batch_size"),
        ("training.per_device_train_batch_size", "training.batch_size"),
        ("training.wd", "training.weight_decay"),
        ("training.n_epochs", "training.epochs"),
        ("training.num_train_epochs", "training.epochs"),
        ("dataset.len", "dataset.max_length"),
        ("dataset.max_seq_length", "dataset.max_length"),
        ("training.fp16", "training.precision"),
        ("model.pretrained", "model.name_or_path"),
        ("sweep.trials", "sweep.n_trials"),
        ("sweep.name", "sweep.study"),
        ("n_jobs", "workers"),
        # The same name in another section.
        ("training.max_length", "dataset.max_length"),
        ("learning_rate", "training.learning_rate"),
        ("sweep.batch_size", "training.batch_size"),
        ("training.lr_scheduler_type", "training.scheduler"),
        ("training.llrd", "training.layer_decay"),
        ("model.hidden_dropout_prob", "model.dropout"),
        ("model.lora_r", "model.lora_rank"),
        # A slip of the fingers is nearer than a meaning.
        ("dataset.file", "dataset.files"),
        ("training.learning_rat", "training.learning_rate"),
        ("training.epoch", "training.epochs"),
    ],
)
def test_a_field_by_another_name_is_offered_what_is_meant(path: str, field: str) -> None:
    assert f"did you mean {field!r}?" in unknown_field(path).message


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("training.adam_beta1", "AdamW has its usual betas"),
        ("model.momentum", "AdamW has its usual betas"),
    ],
)
def test_what_no_field_stands_for_is_said(path: str, told: str) -> None:
    assert told in unknown_field(path).message


@pytest.mark.parametrize("field", OTHER_NAMES)
def test_other_names_are_those_of_fields(field: str) -> None:
    assert field_exists(field)
