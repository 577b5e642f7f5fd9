"""Commands and addresses are told how a sweep ended, once, and change nothing by failing."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from optuna import Study
from optuna.trial import TrialState
from tests.unit.sweep.studies import add_trial, new_study

from finesweep.api import notifications
from finesweep.api.notifications import message_of, post, program_of, run, told_at_the_end
from finesweep.config import SweepPlan
from finesweep.errors import FinesweepError
from finesweep.records import Finalist
from finesweep.sweep.study.keys import DEFINITION, FINALIST, MODEL, N_TRIALS, STOP, SWEEP, VALUES

pytestmark = pytest.mark.slow


@dataclass
class Hook:
    """A web server on loopback, and what was posted to it."""

    url: str = ""
    codes: list[int] = field(default_factory=list)
    """Its next answers; then 200."""
    posts: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)
    gets: list[str] = field(default_factory=list)


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    made = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made.posts.append((self.path, dict(self.headers), json.loads(body)))
            self.send_response(made.codes.pop(0) if made.codes else 200)
            self.send_header("Location", "/new")
            self.end_headers()

        def do_GET(self) -> None:
            made.gets.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    made.url = f"http://127.0.0.1:{server.server_port}"
    yield made
    server.shutdown()
    server.server_close()


@pytest.fixture
def study() -> Study:
    """Of two slots, one of which is complete."""
    made = new_study(**{SWEEP: "demo", DEFINITION: {"sweep.metric": "validation/loss"}})
    add_trial(made, value=0.5, **{VALUES: {}, MODEL: "tiny"})
    return made


def plan_of(demo: SweepPlan, *on_end: str, seconds: float = 20) -> SweepPlan:
    settings = replace(
        demo.settings, confirm=None, register=None, on_end=list(on_end), on_end_seconds=seconds
    )
    return replace(demo, settings=settings)


def said(plan: SweepPlan, study: Study, error: BaseException | None = None) -> list[str]:
    """What was said when a sweep ended so."""
    lines: list[str] = []
    with suppress(BaseException), told_at_the_end(plan, study, lines.append):
        if error is not None:
            raise error
    return lines


def test_command_and_address_get_the_status(
    demo: SweepPlan, study: Study, hook: Hook, workplace: Path
) -> None:
    address = f"{hook.url.replace('//', '//me:secret@')}/T0/hook?token=abc"
    plan = plan_of(demo, "", "TOKEN=abc tee told.json; echo $FINESWEEP_STORAGE_URL > url", address)
    assert said(plan, study) == [
        "sweep.on_end: tee was told",
        f"sweep.on_end: {hook.url}/… was told",
    ]
    ((path, headers, posted),) = hook.posts
    assert (path, headers["Content-Type"]) == ("/T0/hook?token=abc", "application/json")
    assert headers["Authorization"] == "Basic bWU6c2VjcmV0"
    assert (workplace / "url").read_text().strip() == plan.base.config.storage.url
    assert json.loads((workplace / "told.json").read_text(encoding="utf-8")) == posted
    assert posted["text"] == "sweep demo: out of time"
    assert (posted["state"], posted["reason"]) == ("out of time", None)
    assert (posted["best"]["value"], posted["counts"]["waiting"]) == (0.5, 1)


@pytest.mark.parametrize(
    ("error", "stop", "n_trials", "expected"),
    [
        (None, "", 2, ("out of time", None)),
        (FinesweepError("postgresql://me:secret@host failed"), "", 2,
         ("failed", "postgresql://me:***@host failed")),
        (KeyboardInterrupt(), "", 2, ("interrupted", None)),
        (FinesweepError("stopped by finesweep stop demo"), "stopped by finesweep stop demo", 2,
         ("stopped", "stopped by finesweep stop demo")),
        (FinesweepError("5 trials in a row failed; the last: x"), "5 trials in a row failed; …", 2,
         ("failed", "5 trials in a row failed; the last: x")),
    ],
)  # fmt: skip
def test_the_state_tells_how_it_ended(
    demo: SweepPlan,
    study: Study,
    error: BaseException | None,
    stop: str,
    n_trials: int,
    expected: tuple[str, str | None],
) -> None:
    study.set_user_attr(STOP, stop)
    message = message_of(plan_of(demo), study, error)
    assert (message["state"], message["reason"]) == expected
    json.dumps(message)


def test_a_finished_sweep_tells_its_winner(demo: SweepPlan, study: Study) -> None:
    study.set_user_attr(N_TRIALS, 1)
    winner = Finalist(0, "run", "models:/m-1", {"test/accuracy": 0.8125}, 0.5, 16, 8)
    study.set_user_attr(FINALIST, asdict(winner))
    message = message_of(plan_of(demo), study, None)
    assert (message["state"], message["reason"]) == ("finished", None)
    assert message["text"] == "sweep demo: finished, trial 0 won, test accuracy 0.8125"
    assert message["winner"]["model_uri"] == "models:/m-1"


def test_a_sweep_without_a_complete_trial_failed(demo: SweepPlan) -> None:
    empty = new_study(
        n_trials=1, **{SWEEP: "demo", DEFINITION: {"sweep.metric": "validation/loss"}}
    )
    add_trial(empty, TrialState.FAIL)
    message = message_of(plan_of(demo), empty, None)
    assert (message["state"], message["reason"]) == ("failed", "no trial completed")


def test_the_end_of_a_sweep_whose_study_cannot_be_read_is_told_too(
    demo: SweepPlan, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(study: Study) -> None:
        raise OSError("the storage is away")

    monkeypatch.setattr(notifications, "read_state", away)
    assert message_of(plan_of(demo), study, None) == {
        "text": "sweep demo: failed, OSError: the storage is away",
        "state": "failed",
        "reason": "OSError: the storage is away",
        "sweep": "demo",
        "study": "demo",
    }


def test_failures_are_said_without_secrets_and_raise_nothing(
    demo: SweepPlan, study: Study, hook: Hook, workplace: Path
) -> None:
    hook.codes = [404]
    plan = plan_of(
        demo, "TOKEN=abc sh -c 'echo no://me:secret@host; exit 3'", f"{hook.url}/T0?token=abc"
    )
    assert said(plan, study) == [
        "sweep.on_end: sh failed: exit code 3: no://me:***@host",
        f"sweep.on_end: {hook.url}/… failed: it answers 404 Not Found",
    ]
    assert len(hook.posts) == 1  # another try would get the same


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_an_address_that_redirects_was_not_told_and_is_not_followed(
    demo: SweepPlan, study: Study, hook: Hook, code: int
) -> None:
    hook.codes = [code]
    (line,) = said(plan_of(demo, f"{hook.url.replace('//', '//me:secret@')}/T0"), study)
    assert line.startswith(f"sweep.on_end: {hook.url}/… failed: it answers {code} ")
    assert line.endswith("; redirects are not followed, so give the new address")
    assert (len(hook.posts), hook.gets) == (1, [])


def test_an_address_is_tried_three_times(hook: Hook) -> None:
    hook.codes = [503, 429]
    post(f"{hook.url}/hook", "{}", pause_seconds=0.01)
    assert len(hook.posts) == 3
    hook.codes = [500] * 5
    with pytest.raises(OSError, match="500"):
        post(hook.url, "{}", pause_seconds=0.01)
    assert len(hook.posts) == 6


def test_a_command_that_hangs_is_ended_with_what_it_started(workplace: Path) -> None:
    began = time.monotonic()
    with pytest.raises(RuntimeError, match=r"^it did not end within 0\.3 s \(sweep\.on_end_sec"):
        run("(sleep 1; touch late) & sleep 30", "{}", {}, seconds=0.3)
    assert time.monotonic() - began < 20
    time.sleep(1.2)
    assert not (workplace / "late").exists()


def test_a_command_that_reads_nothing_is_no_failure(workplace: Path) -> None:
    run("exit 0", "x" * 1_000_000, {}, seconds=20)


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("A=1 B='x y' /opt/notify.sh --token abc", "/opt/notify.sh"),
        ("mail -s 'done", "mail"),
        ("A=1", "a command"),
    ],
)
def test_a_command_is_named_by_its_program(command: str, shown: str) -> None:
    assert program_of(command) == shown
