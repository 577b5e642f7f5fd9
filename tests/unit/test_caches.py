"""Entries of the cache are made once, and the ones used longest ago go first."""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from filelock import FileLock

from finesweep.caches import (
    USED,
    capacity_bytes,
    discard,
    evict,
    get_or_build,
    size_bytes,
)

KILOBYTE = 1024


def entry(root: Path, name: str, *, kilobytes: int, used: int) -> Path:
    made = get_or_build(
        root / "tokens" / name, lambda folder: fill(folder / "data", KILOBYTE * kilobytes)
    )
    os.utime(made / USED, (used, used))
    return made


def fill(path: Path, n_bytes: int) -> None:
    path.write_bytes(b"x" * n_bytes)


def test_an_entry_is_built_once(tmp_path: Path) -> None:
    made = entry(tmp_path, "a", kilobytes=4, used=1)
    again = get_or_build(made, lambda folder: pytest.fail("built again"))
    assert again == made
    assert (made / "data").stat().st_size == 4 * KILOBYTE
    assert (made / USED).stat().st_mtime > 1


def test_what_could_not_be_built_is_not_there(tmp_path: Path) -> None:
    def broken(folder: Path) -> None:
        fill(folder / "half", 10)
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        get_or_build(tmp_path / "tokens" / "a", broken)
    assert [path.name for path in (tmp_path / "tokens").iterdir()] == ["a.lock"]


def test_the_entries_used_longest_ago_make_room(tmp_path: Path) -> None:
    kept = [entry(tmp_path, f"e{used}", kilobytes=8, used=used) for used in (3, 1, 2)]
    taken = sum(size_bytes(each) for each in kept)
    assert evict(tmp_path, 8 * KILOBYTE, budget_bytes=taken)
    assert [each.exists() for each in kept] == [True, False, True]
    assert evict(tmp_path, taken, budget_bytes=taken)
    assert not any(each.exists() for each in kept)


def test_what_can_be_removed_counts_as_free_space(tmp_path: Path) -> None:
    entries = [entry(tmp_path, name, kilobytes=4096, used=1) for name in ("a", "b")]
    free = shutil.disk_usage(tmp_path).free
    taken = sum(size_bytes(each) for each in entries)
    assert abs(capacity_bytes(tmp_path) - free - taken) < taken / 2  # others write meanwhile
    assert all(each.exists() for each in entries)


def test_nothing_is_removed_for_what_can_never_fit(tmp_path: Path) -> None:
    made = entry(tmp_path, "a", kilobytes=8, used=1)
    assert not evict(tmp_path, 100 * KILOBYTE, budget_bytes=50 * KILOBYTE)
    assert made.exists()
    assert evict(tmp_path, KILOBYTE, budget_bytes=50 * KILOBYTE)
    assert made.exists()


def test_who_waits_for_another_process_is_told_and_may_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("finesweep.caches.WAIT_SECONDS", 0.01)
    path = tmp_path / "tokens" / "a"
    path.parent.mkdir()

    def stop() -> None:
        raise KeyboardInterrupt("here")

    with FileLock(f"{path}.lock"), ThreadPoolExecutor(1) as other:
        waiting = other.submit(get_or_build, path, Path.mkdir, on_wait=stop)
        with pytest.raises(KeyboardInterrupt, match="here"):
            waiting.result()


def test_an_entry_whose_eviction_was_killed_is_built_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = entry(tmp_path, "a", kilobytes=8, used=1)

    def killed(folder: Path, **_: object) -> None:
        (folder / "data").unlink()
        raise KeyboardInterrupt("here")

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt, match="here"):
            evict(tmp_path, 8 * KILOBYTE, budget_bytes=9 * KILOBYTE)
    assert (entry(tmp_path, "a", kilobytes=8, used=1) / "data").exists()
    assert evict(tmp_path, KILOBYTE, budget_bytes=100 * KILOBYTE)
    assert sorted(path.name for path in made.parent.iterdir()) == ["a", "a.lock"]


def test_an_entry_that_is_evicted_before_it_is_marked_as_used_is_built_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = entry(tmp_path, "a", kilobytes=8, used=1)
    touch = Path.touch

    def late(used: Path) -> None:
        monkeypatch.setattr(Path, "touch", touch)
        discard(made)
        touch(used)

    monkeypatch.setattr(Path, "touch", late)
    assert (get_or_build(made, lambda folder: fill(folder / "data", 10)) / "data").exists()


def test_what_killed_builds_left_is_removed_with_the_next_build_or_eviction(tmp_path: Path) -> None:
    folder = tmp_path / "tokens"
    for name in (".a.1.new", ".b.1.new", ".c.1.new"):
        (folder / name).mkdir(parents=True)
    made = entry(tmp_path, "a", kilobytes=8, used=1)
    assert not (folder / ".a.1.new").exists()
    with FileLock(folder / "c.lock"):  # of one that is being built
        assert evict(tmp_path, KILOBYTE, budget_bytes=100 * KILOBYTE)
    assert {path.name for path in folder.iterdir() if path.is_dir()} == {made.name, ".c.1.new"}


def test_an_entry_that_is_evicted_while_it_is_measured_takes_no_space(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = entry(tmp_path, "a", kilobytes=8, used=1)
    listed = list(made.rglob("*"))
    monkeypatch.setattr(Path, "rglob", lambda *_: listed)
    monkeypatch.setattr(Path, "is_file", lambda path: discard(made) is None)
    assert size_bytes(made) == 0
