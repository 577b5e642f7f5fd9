"""Reading a batch of cached states: with one gather into a ready buffer, and row by row as before.

python benchmarks/activation_reads.py [--rows 512] [--repeats 15]

States are in a file in the page cache. CPU milliseconds, medians of alternating reads; the first
two columns are the reading alone, the others with the copy in float32 that the model gets.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from finesweep.training.activation_cache.readers import FileReader
from finesweep.training.activation_cache.state_file import StateFile, allocate, open_files

BATCHES = (
    (32, 128, 768, torch.bfloat16),
    (32, 128, 768, torch.float32),
    (32, 512, 768, torch.bfloat16),
    (32, 512, 768, torch.float32),
)
Read = Callable[[torch.Tensor, int], torch.Tensor]


def row_by_row(file: StateFile) -> Read:
    """The reading before: a loop over rows into new memory, then float32."""
    starts, lengths = file.spans.starts.numpy(), file.spans.lengths.numpy()
    is_half = file.states.dtype == torch.bfloat16
    table = (file.states.view(torch.int16) if is_half else file.states).numpy()

    def read(rows: torch.Tensor, width: int) -> torch.Tensor:
        batch = np.zeros((len(rows), width, table.shape[1]), dtype=table.dtype)
        for k, row in enumerate(rows.numpy()):
            start, n = starts[row], lengths[row]
            batch[k, :n] = table[start : start + n]
        return torch.from_numpy(batch).view(file.states.dtype).float()

    return read


def filled(folder: Path, lengths: np.ndarray, width: int, dtype: torch.dtype) -> StateFile:
    """A file of random states, all of whose rows are there."""
    made = {"train": lengths}
    file = open_files(allocate(folder, made, width, dtype), made, width, dtype)["train"]
    file.states.copy_(torch.rand(width).to(dtype).expand_as(file.states))
    file.filled[:] = 1
    return file


def compared(file: StateFile, size: int, width: int, repeats: int) -> dict[str, float]:
    """Way of reading → median CPU milliseconds."""
    gather = FileReader(file, torch.device("cpu"), pinned=False).read
    before = row_by_row(file)
    ways: dict[str, Read] = {
        "row by row": before,
        "gather": gather,
        "row by row, copied": lambda rows, n: before(rows, n).clone(),
        "gather, copied": lambda rows, n: gather(rows, n).to(torch.float32, copy=True),
    }
    drawn, spent = np.random.default_rng(0), {name: list[float]() for name in ways}
    for turn in range(repeats + 1):
        rows = torch.from_numpy(drawn.permutation(len(file.spans))[:size])
        assert torch.equal(gather(rows, width).float(), before(rows, width))
        for name in ways if turn % 2 else reversed(ways):
            began = time.thread_time()
            ways[name](rows, width)
            spent[name].append(1000 * (time.thread_time() - began))
    return {name: statistics.median(times[1:]) for name, times in spent.items()}


def main() -> None:
    cli = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    cli.add_argument("--rows", type=int, default=512, help="in the file")
    cli.add_argument("--repeats", type=int, default=15)
    given = cli.parse_args()
    torch.set_num_threads(1)
    for size, width, hidden, dtype in BATCHES:
        lengths = np.full(given.rows, width)
        lengths[::5] -= width // 10  # a fiftieth of the batch is padding
        with tempfile.TemporaryDirectory(prefix="finesweep-reads-") as folder:
            file = filled(Path(folder) / "states", lengths, hidden, dtype)
            ms = compared(file, size, width, given.repeats)
        ratios = ms["row by row"] / ms["gather"], ms["row by row, copied"] / ms["gather, copied"]
        figures = ", ".join(f"{name} {value:.2f} ms" for name, value in ms.items())
        print(f"{size}x{width}x{hidden} {str(dtype).removeprefix('torch.')}: {figures}")
        print(f"  ratio {ratios[0]:.1f}, with the copy {ratios[1]:.1f}", flush=True)


if __name__ == "__main__":
    main()
