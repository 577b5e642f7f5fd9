"""Configuration: Hydra composes it, and plain dataclasses come out."""

from finesweep.config.agreement import data_problems
from finesweep.config.compose import Composed, compose, group_choices
from finesweep.config.names import require_model_name
from finesweep.config.objects import build, install_command, missing_package, parameters_of
from finesweep.config.overrides.grammar import (
    Choice,
    Dimension,
    Interval,
    Range,
    override_path,
)
from finesweep.config.schema import (
    AdaptConfig,
    Config,
    ConfirmConfig,
    DatasetConfig,
    DistillationConfig,
    LauncherConfig,
    ModelConfig,
    PublishedConfig,
    RegisterConfig,
    RegistryConfig,
    SplitFiles,
    StorageConfig,
    SweepConfig,
    TrackingConfig,
    TrainingConfig,
)
from finesweep.config.search_path import preserved_files, use_files, user_files
from finesweep.config.sweep_plan import (
    Fixed,
    Searched,
    SweepPlan,
    borrowed_name,
    compose_sweep,
    plain_path,
    typed_overrides,
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
    "DistillationConfig",
    "Fixed",
    "Interval",
    "LauncherConfig",
    "ModelConfig",
    "PublishedConfig",
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
    "borrowed_name",
    "build",
    "compose",
    "compose_sweep",
    "data_problems",
    "group_choices",
    "install_command",
    "missing_package",
    "override_path",
    "parameters_of",
    "plain_path",
    "preserved_files",
    "require_model_name",
    "typed_overrides",
    "use_files",
    "user_files",
    "worker_overrides",
]
