"""`finesweep serve --model URI`: a model as a web page and a JSON API."""

from __future__ import annotations

from collections.abc import Sequence

from finesweep.api.model_uri import check_model_uri
from finesweep.cli import check_port, check_threshold, parser
from finesweep.cli.startup import collector
from finesweep.cli.startup.quiet import silence_libraries
from finesweep.config import compose

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
        "--host",
        default="127.0.0.1",
        help="address to listen on (default: 127.0.0.1, this machine only)",
    )
    cli.add_argument("--port", type=int, default=7860, help="default: 7860; 0 picks a free port")
    cli.add_argument("--threshold", type=float, help="as in finesweep predict")
    cli.add_argument("overrides", nargs="*", default=[], metavar="OVERRIDE", help="tracking.uri=…")
    args = cli.parse_intermixed_args(list(arguments))
    check_threshold(args.threshold)
    check_port(args.port, lowest=0)
    config = compose(args.overrides).config
    check_model_uri(args.model, tracking_uri=config.tracking.uri)
    silence_libraries()

    from finesweep.serving import serve

    def say(url: str, format_: str) -> None:
        collector.resume()
        by = "" if format_ == "pytorch" else f" as {format_}"
        api = f"JSON API at {url}/api/predict"
        print(f"{args.model} at {url}{by}, {api}; Ctrl-C stops it", flush=True)

    serve(
        args.model,
        config.tracking,
        threshold=args.threshold,
        host=args.host,
        port=args.port,
        say=say,
    )
    return 0
