"""What ranks do without each other; together they are in unit/runs/ranks/test_followers.py."""

from __future__ import annotations

import os

import pytest
import torch

from finesweep.training.ranks import ALONE, PeerFailedError, Ranks


def test_alone_everything_is_as_without_ranks() -> None:
    loss = torch.tensor(0.5)
    assert ALONE.sum(3, 4) == [3, 4]
    assert ALONE.mean(loss) is loss
    assert (ALONE.any(True), ALONE.any(False), ALONE.have_stopped) == (True, False, False)
    with pytest.raises(ValueError, match=r"^mine$"):
        ALONE.check(ValueError("mine"))
    ALONE.check(None)
    with ALONE.environment():
        assert "LOCAL_RANK" not in os.environ


def drawn(ranks: Ranks, *, step: int) -> float:
    torch.manual_seed(0)
    ranks.seed_step(5, step=step)
    return float(torch.rand(()))


def test_other_ranks_draw_anew_in_each_step_and_rank_0_goes_on() -> None:
    first, second = Ranks(1, 3), Ranks(2, 3)
    seen = [drawn(first, step=1), drawn(first, step=2), drawn(second, step=1), drawn(ALONE, step=1)]
    assert len(set(seen)) == 4
    assert drawn(first, step=2) == seen[1]
    assert drawn(Ranks(0, 3), step=7) == seen[3]


def test_trainer_takes_a_process_for_a_rank_only_within_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("RANK", raising=False)
    with Ranks(1, 2).environment():
        assert (os.environ["RANK"], os.environ["WORLD_SIZE"]) == ("1", "2")
        assert os.environ["OMP_NUM_THREADS"] == str(torch.get_num_threads())
    assert "RANK" not in os.environ
    assert os.environ["OMP_NUM_THREADS"] == "7"


def test_a_rank_stops_as_another_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    ranks = Ranks(0, 2)
    monkeypatch.setattr(ranks, "sum", lambda *flags: [1])
    with pytest.raises(PeerFailedError):
        ranks.check(None)
    assert ranks.have_stopped
