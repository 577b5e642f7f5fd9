"""The server of page and API, on one port."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from finesweep.addresses import host_and_port, listen
from finesweep.config import TrackingConfig
from finesweep.errors import ConfigError, Problem
from finesweep.prediction import load_classifier
from finesweep.serving.card import card_of
from finesweep.serving.service import Service
from finesweep.tracking import open_store

MAX_FILE_SIZE = "64mb"
QUIET = {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_DISABLE_TELEMETRY": "1"}


def serve(
    uri: str,
    tracking: TrackingConfig,
    *,
    threshold: float | None,
    host: str,
    port: int,
    say: Callable[[str, str], None],
) -> None:
    """Serves the model at uri until interrupted; calls say with the URL and the model's format once
    it is ready.

    threshold overrides the model's own: below it predictions are UNCERTAIN.

    ConfigError when there is no such model, the port is in use, or the extra is not installed.
    """
    os.environ |= QUIET
    try:
        import gradio
        import uvicorn

        from finesweep.serving.endpoint import endpoint
        from finesweep.serving.page import page
    except ModuleNotFoundError as error:
        hint = "pip install 'finesweep[serve]'"
        raise ConfigError(Problem("serve", f"needs {error.name}: {hint}")) from error

    with _listening(host, port) as listener, TemporaryDirectory(prefix="finesweep-") as folder:
        classifier = load_classifier(uri, tracking_uri=tracking.uri)
        if threshold is not None:
            classifier = classifier.uncertain_below(threshold)
        card = card_of(open_store(tracking), uri, classifier)
        service = Service(classifier, card, Path(folder))
        app = gradio.mount_gradio_app(
            endpoint(service),
            page(service),
            path="/",
            theme=gradio.themes.Default(font=["system-ui", "sans-serif"], font_mono=["monospace"]),
            footer_links=[],
            run_history=False,
            ssr_mode=False,
            max_file_size=MAX_FILE_SIZE,
        )
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        host, port = listener.getsockname()[:2]
        say(f"http://{host_and_port(host, port)}", classifier.format)
        server.run(sockets=[listener])


def _listening(host: str, port: int) -> socket.socket:
    """A bound socket, opened before the model is loaded; port 0 is any free port."""
    try:
        return listen(host, port)
    except OSError as error:
        # Python adds the address to strerror, and unknown host names have errors below 0.
        why = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        raise ConfigError(Problem("--port", f"{host_and_port(host, port)}: {why}")) from error
