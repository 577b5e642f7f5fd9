"""An error that outlasts its run is found by computing something small."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
import torch
from tests.warm import forked

from finesweep.training import why_unsound

SCRIPT = """
import json
from finesweep.training import why_unsound
from tests.exhaustion import find_no_kernel
found = [why_unsound()]
try:
    find_no_kernel()
except RuntimeError:
    found += [why_unsound(), why_unsound()]
print(json.dumps(found))
"""


@pytest.mark.slow
def test_a_thread_that_found_no_memory_for_a_kernel_is_unsound(tmp_path: Path) -> None:
    process = forked([sys.executable, "-c", SCRIPT], environment=os.environ, folder=tmp_path)
    said, errors = process.communicate()
    error = "RuntimeError: could not create a primitive"
    assert json.loads(said) == [None, error, error], errors


def test_an_error_of_a_computation_leaves_its_process_sound() -> None:
    with pytest.raises(RuntimeError):
        torch.ones(2, 3) @ torch.ones(2, 3)
    assert why_unsound() is None
