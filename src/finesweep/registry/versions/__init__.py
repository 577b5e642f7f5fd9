"""Versions of registered models: the only code that calls MLflow's registry."""

from finesweep.registry.versions.queries import (
    Version,
    baseline_right,
    config_text,
    intervals,
    models_of,
    picture,
    run_description,
    run_of,
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
    register_export,
)
from finesweep.registry.versions.tags import (
    log_dossier,
    model_tag,
    set_alias,
    tag_model,
    tag_version,
)

__all__ = [
    "Version",
    "baseline_right",
    "config_text",
    "intervals",
    "is_registered",
    "log_dossier",
    "model_tag",
    "models_of",
    "picture",
    "register",
    "register_export",
    "run_description",
    "run_of",
    "scored",
    "set_alias",
    "slices",
    "tag_model",
    "tag_version",
    "test_fingerprint",
    "version_at",
    "version_of",
    "versions_of",
    "wrong_rows",
]
