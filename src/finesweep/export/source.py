"""The model to export: loaded by PyTorch, with its run, version and data if they are known."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from finesweep.config import TrackingConfig
from finesweep.databases import sqlite_file
from finesweep.errors import ConfigError, FinesweepError, Problem
from finesweep.model import Ensemble, size_bytes
from finesweep.prediction import Classifier, load_classifier
from finesweep.prediction.classifier import PYTORCH
from finesweep.prediction.loading import run_id_of
from finesweep.records import TextDataset
from finesweep.registry import versions
from finesweep.registry.rescoring import recorded_dataset
from finesweep.registry.versions import Version
from finesweep.runs.recorded import RecordedRun, read_run
from finesweep.tracking import TEST_FINGERPRINT, TrackingStore, active_run, open_store


@dataclass(frozen=True)
class Source:
    """A trained model, on the CPU."""

    uri: str
    classifier: Classifier
    store: TrackingStore | None
    """None for a folder where there is no store yet."""
    run: RecordedRun | None
    """The run that trained it, if the store has it."""
    version: Version | None
    """Its version, if uri names a registered model."""

    @property
    def name(self) -> str:
        """What people call it: model and version, or the URI."""
        version = self.version
        return self.uri if version is None else f"{version.model} version {version.number}"

    @property
    def origin(self) -> str:
        """The name of its starting weights."""
        default = "the model in its run's config"
        return default if self.run is None else self.run.params.get("model.name_or_path", default)

    @property
    def size_bytes(self) -> int:
        """The size of its weights."""
        return size_bytes(self.classifier.pipeline.model)

    def logits(self, texts: list[str]) -> np.ndarray:
        """[N, C] float64 for N texts, not calibrated."""
        return self.classifier.logits(texts)


def open_source(uri: str, tracking: TrackingConfig, *, field: str = "MODEL") -> Source:
    """The model at models:/…, runs:/… or in a folder.

    ConfigError, naming field, when there is none, or when it is an exported one itself. A store is
    opened only if it exists.
    """
    classifier = load_classifier(uri, tracking_uri=tracking.uri, field=field)
    database = sqlite_file(tracking.uri)
    store = None if database is not None and not database.exists() else open_store(tracking)
    version = None if store is None else versions.version_of(store.client, uri)
    if classifier.format != PYTORCH:
        of = "" if version is None else version.tags.get("finesweep.source_version", "")
        hint = f"; export version {of}, which it was made from" if of else ""
        raise ConfigError(Problem(field, f"{uri!r} is {classifier.format} already{hint}"))
    if isinstance(classifier.pipeline.model, Ensemble):
        message = f"{uri!r} is an ensemble of several models; a soup of them can be exported"
        raise ConfigError(Problem(field, message))
    model = classifier.pipeline.model.to("cpu").eval()
    classifier.pipeline.model, classifier.pipeline.device = model, model.device
    run = None
    if store is not None:
        found = active_run(store, version.run_id if version else run_id_of(uri))
        run = None if found is None else read_run(store, found.run_id)
    return Source(uri, classifier, store, run, version)


@dataclass(frozen=True)
class Data:
    """The rows that a model was trained and evaluated on."""

    dataset: TextDataset | None
    """None if they cannot be loaded."""
    is_same: bool
    """Whether the test rows are those that the run was evaluated on."""
    note: str
    """Why there are none, or other ones; empty if they are the same."""


def data_of(source: Source) -> Data:
    """The data of the model's own run, loaded again."""
    run = source.run
    if run is None or run.config is None:
        return Data(None, False, "its run is not in the tracking store")
    try:
        dataset = recorded_dataset(run.config)
    except (FinesweepError, TypeError, KeyError) as error:
        # TypeError and KeyError: a config recorded by a version with other fields.
        return Data(None, False, f"its data cannot be loaded: {error}")
    if source.classifier.decision_rule.pairs != dataset.pairs:
        return Data(None, False, "its data are no longer what it was trained on")
    names_agree = tuple(source.classifier.label_names) == dataset.label_names
    same = run.tags.get(TEST_FINGERPRINT) == dataset.test_fingerprint
    if same and names_agree:
        return Data(dataset, True, "")
    return replace(Data(dataset, False, ""), note="its run has no evaluation of these test rows")
