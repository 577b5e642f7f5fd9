"""The activation cache: the output of frozen layers for each row, on disk, shared by all trials.

With the embeddings and the k lowest layers frozen, their output for a row never changes. The first
trial to process a row caches it; later epochs, trials and workers read it.
"""

from finesweep.training.activation_cache.cache import ActivationCache
from finesweep.training.activation_cache.plan import plan_activations
from finesweep.training.activation_cache.rule import Plan

__all__ = ["ActivationCache", "Plan", "plan_activations"]
