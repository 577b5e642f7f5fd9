"""The model card: name and version, origin and test scores."""

from __future__ import annotations

from dataclasses import dataclass, field

from finesweep.prediction import Classifier
from finesweep.registry import versions
from finesweep.tracking import TrackingStore

SCORES = ("accuracy", "f1", "loss", "mcc", "calibration_error")


@dataclass(frozen=True)
class Card:
    """A model as the page shows it."""

    title: str
    uri: str
    version: str | None
    """Version of the registered model; None if it was not loaded from the registry."""
    facts: dict[str, str] = field(default_factory=dict)
    """Facts by name, in display order."""


def _thresholds(classifier: Classifier) -> str:
    """The decision threshold of each label; empty for a single label per text."""
    each = classifier.decision_rule.label_thresholds or ()
    named = zip(classifier.label_names, each, strict=False)
    thresholds = ", ".join(f"{name} from {threshold:.2f}" for name, threshold in named)
    return thresholds and f"any number per text, each from its own threshold: {thresholds}"


def card_of(store: TrackingStore, uri: str, classifier: Classifier) -> Card:
    """The card of a loaded model; a short one if it is not in the registry or has no run."""
    decision_rule, version = classifier.decision_rule, versions.version_of(store.client, uri)
    minimum = decision_rule.uncertain_below
    unit = "a pair of texts, both together" if decision_rule.pairs else "a text"
    facts = {
        "labels": ", ".join(classifier.label_names),
        "of these": _thresholds(classifier),
        "reads": f"the first {classifier.max_length} tokens of {unit}",
        "answers": f"from a probability of {minimum:.2f}, else UNCERTAIN" if minimum else "always",
        "format": classifier.format,
        "calibrated by": f"temperature {decision_rule.temperature:.2f}, fitted on validation",
    }
    facts = {name: value for name, value in facts.items() if value}
    if version is None:
        return Card(uri, uri, None, facts)
    if versions.run_of(store.client, version) is None:
        return Card(uri, uri, version.number, facts)
    run = versions.run_description(store.client, version)
    scores = [
        f"{name.replace('_', ' ')} {run['metrics'][f'test/{name}']:.4f}"
        for name in SCORES
        if f"test/{name}" in run["metrics"]
    ]
    aliases = f" ({', '.join(version.aliases)})" if version.aliases else ""
    facts |= {
        "loaded from": uri,
        "on its test split": ", ".join(scores),
        "model": run["model"],
        "sweep": run["sweep"],
        "made from": version.tags.get("finesweep.source", ""),
        "decision": version.tags.get("finesweep.decision", "none yet"),
        "run": run["run"],
        "data": run["data_fingerprint"][:16],
        "commit": run["commit"][:12],
    }
    present = {name: value for name, value in facts.items() if value}
    return Card(f"{version.model}, version {version.number}{aliases}", uri, version.number, present)
