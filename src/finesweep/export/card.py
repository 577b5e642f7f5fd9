"""The model card of an exported model: README.md of its folder, and its version's description."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import yaml

from finesweep.export.conversion import ONNX, SAFETENSORS, Conversion
from finesweep.export.source import Source
from finesweep.model.settings.pooling import pooling_of
from finesweep.records import DecisionRule
from finesweep.tracking.models.caveats import caveat
from finesweep.tracking.models.classifier import LICENCE
from finesweep.tracking.pages.notes import escaped, markdown_table

FILE = "README.md"
HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
SCORES = ("accuracy", "f1", "loss", "roc_auc", "calibrated_error")
TRANSFORMERS = """\
    from transformers import pipeline
    classify = pipeline("text-classification", "{where}")
    classify({call}, truncation=True{top_k})
"""


def folder_card(source: Source, conversion: Conversion, *, where: str, is_on_hub: bool) -> str:
    """README.md with the Hub's metadata; where is what users load: OWNER/NAME, or a folder."""
    head = {
        "library_name": "transformers" if conversion.format == SAFETENSORS else "onnx",
        "pipeline_tag": "text-classification",
        "tags": ["finesweep", *([ONNX] if conversion.format == ONNX else [])],
    }
    if HUB_NAME.fullmatch(source.origin):
        head["base_model"] = source.origin
    title = re.sub(r"\s+", " ", source.name)
    return (
        f"---\n{yaml.safe_dump(head, sort_keys=False)}---\n\n# {escaped(title)}\n\n"
        f"{_body(source, conversion, {}, where, is_on_hub=is_on_hub)}\n## Licence\n\n"
        f"{' '.join(LICENCE.format(origin=source.origin).split())}\n"
    )


def version_card(
    source: Source, conversion: Conversion, scores: Mapping[str, float], *, uri: str
) -> str:
    """The description of a registered version; scores are `test/name` → value."""
    return f"{source.name} as {conversion.label}.\n\n{_body(source, conversion, scores, uri)}"


def _body(
    source: Source,
    conversion: Conversion,
    scores: Mapping[str, float],
    where: str,
    *,
    is_on_hub: bool = False,
) -> str:
    classifier = conversion.classifier
    rule = classifier.decision_rule
    unit = "a pair of texts, both together" if rule.pairs else "a text"
    facts = [
        f"- labels: {escaped(', '.join(classifier.label_names))}"
        + (" (any number per text)" if classifier.multi_label else ""),
        f"- reads the first {classifier.max_length} tokens of {unit}",
        f"- format: {conversion.label}, {conversion.size_bytes / 1e6:.1f} MB"
        f" (PyTorch: {source.size_bytes / 1e6:.1f} MB)",
        f"- {comparison_sentence(conversion)}",
    ]
    if conversion.format == ONNX:
        facts.append(f"- {latency_sentence(conversion)}")
    facts += [f"- finesweep {step}" for step in _answering(rule, classifier.label_names)]
    calls = _calls(conversion, where, is_on_hub=is_on_hub)
    return "\n".join([*facts, "", *_scores(source, scores), *calls, ""])


def _answering(rule: DecisionRule, names: Sequence[str]) -> list[str]:
    """How finesweep answers by the logits, where others take the softmax and the likeliest."""
    steps = []
    if rule.temperature != 1:
        steps.append(f"divides logits by a temperature of {rule.temperature:.3f}")
    thresholds = dict(zip(names, rule.label_thresholds or (), strict=False))
    if rule.decision_threshold is not None:
        thresholds[names[1]] = rule.decision_threshold
    if thresholds:
        told = (f"{escaped(name)} from {least:.3f}" for name, least in thresholds.items())
        steps.append(f"predicts {', '.join(told)}")
    if rule.uncertain_below:
        steps.append(f"answers UNCERTAIN below {rule.uncertain_below:.3f}")
    return steps


def _caveat(conversion: Conversion) -> str:
    """What only finesweep does with it; the pooling is part of an ONNX graph."""
    classifier = conversion.classifier
    pooling = pooling_of(classifier.pipeline.model) if conversion.format == SAFETENSORS else None
    return caveat(pooling=pooling, clean=classifier.decision_rule.clean)


def comparison_sentence(conversion: Conversion) -> str:
    """How far it differs from its original."""
    found = conversion.agreement
    labels = "label changes" if found.n_changed == 1 else "labels change"
    return (
        f"against PyTorch on {found.n_rows} texts of up to {found.n_tokens} tokens: probabilities"
        f" differ by at most {found.difference:.2g}, {found.n_changed or 'no'} {labels}"
    )


def latency_sentence(conversion: Conversion) -> str:
    """How fast it is beside its original, on the machine that exported it."""
    own, original = conversion.latency.one_p50, conversion.original_latency.one_p50
    return (
        f"median latency of one text: {own:.1f} ms, PyTorch beside it {original:.1f} ms"
        f" ({original / own:.1f} times)"
    )


def _scores(source: Source, scores: Mapping[str, float]) -> list[str]:
    """A table of test scores: this model's, if it was scored, and its original's."""
    original = {} if source.run is None else source.run.scores
    names = [f"test/{name}" for name in SCORES if {f"test/{name}"} & {*scores, *original}]
    if not names:
        return []
    columns = [("this model", scores), ("PyTorch", original)] if scores else [("PyTorch", original)]
    rows = [
        (name, *(f"{values[name]:.4f}" if name in values else "" for _, values in columns))
        for name in names
    ]
    return [markdown_table(("score", *(head for head, _ in columns)), rows), ""]


def _calls(conversion: Conversion, where: str, *, is_on_hub: bool) -> list[str]:
    """How to call it: without finesweep too, if that predicts the same."""
    pairs = conversion.classifier.decision_rule.pairs
    folder = where.rpartition("/")[2] if is_on_hub else where  # finesweep loads no Hub names
    download = [f"    hf download {where} --local-dir {folder}"] if is_on_hub else []
    call = f"    finesweep predict --model {folder} {'FIRST SECOND' if pairs else 'TEXT'}"
    lines = [*download, call, ""]
    if own := _caveat(conversion):
        lines.append(own)
    elif conversion.format == SAFETENSORS:
        call = '{"text": "a text", "text_pair": "another"}' if pairs else '"a text"'
        top_k = ", top_k=None" if conversion.classifier.multi_label else ""
        lines.append(TRANSFORMERS.format(where=where, call=call, top_k=top_k))
    elif where.startswith("models:/"):
        example = '[{"text": "a text", "text_pair": "another"}]' if pairs else '["a text"]'
        lines += [
            "    import mlflow",
            f'    mlflow.pyfunc.load_model("{where}").predict({example})',
            "",
        ]
    return lines
