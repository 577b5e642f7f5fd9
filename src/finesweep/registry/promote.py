"""The gate: a challenger is held against the champion, and what was decided is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from finesweep.config import Config
from finesweep.databases import hidden_password
from finesweep.errors import ConfigError, Problem
from finesweep.locks import can_lock, exclusive
from finesweep.registry import champion_history, versions
from finesweep.registry.records import Check, Decision, Requirements, Scored
from finesweep.registry.versions import Version
from finesweep.tracking import TrackingStore, open_store

if TYPE_CHECKING:
    from finesweep.registry.rule import Mode

CHALLENGER, CHAMPION = "challenger", "champion"
HISTORY = "finesweep.champions"
ATTEMPTS = "finesweep.attempts."
"""Tag of a registered model, with the start of a test fingerprint behind it: promotions tried."""


@dataclass(frozen=True)
class Terms:
    """On which a challenger is compared."""

    mode: Mode = "superiority"
    margin: float = 0.005
    alpha: float = 0.05


@dataclass(frozen=True)
class Verdict:
    """What the gate has decided, about which versions."""

    decision: Decision
    challenger: Version
    champion: Version | None


def promote(
    config: Config,
    model: str,
    *,
    number: str | None,
    terms: Terms,
    dry_run: bool,
    field: str = "--version",
) -> Verdict:
    """The challenger is champion from now on, or the decision says why not; nothing else changes.

    number is a version, which field calls in errors, else the one with the alias challenger. One at
    a time: the second of two
    promotions meets the first one's champion. A dry run decides, and leaves no trace.
    ConfigError when there is nothing to compare.
    """
    from finesweep.registry.rule import decide  # scipy, for which no listing waits

    with _locked_store(config, model) as store:
        client = store.client
        challenger = _challenger(store, model, number, field)
        champion = versions.version_at(client, model, CHAMPION)
        if champion is not None and champion.number == challenger.number:
            message = f"version {champion.number} is champion already"
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
            _keep(store, model, verdict, new, old, look)
        return verdict


def rollback(config: Config, model: str) -> tuple[str, str]:
    """The version that is champion again, and the one that was; ConfigError when there is none."""
    with _locked_store(config, model) as store:
        client = store.client
        champion = versions.version_at(client, model, CHAMPION)
        entries = history(store, model)
        standing = champion_history.standing(entries)
        if champion is None or len(standing) < 2:
            raise ConfigError(Problem(model, "has had no champion before this one"))
        back = standing[-2]
        why = f"version {champion.number} was rolled back"
        _enter(store, model, [*entries, champion_history.Entry("rolled back", back, _now(), why)])
        return back, champion.number


def history(store: TrackingStore, model: str) -> list[champion_history.Entry]:
    """Every change of champion that came true, the oldest first."""
    champion = versions.version_at(store.client, model, CHAMPION)
    entries = champion_history.read(versions.model_tag(store.client, model, HISTORY))
    return champion_history.truth(entries, champion.number if champion else None)


@contextmanager
def _locked_store(config: Config, model: str) -> Iterator[TrackingStore]:
    """The store, for one promotion or rollback of a model at a time."""
    store = open_store(config.tracking)
    versions.model_tag(store.client, model, HISTORY)  # raises when there is no such model
    with _lock(config, f"registry-{hashlib.sha256(model.encode()).hexdigest()[:12]}"):
        yield store


@contextmanager
def _lock(config: Config, name: str) -> Iterator[None]:
    """Where the registry itself lies; a server of MLflow's holds no locks, Optuna's database does.

    Nothing is made there but the lock. ConfigError when that database cannot be reached.
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
        found = versions.version_at(store.client, model, CHALLENGER)
        if found is not None:
            return found
    known = {version.number: version for version in versions.versions_of(store.client, model)}
    if number is None:
        message = f"no version has the alias {CHALLENGER}; give one of: {', '.join(known)}"
        raise ConfigError(Problem(field, message))
    if number not in known:
        message = f"{number!r} is no version of {model}; known: {', '.join(known)}"
        raise ConfigError(Problem(field, message))
    return known[number]


def _scored_alike(
    store: TrackingStore, champion: Version, new: Scored, challenger: Version
) -> Scored:
    """The champion on the challenger's test rows, anew where its own look was at others."""
    own = versions.scored(store.client, champion)
    if own.fingerprint == new.fingerprint and own.label_names == new.label_names:
        return own
    from finesweep.registry.rescoring import rescored  # torch, which is seldom needed

    return rescored(store, champion, own, new, versions.config_text(store.client, challenger))


def _requirements(config: Config) -> Requirements:
    own = config.registry
    return Requirements(dict(own.minimum), own.latency_ms, own.recall_loss)


def _keep(
    store: TrackingStore, model: str, verdict: Verdict, new: Scored, old: Scored | None, look: int
) -> None:
    """Dossier, then tags, then the list of champions, and the alias last."""
    from finesweep.registry.promotion_report import as_html, as_json, dossier
    from finesweep.registry.report_data import report_data_of

    client, decision = store.client, verdict.decision
    champion = verdict.champion
    exhibits = report_data_of(store, verdict.challenger, champion, new, old)
    made = dossier(
        decision,
        model=model,
        challenger=versions.described_run(client, verdict.challenger),
        champion=versions.described_run(client, champion) if champion else None,
        exhibits=exhibits,
    )
    place = f"promotion/version-{verdict.challenger.number}-attempt-{look}"
    texts = {
        f"{place}/dossier.json": as_json(made),
        f"{place}/dossier.html": as_html(made, exhibits.picture),
    }
    versions.log_dossier(client, verdict.challenger, texts)
    at, against = _now(), champion.number if champion else "none"
    tags = {
        "decision": "promoted" if decision.promoted else "refused",
        "decision.mode": decision.mode,
        "decision.against": against,
        "decision.at": at,
        "decision.reasons": "; ".join(map(_told, decision.checks)) or "no gate was set",
        "decision.dossier": f"runs:/{verdict.challenger.run_id}/{place}",
        **{f"decision.{name}": value for name, value in decision.numbers.items()},
    }
    own = {f"finesweep.{name}": value for name, value in tags.items()}
    versions.tag_version(client, verdict.challenger, own)
    if decision.promoted:
        why = f"{decision.mode} against {against}" if old else "the first"
        entry = champion_history.Entry("promoted", verdict.challenger.number, at, why)
        _enter(store, model, [*history(store, model), entry])


def _enter(store: TrackingStore, model: str, entries: list[champion_history.Entry]) -> None:
    versions.tag_model(store.client, model, HISTORY, champion_history.written(entries))
    versions.point(store.client, model, CHAMPION, entries[-1].version)


def _told(check: Check) -> str:
    return f"{check.name} {'passed' if check.passed else 'FAILED'}: {check.found}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
