"""Training on several devices: a process, a rank, for each device; all train the same model."""

from finesweep.training.ranks.collectives import ALONE, PeerFailedError, Ranks
from finesweep.training.ranks.process_group import check_devices, join, leave

__all__ = ["ALONE", "PeerFailedError", "Ranks", "check_devices", "join", "leave"]
