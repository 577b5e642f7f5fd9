"""Loads a model from the registry, a run or a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from finesweep.api.caller import no_library_bars, preserve_caller
from finesweep.api.model_uri import check_model_uri
from finesweep.api.text_lists import checked_texts
from finesweep.config import compose

if TYPE_CHECKING:
    from finesweep.prediction import Classifier


@preserve_caller()
def load_model(uri: str | Path, overrides: Sequence[str] = ()) -> Classifier:
    """Loads a model with its labels, calibration and threshold.

    Args:
        uri: models:/NAME@ALIAS, models:/NAME/VERSION, runs:/RUN_ID/model, or a folder.
        overrides: Hydra overrides of tracking.…, for example tracking.uri=…

    Returns:
        A Classifier. Its `predict` takes N texts and answers N records in their order: label,
        probability in [0, 1], probabilities by label, and whether the model is sure.

    Raises:
        ConfigError: If there is no such model, or no store.

    Example:
        >>> model = finesweep.load_model("models:/tweets-sentiment@challenger")
        >>> [prediction.label for prediction in model.predict(["what a day"])]
    """
    uri, tracking = str(uri), compose(checked_texts(overrides)).config.tracking
    check_model_uri(uri, tracking_uri=tracking.uri, field="uri")

    from finesweep.prediction import load_classifier

    with no_library_bars():
        return load_classifier(uri, tracking_uri=tracking.uri, field="uri")
