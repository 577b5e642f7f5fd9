"""Loading a classifier from the registry, a run or a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mlflow
from mlflow.models import Model, get_model_info
from mlflow.models.model import MLMODEL_FILE_NAME

from finesweep.errors import first_line
from finesweep.pairs import join_pair
from finesweep.prediction.classifier import Classifier, LoadedModel
from finesweep.prediction.files import find_model, found_or_refused
from finesweep.prediction.onnx_classifier import (
    CONFIG_FILE,
    MODEL_FILE,
    OnnxClassifier,
    is_onnx_folder,
)
from finesweep.records import ANSWERING_KEY, DecisionRule

NO_LIMIT = 10**9
"""From here on a tokenizer's limit is none: transformers writes 1e30."""
DEFAULT_LENGTH = 512
"""Tokens that a model reads of which neither tokenizer nor config tells a limit."""


def load_classifier(uri: str, *, tracking_uri: str, field: str = "--model") -> Classifier:
    """The classifier at models:/NAME@ALIAS, models:/NAME/1, runs:/ID/model or in a folder.

    ConfigError, naming field, when there is none.
    """
    if _is_plain(uri):
        with found_or_refused(uri, field=field):
            return _loaded(Path(uri), _pipeline(Path(uri)))
    files = find_model(uri, tracking_uri=tracking_uri, field=field)
    with found_or_refused(uri, field=field):
        if is_onnx_folder(files.weights):
            return _loaded(files.folder, _onnx(files.weights))
        if files.members:
            return _loaded(files.folder, _ensemble(files.members), files.max_length)
        pipeline = mlflow.transformers.load_model(str(files.folder))
        return _loaded(files.folder, pipeline, files.max_length)


def load_folder(folder: Path) -> Classifier:
    """The classifier in a folder that transformers saved, or an ONNX one; ConfigError when there is
    none."""
    with found_or_refused(str(folder), field="MODEL"):
        return _loaded(folder, _pipeline(folder))


def run_id_of(uri: str) -> str | None:
    """The run that logged the model at uri, which load_classifier has loaded; None for a folder
    without one."""
    if _is_plain(uri):
        return None
    run_id = get_model_info(uri).run_id
    return None if run_id is None else str(run_id)


def _is_plain(uri: str) -> bool:
    """Whether uri is a folder that transformers saved, or an ONNX one, and not one of MLflow's."""
    folder = Path(uri)
    return (folder / CONFIG_FILE).is_file() and not (folder / MLMODEL_FILE_NAME).exists()


def _loaded(folder: Path, pipeline: Any, max_length: int | None = None) -> Classifier:
    """The classifier of a pipeline, or of an OnnxClassifier, with the examples in folder."""
    if isinstance(pipeline, OnnxClassifier):
        fields, max_length = pipeline.config.get(ANSWERING_KEY, {}), pipeline.max_length
    else:
        from finesweep.model import Ensemble
        from finesweep.model.settings.pooling import apply_pooling

        if not isinstance(pipeline.model, Ensemble):  # whose members are pooled each
            apply_pooling(pipeline.model)
        fields = getattr(pipeline.model.config, ANSWERING_KEY, {})
        max_length = max_length or _max_length(pipeline, recorded=bool(fields))
    rule = DecisionRule(**fields)
    logged = (folder / MLMODEL_FILE_NAME).exists()
    examples = Model.load(str(folder)).load_input_example(str(folder)) if logged else None
    texts = () if examples is None else _texts(examples, pairs=rule.pairs)
    return Classifier(pipeline, int(max_length), rule, texts).with_thresholds()


def _max_length(pipeline: Any, *, recorded: bool) -> int:
    """The tokenizer's limit if finesweep recorded it there; else what the model can read, up to the
    tokenizer's limit, or the config's if the tokenizer has none."""
    from finesweep.model.capabilities.longest import readable_length

    model, tokenizer = pipeline.model, pipeline.tokenizer
    limit = tokenizer.model_max_length
    if limit >= NO_LIMIT:
        # XLNet's is -1.
        places = getattr(model.config.get_text_config(), "max_position_embeddings", None) or 0
        limit = places if places > 0 else DEFAULT_LENGTH
    elif recorded:
        return int(limit)
    return readable_length(model, tokenizer, stated=int(limit))


def _pipeline(folder: Path) -> Any:
    """The pipeline, or the OnnxClassifier, of a folder without MLflow's files; ValueError when it
    has no classifier."""
    if is_onnx_folder(folder):
        return _onnx(folder)
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

    model, info = AutoModelForSequenceClassification.from_pretrained(
        folder, use_safetensors=True, output_loading_info=True
    )
    if info["missing_keys"]:
        # transformers would initialise them at random.
        names = ", ".join(sorted(info["missing_keys"])[:2])
        raise ValueError(f"is not a trained classifier: it has no weights for {names}")
    return pipeline(
        "text-classification", model=model.eval(), tokenizer=AutoTokenizer.from_pretrained(folder)
    )


def _ensemble(folders: Sequence[Path]) -> LoadedModel:
    from finesweep.model import Ensemble, load_trained

    members, tokenizers = zip(*map(load_trained, folders), strict=True)
    return LoadedModel(Ensemble(members), tokenizers[0])


def _onnx(folder: Path) -> OnnxClassifier:
    """ImportError with the command that installs what it needs; ValueError when it is broken."""
    try:
        return OnnxClassifier(folder)
    except ModuleNotFoundError as error:
        hint = "pip install 'finesweep[onnx]'"
        raise ImportError(f"is an ONNX model and needs {error.name}: {hint}") from error
    except RuntimeError as error:  # ONNX Runtime's own errors
        raise ValueError(f"its {MODEL_FILE} cannot be read: {first_line(error)}") from error


def _texts(examples: Any, *, pairs: bool) -> tuple[str, ...]:
    """The texts of an input example written by `log_classifier`."""
    if not pairs:
        return tuple(map(str, examples))
    return tuple(join_pair(each["text"], each["text_pair"]) for each in examples)
