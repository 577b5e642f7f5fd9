"""Registers the winner of a sweep as a version of a registered model."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_ALREADY_EXISTS, ErrorCode

from finesweep.pairs import join_pair
from finesweep.records import Finalist
from finesweep.registry.records import Registered
from finesweep.registry.versions.queries import MISSING, versions_of
from finesweep.tracking.models.caveats import caveat
from finesweep.tracking.pages.notes import escaped, markdown_table

PIPELINE_USE = """\
As a native pipeline, truncated at the length used in training and evaluation:

    import mlflow
    classify = mlflow.transformers.load_model({uri})
    classify([{example}], truncation=True, max_length={length}{top_k})
"""
FINESWEEP_USE = """\
In Python:

    import finesweep
    finesweep.load_model({uri}).predict([{example}])
"""
ENSEMBLE_USE = """\
In Python, without finesweep:

    import mlflow
    mlflow.pyfunc.load_model({uri}).predict([{example}])
"""


def register(client: MlflowClient, finalist: Finalist, *, name: str, alias: str, sweep: str) -> str:
    """Creates the finalist's version and sets the alias on it; returns its number.

    A version that an interrupted call created from the same model is reused.
    """
    _ensure_model(client, name, _model_note(sweep, alias))
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


def register_export(
    client: MlflowClient,
    *,
    name: str,
    run_id: str,
    model_uri: str,
    tags: Mapping[str, str],
    describe: Callable[[str], str],
    alias: str | None,
) -> str:
    """Creates a version for an exported model, and sets the alias on it if there is one; returns
    its number. describe returns the description for the version's URI."""
    _ensure_model(client, name, "Text classifiers exported by finesweep.\n")
    version = client.create_model_version(
        name,
        source=model_uri,
        run_id=run_id,
        model_id=model_uri.removeprefix("models:/"),
        tags=dict(tags),
    )
    number = str(version.version)
    client.update_model_version(name, number, describe(f"models:/{name}/{number}"))
    if alias is not None:
        client.set_registered_model_alias(name, alias, number)
    return number


def _ensure_model(client: MlflowClient, name: str, description: str) -> None:
    """Creates the registered model if there is none. Only a new one gets a description: whatever
    stands there later is its owner's."""
    try:
        client.create_registered_model(name, description=description)
    except MlflowException as error:
        if error.error_code != ErrorCode.Name(RESOURCE_ALREADY_EXISTS):
            raise


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
    length, pairs, uri = finalist.max_length, finalist.pairs, f"models:/{name}@{alias}"
    what = f"Best trial of sweep {escaped(sweep)} (trial {finalist.trial})"
    if combined := finalist.combined:
        what += f", {combined['way']} of {combined['n_members']} seeds"
    return f"""{what}, on {finalist.test_rows:,} test rows.

{scores}
- majority-class accuracy: {finalist.majority_accuracy:.4f}
- texts are truncated to {length} tokens{limits}

From the command line:

    finesweep predict --model {shlex.quote(uri)} {'"a text" "another"' if pairs else '"a text"'}

{_in_python(finalist, uri)}"""


def _in_python(finalist: Finalist, uri: str) -> str:
    """How to call the model in Python: without finesweep, if that predicts the same."""
    name = json.dumps(uri, ensure_ascii=False)
    example = '{"text": "a text", "text_pair": "another"}' if finalist.pairs else '"a text"'
    if own := caveat(pooling=finalist.pooling, clean=finalist.clean):
        joined = f'"{join_pair("a text", "another")}"' if finalist.pairs else example
        return f"{FINESWEEP_USE.format(uri=name, example=joined)}\n{own}"
    if finalist.combined is not None and finalist.combined["way"] == "ensemble":
        return ENSEMBLE_USE.format(uri=name, example=example)
    top_k = ", top_k=None" if finalist.multi_label else ""
    length = finalist.max_length
    return PIPELINE_USE.format(uri=name, example=example, length=length, top_k=top_k)


def _model_note(sweep: str, alias: str) -> str:
    """The registered model's description: where its versions come from, and their aliases."""
    return (
        f"Text classifiers found by finesweep, at first by sweep {escaped(sweep)}. `{alias}` is the"
        f" newest winner; `champion` is the version that passed `finesweep promote`. Each version's"
        f" description is its model card.\n"
    )
