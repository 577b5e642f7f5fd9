"""What is served: the model's name and version, where it comes from, and how well it did."""

from __future__ import annotations

from dataclasses import dataclass, field

from finesweep.prediction import Classifier
from finesweep.registry import versions
from finesweep.tracking import TrackingStore

SCORES = ("accuracy", "f1", "loss", "mcc", "calibration_error")


@dataclass(frozen=True)
class Card:
    """A model as its page shows it."""

    title: str
    uri: str
    version: str | None
    """Of the registered model; None where it was not loaded from the registry."""
    facts: dict[str, str] = field(default_factory=dict)
    """In the order in which they are shown."""


def _thresholds(classifier: Classifier) -> str:
    """From which probability each of several labels holds; empty where a text has one."""
    each = classifier.answering.label_thresholds or ()
    named = zip(classifier.label_names, each, strict=False)
    told = ", ".join(f"{name} from {least:.2f}" for name, least in named)
    return told and f"any number at once, each from a probability of its own on: {told}"


def card_of(store: TrackingStore, uri: str, classifier: Classifier) -> Card:
    """The card of a loaded model; a model that is not in the registry has a short one."""
    answering, found = classifier.answering, versions.version_of(store.client, uri)
    least = answering.uncertain_below
    read = "a pair of texts, both together" if answering.pairs else "a text"
    facts = {
        "labels": ", ".join(classifier.label_names),
        "of these": _thresholds(classifier),
        "reads": f"{classifier.max_length} tokens of {read}, and cuts the rest",
        "answers": f"from a probability of {least:.2f} on, else UNCERTAIN" if least else "always",
        "calibrated by": f"temperature {answering.temperature:.2f}, fitted on validation",
    }
    facts = {name: value for name, value in facts.items() if value}
    if found is None:
        return Card(uri, uri, None, facts)
    run = versions.described_run(store.client, found)
    scores = [
        f"{name.replace('_', ' ')} {run['metrics'][f'test/{name}']:.4f}"
        for name in SCORES
        if f"test/{name}" in run["metrics"]
    ]
    aliases = f" ({', '.join(found.aliases)})" if found.aliases else ""
    facts |= {
        "loaded from": uri,
        "on its test split": ", ".join(scores),
        "model": run["model"],
        "sweep": run["sweep"],
        "decision": found.tags.get("finesweep.decision", "none yet"),
        "run": found.run_id,
        "data": run["data_fingerprint"][:16],
        "commit": run["commit"][:12],
    }
    known = {name: value for name, value in facts.items() if value}
    return Card(f"{found.model}, version {found.number}{aliases}", uri, found.number, known)
