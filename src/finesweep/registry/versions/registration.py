"""Registers the winner of a sweep as a version of a registered model."""

from __future__ import annotations

import json
import shlex

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_ALREADY_EXISTS, ErrorCode

from finesweep.records import Finalist
from finesweep.registry.records import Registered
from finesweep.registry.versions.queries import MISSING, versions_of
from finesweep.tracking.pages.notes import escaped, markdown_table

PIPELINE_USE = """\
As a native pipeline, truncated at the length used in training and evaluation:

    import mlflow
    classify = mlflow.transformers.load_model({uri})
    classify(["a text"], truncation=True, max_length={length})
"""
ENSEMBLE_USE = """\
In Python, without finesweep:

    import mlflow
    mlflow.pyfunc.load_model({uri}).predict(["a text"])
"""


def register(client: MlflowClient, finalist: Finalist, *, name: str, alias: str, sweep: str) -> str:
    """Creates the finalist's version and sets the alias on it; returns its number.

    A version that an interrupted call created from the same model is reused.
    """
    try:
        # Only a new model gets a description: whatever stands there later is its owner's.
        client.create_registered_model(name, description=_model_note(sweep, alias))
    except MlflowException as error:
        if error.error_code != ErrorCode.Name(RESOURCE_ALREADY_EXISTS):
            raise
    numbers = [
        version.number
        for version in versions_of(client, name)
        if version.source == finalist.model_uri
    ]
    number = (
        numbers[-1]
        if numbers
        else client.create_model_version(
            name,
            source=finalist.model_uri,
            run_id=finalist.run_id,
            model_id=finalist.model_uri.removeprefix("models:/"),
            tags={"finesweep.sweep": sweep, "finesweep.trial_number": str(finalist.trial)},
            description=_description(finalist, name=name, alias=alias, sweep=sweep),
        ).version
    )
    client.set_registered_model_alias(name, alias, str(number))
    return str(number)


def is_registered(client: MlflowClient, claim: Registered) -> bool:
    """Whether the registry has this version, created from that model; its alias may have moved."""
    try:
        version = client.get_model_version(claim.name, claim.version)
    except MlflowException as error:
        if error.error_code in MISSING:
            return False
        raise
    return bool(version.source == claim.model_uri)


def _description(finalist: Finalist, *, name: str, alias: str, sweep: str) -> str:
    """The model card: what it is, its scores with intervals, limits, and how to call it."""
    intervals = finalist.test_intervals
    scores = markdown_table(
        ("score", "test", "95 % interval"),
        [
            (key, f"{value:.4f}", " … ".join(f"{end:.4f}" for end in intervals.get(key, ())))
            for key, value in finalist.test_metrics.items()
        ],
    )
    limits = "".join(f"\n- limit: {escaped(doubt)}" for doubt in finalist.doubts)
    length, uri = finalist.max_length, f"models:/{name}@{alias}"
    what = f"Best trial of sweep {escaped(sweep)} (trial {finalist.trial})"
    uri_text, is_ensemble = json.dumps(uri, ensure_ascii=False), False
    if combined := finalist.combined:
        what += f", {combined['way']} of {combined['n_members']} seeds"
        is_ensemble = combined["way"] == "ensemble"
    native = ENSEMBLE_USE if is_ensemble else PIPELINE_USE
    return f"""{what}, on {finalist.test_rows:,} test rows.

{scores}
- majority-class accuracy: {finalist.majority_accuracy:.4f}
- texts are truncated to {length} tokens{limits}

From the command line:

    finesweep predict --model {shlex.quote(uri)} "a text"

{native.format(uri=uri_text, length=length)}"""


def _model_note(sweep: str, alias: str) -> str:
    """The registered model's description: where its versions come from, and their aliases."""
    return (
        f"Text classifiers found by finesweep, at first by sweep {escaped(sweep)}. `{alias}` is the"
        f" newest winner; `champion` is the version that passed `finesweep promote`. Each version's"
        f" description is its model card.\n"
    )
