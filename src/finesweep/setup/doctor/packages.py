"""Python and the installed packages, against the set that finesweep was tested with."""

from __future__ import annotations

import platform
import re
import sys
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from finesweep.config.search_path import packaged_root
from finesweep.setup.doctor.findings import Finding, ok

MIN_PYTHON = (3, 11)
TESTED = "constraints.txt"
PINNED = re.compile(r"^([A-Za-z0-9][\w.-]*)==(\S+)", re.MULTILINE)
N_SHOWN = 4


def python() -> Finding:
    """The interpreter, and whether it is new enough."""
    found = f"{platform.python_version()}, {sys.executable}"
    if sys.version_info >= MIN_PYTHON:
        return ok("python", found)
    needed = ".".join(map(str, MIN_PYTHON))
    return Finding("python", "broken", f"{found}; {needed} or later is needed")


def packages() -> Finding:
    """finesweep's own requirements: all there and in range, and how many are as tested."""
    own = [Requirement(text) for text in requires("finesweep") or []]
    wrong = [problem for each in own if _is_always(each) and (problem := _problem(each))]
    if wrong:
        hint = "pip install --upgrade finesweep"
        return Finding("packages", "broken", "; ".join(wrong[:N_SHOWN]), hint)
    pins = tested_versions()
    installed = {name: found for name in pins if (found := _version(name)) is not None}
    other = [
        f"{name} {found} (tested {pins[name]})"
        for name, found in installed.items()
        if found.partition("+")[0] != pins[name]
    ]
    if not other:
        return ok("packages", f"{len(installed)} installed, all as tested")
    more = f" and {len(other) - N_SHOWN} more" if len(other) > N_SHOWN else ""
    message = f"in range; not as tested: {', '.join(other[:N_SHOWN])}{more}"
    return ok("packages", message, f"pip install --constraint {tested_file()} finesweep")


def extras() -> Finding:
    """The optional extras, installed or not."""
    by_extra: dict[str, list[Requirement]] = {}
    for each in map(Requirement, requires("finesweep") or []):
        extra = re.search(r"extra == ['\"]([\w-]+)['\"]", str(each.marker or ""))
        if extra and extra[1] != "test":
            by_extra.setdefault(extra[1], []).append(each)
    missing = [name for name, own in by_extra.items() if any(map(_problem, own))]
    here = ", ".join(name for name in by_extra if name not in missing) or "none"
    if not missing:
        return ok("extras", here)
    hint = f"pip install 'finesweep[{','.join(missing)}]'"
    return Finding("extras", "missing", f"{', '.join(missing)}; here: {here}", hint, needed=False)


def tested_file() -> Path:
    """The list of the tested set, in the wheel or in a checkout."""
    return packaged_root() / TESTED


def tested_versions() -> dict[str, str]:
    """Package → version, of the tested set."""
    pins = PINNED.findall(tested_file().read_text(encoding="utf-8"))
    return {str(canonicalize_name(name)): pin for name, pin in pins}


def _is_always(requirement: Requirement) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": ""})


def _problem(requirement: Requirement) -> str | None:
    found = _version(requirement.name)
    if found is None:
        return f"{requirement.name} is not installed"
    if not requirement.specifier.contains(found, prereleases=True):
        return f"{requirement.name} {found} is installed; {requirement.specifier} is needed"
    return None


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
