"""Versions of registered models: the only place that speaks to MLflow's registry."""

from finesweep.registry.versions.queries import (
    Version,
    config_text,
    described_run,
    models_of,
    picture,
    scored,
    slices,
    test_fingerprint,
    version_at,
    version_of,
    versions_of,
    wrong_rows,
)
from finesweep.registry.versions.registration import (
    is_registered,
    register,
)
from finesweep.registry.versions.tags import (
    log_dossier,
    model_tag,
    point,
    tag_model,
    tag_version,
)

__all__ = [
    "Version",
    "config_text",
    "described_run",
    "is_registered",
    "log_dossier",
    "model_tag",
    "models_of",
    "picture",
    "point",
    "register",
    "scored",
    "slices",
    "tag_model",
    "tag_version",
    "test_fingerprint",
    "version_at",
    "version_of",
    "versions_of",
    "wrong_rows",
]
