"""`finesweep serve --model URI`: a page for people and an endpoint for programs."""

from __future__ import annotations

from collections.abc import Sequence

from finesweep.api.model_uri import check_model_uri
from finesweep.cli import check_threshold, parser
from finesweep.cli.startup import collector
from finesweep.cli.startup.quiet import silence_libraries
from finesweep.config import compose
from finesweep.errors import ConfigError, Problem

LAST_PORT = 65_535
EXAMPLES = """
examples:
  finesweep serve --model models:/tweets-sentiment@champion
  curl localhost:7860/api/predict --json '{"texts": ["what a day"]}'
  curl localhost:7860/api/predict --json '{"pairs": [["a man sleeps", "he is awake"]]}'
"""


def run(arguments: Sequence[str]) -> int:
    cli = parser("serve", "--model URI [--host HOST] [--port PORT] [--threshold P] [OVERRIDE…]")
    cli.epilog = EXAMPLES
    cli.add_argument("--model", required=True, metavar="URI", help="models:/…, runs:/… or a folder")
    cli.add_argument(
        "--host", default="127.0.0.1", help="this machine alone unless given; 0.0.0.0 is every one"
    )
    cli.add_argument("--port", type=int, default=7860, help="7860 unless given; 0 is a free one")
    cli.add_argument("--threshold", type=float, help="as in finesweep predict")
    cli.add_argument("overrides", nargs="*", default=[], metavar="OVERRIDE", help="tracking.uri=…")
    given = cli.parse_intermixed_args(list(arguments))
    check_threshold(given.threshold)
    if not 0 <= given.port <= LAST_PORT:
        raise ConfigError(Problem("--port", f"{given.port} given; must be 0 to {LAST_PORT}"))
    config = compose(given.overrides).config
    check_model_uri(given.model, tracking_uri=config.tracking.uri)
    silence_libraries()

    from finesweep.serving import serve

    def say(url: str) -> None:
        collector.resume()
        print(
            f"{given.model} at {url}, for programs at {url}/api/predict; Ctrl-C ends it", flush=True
        )

    serve(
        given.model,
        config.tracking,
        threshold=given.threshold,
        host=given.host,
        port=given.port,
        say=say,
    )
    return 0
