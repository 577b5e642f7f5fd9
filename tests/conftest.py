"""What every test stands on: a tiny real checkpoint, learnable texts, an empty folder."""

from __future__ import annotations

import gc
import os
import random
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import hypothesis  # noqa: F401  # looks for a reference of trio's among all objects: few as yet
import pytest

from tests import tiny_bert as builder
from tests.stores import make_stores
from tests.tiny_bert import FILLERS, WORDS

# Two test processes with two threads each crawl, and results depend on the number. torch, which
# most tests do without, reads it when it is first loaded.
os.environ["OMP_NUM_THREADS"] = "1"
# A shell's background job ignores SIGINT, and so would every process that a test interrupts.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Databases that only tests read need not reach a disk: a commit there takes 20 microseconds instead
# of 4 milliseconds.
if os.access(IN_MEMORY := "/dev/shm", os.W_OK):
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", IN_MEMORY)

# Imports create no garbage; to scan for it takes two fifths of the time until the first test.
gc.disable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Half as many again as there are cores: end-to-end tests wait a fifth of their time."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, (cores or 1) * 3 // 2)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes are named by their argument: an archive holds the time when it was made, and processes
    that collect different names run nothing."""
    return argname if isinstance(val, bytes) else None


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    gc.enable()


@pytest.fixture(scope="module", autouse=True)
def _light_garbage() -> None:
    """Each training, and some of the fixtures, collect garbage: 0.3 s over the modules of torch and
    others, unless what is there already is left out."""
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _template() -> Iterator[None]:
    """The warm process that commands are forked from, when there has been one, ends with us."""
    yield
    if warm := sys.modules.get("tests.warm"):
        warm.close()


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, without settings of the caller's environment."""
    for name in ("FINESWEEP_STORAGE_URL", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def own_files() -> Iterator[None]:
    """Puts back the user's files afterwards: who joins a study uses those of the study."""
    from finesweep.config import preserved_files

    with preserved_files():
        yield


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved BERT of 4 random layers of 32 that knows the words of texts_csv; takes 64 tokens.

    At a learning rate of 0.01 it tells texts_csv's classes apart within two epochs.
    """
    return builder.tiny_bert(tmp_path_factory.mktemp("tiny-bert"))


@pytest.fixture(scope="session")
def texts_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """240 short texts in three balanced classes that their words tell apart."""
    drawn = random.Random(0)
    lines = ["text,label"]
    for index in range(240):
        label = list(WORDS)[index % len(WORDS)]
        words = [*drawn.choices(WORDS[label], k=4), *drawn.choices(FILLERS, k=2), f"n{index}"]
        drawn.shuffle(words)
        lines.append(f"{' '.join(words)},{label}")
    path = tmp_path_factory.mktemp("texts") / "texts.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def empty_stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both databases, which `put_stores` copies."""
    folder = tmp_path_factory.mktemp("stores")
    make_stores(folder)
    return folder
