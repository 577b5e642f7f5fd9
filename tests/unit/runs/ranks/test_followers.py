"""Two real processes train one model: equal to one process, and neither ever waits in vain."""

from __future__ import annotations

import shutil
from pathlib import Path

import psutil
import pytest
from tests import ranks
from tests.tiny_bert import tiny_bert
from tests.waiting import until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, texts_csv: Path) -> Path:
    """With the texts, and a BERT with dropout."""
    folder = tmp_path_factory.mktemp("ranks")
    shutil.copy(texts_csv, folder / "texts.csv")
    tiny_bert(folder / "bert", num_hidden_layers=2)
    return folder


@pytest.fixture(scope="module")
def without_dropout(tmp_path_factory: pytest.TempPathFactory, texts_csv: Path) -> Path:
    folder = tmp_path_factory.mktemp("steady")
    shutil.copy(texts_csv, folder / "texts.csv")
    dropout = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    tiny_bert(folder / "bert", num_hidden_layers=2, **dropout)
    return folder


def test_two_ranks_have_the_losses_of_one_and_count_the_same(without_dropout: Path) -> None:
    known = ranks.said("equal", without_dropout)
    alone, together = known["results"]
    assert [each[0] for each in together] == [each[0] for each in alone] == [43, 86]
    for one, two in zip(alone, together, strict=True):
        assert two[1:3] == pytest.approx(one[1:3], rel=2e-6)
    assert alone[0][2] != alone[-1][2]
    assert known["counts"][0] == known["counts"][1]
    assert known["counts"][0][0] == 2 * 43
    assert known["environment"] is None


def test_after_sigterm_both_ranks_stop_at_a_checkpoint_from_which_the_run_is_the_same(
    folder: Path,
) -> None:
    known = ranks.said("resumed", folder)
    assert (known["ending"], known["committed"]) == ("interrupted", [6])
    assert [each[0] for each in known["whole"]] == [43, 86]
    assert known["resumed"] == known["whole"]  # bit for bit, with dropout
    assert known["alone"][0] == known["whole"][0]
    losses = known["whole"][1][1:3]
    assert known["alone"][1][1:3] == pytest.approx(losses, rel=0.1)  # on one device
    assert known["n_started"] == 1  # the other rank stayed warm over all three runs


def test_what_ends_a_follower_ends_the_run_and_the_next_one_has_a_follower_again(
    folder: Path,
) -> None:
    assert ranks.said("faults", folder) == [
        ["load", "RankError: rank 1: ValueError: no luck in load", 1],
        ["forward", "RankError: rank 1: ValueError: no luck in forward", 1],
        ["backward", "RankError: rank 1: ValueError: no luck in backward", 1],
        ["kill", "LostRankError: rank 1 died", 2],
        ["none", "2", 3],
    ]


def test_a_follower_does_not_outlive_rank_0(folder: Path) -> None:
    rank_0 = ranks.played("orphaned", folder)
    assert rank_0.wait(120) == -9, (folder / "log.txt").read_text()
    follower = int((folder / "follower").read_text())
    until(lambda: not psutil.pid_exists(follower), seconds=10)
