"""A model that answers, from the registry, a run or a folder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from finesweep.api.caller import caller_kept, without_bars
from finesweep.api.model_uri import check_model_uri
from finesweep.config import compose

if TYPE_CHECKING:
    from finesweep.prediction import Classifier


@caller_kept()
def load_model(uri: str, overrides: Sequence[str] = ()) -> Classifier:
    """A model with its labels, its calibration and its threshold.

    Args:
        uri: models:/NAME@ALIAS, models:/NAME/VERSION, runs:/RUN_ID/model or a folder.
        overrides: Hydra overrides of tracking.…, such as tracking.uri=…

    Returns:
        A Classifier, whose `predict` takes N texts and answers N records in their order: label,
        probability in [0, 1], probabilities by label, and whether the model is sure.

    Raises:
        ConfigError: There is no such model or no store.

    Example:
        >>> model = finesweep.load_model("models:/tweets-sentiment@challenger")
        >>> [prediction.label for prediction in model.predict(["what a day"])]
    """
    tracking = compose(overrides).config.tracking
    check_model_uri(uri, tracking_uri=tracking.uri, field="uri")

    from finesweep.prediction import load_classifier

    with without_bars():
        return load_classifier(uri, tracking_uri=tracking.uri, field="uri")
