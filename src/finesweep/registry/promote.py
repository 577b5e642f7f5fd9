"""The gate: compares a challenger with the champion, records the decision, sets the alias."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from finesweep.config import Config
from finesweep.config.names import CHALLENGER, CHAMPION
from finesweep.databases import hidden_password
from finesweep.errors import ConfigError, Problem
from finesweep.locks import can_lock, exclusive
from finesweep.registry import champion_history, versions
from finesweep.registry.records import Check, Decision, Requirements, Scored
from finesweep.registry.versions import Version
from finesweep.tracking import TrackingStore, open_store

if TYPE_CHECKING:
    from finesweep.registry.rule import Mode

HISTORY = "finesweep.champions"
ATTEMPTS = "finesweep.attempts."
"""Prefix of a model's tag, before the start of a test fingerprint: number of promotion attempts."""


@dataclass(frozen=True)
class Terms:
    """Terms of the comparison."""

    mode: Mode = "superiority"
    margin: float = 0.005
    alpha: float = 0.05


@dataclass(frozen=True)
class Verdict:
    """The gate's decision, and the versions that it compared."""

    decision: Decision
    challenger: Version
    champion: Version | None
    report: str = ""
    """Path or URI of the report's page in the challenger's run; empty in a dry run."""


def promote(
    config: Config,
    model: str,
    *,
    number: str | None,
    terms: Terms,
    dry_run: bool,
    field: str = "--version",
) -> Verdict:
    """Makes the challenger champion if every check passes; returns the decision with its reasons.

    number is the challenger's version, by default the one with the alias challenger; field names it
    in errors. A lock makes the second of two promotions meet the first one's champion. A dry run
    records nothing. ConfigError when there is nothing to compare.
    """
    from finesweep.registry.rule import decide  # loads scipy, which a listing does not need

    with _locked_store(config, model) as store:
        client = store.client
        challenger = _challenger(store, model, number, field)
        champion = versions.version_at(client, model, CHAMPION)
        if champion is not None and champion.number == challenger.number:
            message = f"version {champion.number} is already champion"
            raise ConfigError(Problem(model, message))
        new = versions.scored(client, challenger)
        old = None if champion is None else _scored_alike(store, champion, new, challenger)
        attempts = f"{ATTEMPTS}{new.fingerprint[:16]}"
        look = int(versions.model_tag(client, model, attempts) or 0) + (old is not None)
        decision = decide(
            new,
            old,
            requirements=_requirements(config),
            mode=terms.mode,
            margin=terms.margin,
            alpha=terms.alpha,
            look=max(1, look),
        )
        verdict = Verdict(decision, challenger, champion)
        if not dry_run:
            if old is not None:
                versions.tag_model(client, model, attempts, str(look))
            report = _record(store, model, verdict, new, old, look)
            verdict = replace(verdict, report=report)
        return verdict


def rollback(config: Config, model: str) -> tuple[str, str | None]:
    """Makes the previous champion that still exists champion again: the last one if no version is
    champion now. Returns its version, and the replaced one's or None.

    ConfigError when there was no earlier champion.
    """
    with _locked_store(config, model) as store:
        champion = versions.version_at(store.client, model, CHAMPION)
        replaced = champion.number if champion else None
        known = {version.number for version in versions.versions_of(store.client, model)}
        entries = history(store, model)
        standing = champion_history.standing(entries)
        earlier = [number for number in standing if number in known - {replaced}]
        if not earlier:
            raise ConfigError(Problem(model, "has no earlier champion"))
        why = f"version {replaced} was rolled back" if champion else "no version was champion"
        entry = champion_history.Entry("rolled back", earlier[-1], _now(), why)
        _set_champion(store, model, [*entries, entry])
        return earlier[-1], replaced


def history(store: TrackingStore, model: str) -> list[champion_history.Entry]:
    """Every change of champion, oldest first."""
    champion = versions.version_at(store.client, model, CHAMPION)
    entries = champion_history.loads(versions.model_tag(store.client, model, HISTORY))
    return champion_history.confirmed(entries, champion.number if champion else None)


@contextmanager
def _locked_store(config: Config, model: str) -> Iterator[TrackingStore]:
    """The store, for one promotion or rollback of a model at a time."""
    store = open_store(config.tracking)
    versions.model_tag(store.client, model, HISTORY)  # raises when there is no such model
    with _lock(config, f"registry-{hashlib.sha256(model.encode()).hexdigest()[:12]}"):
        yield store


@contextmanager
def _lock(config: Config, name: str) -> Iterator[None]:
    """Locks in the registry's database, or in Optuna's when tracking is an MLflow server, which has
    no locks.

    Creates nothing else there. ConfigError when that database cannot be reached.
    """
    tracking, storage = config.tracking.uri, config.storage.url
    url, field = (tracking, "tracking.uri") if can_lock(tracking) else (storage, "storage.url")
    with ExitStack() as stack:
        try:
            stack.enter_context(exclusive(url, name))
        except (SQLAlchemyError, ImportError, OSError, ValueError) as error:
            first = str(error.__cause__ or error).splitlines()[0]
            message = f"cannot lock {hidden_password(url)!r}: {first}"
            raise ConfigError(Problem(field, message)) from error
        yield


def _challenger(store: TrackingStore, model: str, number: str | None, field: str) -> Version:
    if number is None:
        challenger = versions.version_at(store.client, model, CHALLENGER)
        if challenger is not None:
            return challenger
    by_number = {version.number: version for version in versions.versions_of(store.client, model)}
    if number is None:
        message = f"no version has the alias {CHALLENGER}; give one of: {', '.join(by_number)}"
        raise ConfigError(Problem(field, message))
    if number not in by_number:
        message = f"{model} has no version {number!r}; known: {', '.join(by_number)}"
        raise ConfigError(Problem(field, message))
    return by_number[number]


def _scored_alike(
    store: TrackingStore, champion: Version, new: Scored, challenger: Version
) -> Scored:
    """The champion on the challenger's test rows, rescored when it was evaluated on others."""
    old = versions.scored(store.client, champion)
    if old.fingerprint == new.fingerprint and old.label_names == new.label_names:
        return old
    from finesweep.registry.rescoring import rescore  # loads torch, which is seldom needed

    return rescore(store, champion, old, new, versions.config_text(store.client, challenger))


def _requirements(config: Config) -> Requirements:
    registry = config.registry
    return Requirements(dict(registry.minimum), registry.latency_ms, registry.recall_loss)


def _record(
    store: TrackingStore, model: str, verdict: Verdict, new: Scored, old: Scored | None, look: int
) -> str:
    """Logs the dossier, then the tags, then the champion history, and sets the alias last.

    Returns the path or URI of the dossier's page.
    """
    from finesweep.registry.promotion_report import as_html, as_json, build_dossier
    from finesweep.registry.report_data import report_data_of

    client, decision = store.client, verdict.decision
    champion = verdict.champion
    data = report_data_of(store, verdict.challenger, champion, new, old)
    dossier = build_dossier(
        decision,
        model=model,
        challenger=versions.run_description(client, verdict.challenger),
        champion=versions.run_description(client, champion) if champion else None,
        data=data,
    )
    folder = f"promotion/version-{verdict.challenger.number}-attempt-{look}"
    texts = {
        f"{folder}/dossier.json": as_json(dossier),
        f"{folder}/dossier.html": as_html(dossier, data.picture),
    }
    artifacts = versions.log_dossier(client, verdict.challenger, texts)
    at, against = _now(), champion.number if champion else "none"
    tags = {
        "decision": "promoted" if decision.promoted else "refused",
        "decision.mode": decision.mode,
        "decision.against": against,
        "decision.at": at,
        "decision.reasons": "; ".join(map(_reason, decision.checks)) or "no requirement was set",
        "decision.dossier": f"runs:/{verdict.challenger.run_id}/{folder}",
        **{f"decision.{name}": value for name, value in decision.numbers.items()},
    }
    prefixed = {f"finesweep.{name}": value for name, value in tags.items()}
    versions.tag_version(client, verdict.challenger, prefixed)
    if decision.promoted:
        why = f"{decision.mode} against {against}" if old else "the first"
        entry = champion_history.Entry("promoted", verdict.challenger.number, at, why)
        _set_champion(store, model, [*history(store, model), entry])
    return f"{artifacts.removeprefix('file://')}/{folder}/dossier.html"


def _set_champion(store: TrackingStore, model: str, entries: list[champion_history.Entry]) -> None:
    versions.tag_model(store.client, model, HISTORY, champion_history.dumps(entries))
    versions.set_alias(store.client, model, CHAMPION, entries[-1].version)


def _reason(check: Check) -> str:
    return f"{check.name} {'passed' if check.passed else 'FAILED'}: {check.found}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
