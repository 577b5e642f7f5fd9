"""The ranks of a run besides this process: told what to train, and watched."""

from finesweep.runs.ranks.followers import FollowerProcess, Followers, StartFollower, training_ranks
from finesweep.runs.ranks.orders import Order, order_of

__all__ = [
    "FollowerProcess",
    "Followers",
    "Order",
    "StartFollower",
    "order_of",
    "training_ranks",
]
