"""`finesweep schema [NAME]`: a JSON Schema of config files, for editors and other programs."""

from __future__ import annotations

import json
from collections.abc import Sequence

from finesweep.cli import parser
from finesweep.errors import ConfigError, Problem, nearest

EXAMPLES = """
NAME is sweep (sweeps/*.yaml, the default), a group (conf/GROUP/*.yaml), or config: a whole
composed config. An editor with the YAML language server uses one that a file's comment names:

  finesweep schema sweep > sweeps/.schema.json
  # yaml-language-server: $schema=.schema.json

`finesweep new` writes schemas and comments itself.
"""


def run(arguments: Sequence[str]) -> int:
    cli = parser("schema", "[NAME]")
    cli.epilog = EXAMPLES
    cli.add_argument("name", metavar="NAME", nargs="?", default="sweep", help="default: sweep")
    name = cli.parse_args(list(arguments)).name

    from finesweep.config.reference.json_schema import schema_of, sections

    if name not in sections():
        message = f"no schema {name!r}; {nearest(name, sections())}"
        raise ConfigError(Problem("NAME", message))
    print(json.dumps(schema_of(name), indent=2, ensure_ascii=False))
    return 0
