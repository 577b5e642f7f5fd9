"""What the user asked for: Hydra composes it, plain dataclasses leave."""

from finesweep.config.compose import Composed, compose, group_choices
from finesweep.config.grammar import Choice, Dimension, Interval, Range
from finesweep.config.schema import (
    AdaptConfig,
    Config,
    ConfirmConfig,
    DatasetConfig,
    LauncherConfig,
    ModelConfig,
    RegisterConfig,
    RegistryConfig,
    SplitFiles,
    StorageConfig,
    SweepConfig,
    TrackingConfig,
    TrainingConfig,
)
from finesweep.config.search_path import use_files, user_files
from finesweep.config.sweeps import (
    Fixed,
    Searched,
    SweepPlan,
    build,
    compose_sweep,
    given_overrides,
    plain_path,
    worker_overrides,
)

__all__ = [
    "AdaptConfig",
    "Choice",
    "Composed",
    "Config",
    "ConfirmConfig",
    "DatasetConfig",
    "Dimension",
    "Fixed",
    "Interval",
    "LauncherConfig",
    "ModelConfig",
    "Range",
    "RegisterConfig",
    "RegistryConfig",
    "Searched",
    "SplitFiles",
    "StorageConfig",
    "SweepConfig",
    "SweepPlan",
    "TrackingConfig",
    "TrainingConfig",
    "build",
    "compose",
    "compose_sweep",
    "given_overrides",
    "group_choices",
    "plain_path",
    "use_files",
    "user_files",
    "worker_overrides",
]
