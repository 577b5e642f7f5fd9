"""What the tests' template had when `load` had returned: forks of it tell."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

state: dict[str, Any] = {}


def load_watched() -> None:
    """Imports what the product's template imports, and keeps its state then."""
    from finesweep.cli.startup.quiet import silence_libraries

    silence_libraries()  # first, as in load
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    operations = []

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            operations.append(str(func))
            return func(*args, **(kwargs or {}))

    from finesweep.cli.startup.template import load

    with Watch():
        load()
    tasks, descriptors = Path("/proc/self/task"), Path("/proc/self/fd")
    if not tasks.exists():
        return
    state["threads"] = [(task / "comm").read_text().strip() for task in tasks.iterdir()]
    state["operations"] = operations
    # Standard input is the connection to the test process.
    links = [str(link.resolve()) for link in descriptors.iterdir() if link.name != "0"]
    state["n_sockets"] = sum("socket:" in link for link in links)
    state["is_cuda"] = torch.cuda.is_initialized()
    state["modules"] = list(sys.modules)
