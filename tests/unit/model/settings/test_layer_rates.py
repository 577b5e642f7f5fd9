"""Factors of the learning rate by layer."""

from __future__ import annotations

import pytest
from tests.unit.model.settings.conftest import Load

from finesweep.errors import ConfigError
from finesweep.model import anatomy_of, check_layer_decay, layer_factors

pytestmark = pytest.mark.slow
LAYERS = {
    "bert": "bert.encoder.layer.",
    "distilbert": "distilbert.transformer.layer.",
    "roberta": "roberta.encoder.layer.",
    "deberta-v2": "deberta.encoder.layer.",
    "gpt2": "transformer.h.",
}
HEADS = {
    "bert": ("bert.pooler.", "classifier."),
    "distilbert": ("pre_classifier.", "classifier."),
    "roberta": ("classifier.",),
    "deberta-v2": ("pooler.", "classifier."),
    "gpt2": ("transformer.ln_f.", "score."),
}


@pytest.mark.parametrize("kind", LAYERS)
def test_each_layer_has_the_decayed_rate_of_the_one_above(load: Load, kind: str) -> None:
    model, prefix = load(kind), LAYERS[kind]
    factors = layer_factors(anatomy_of(model), 0.5)
    assert factors.keys() == {name for name, _ in model.named_parameters()}
    for name, factor in factors.items():
        if name.startswith(HEADS[kind]):
            expected = 1.0
        elif name.startswith(prefix):
            expected = 0.5 ** (3 - int(name.removeprefix(prefix).partition(".")[0]))
        else:
            expected = 0.5**4  # the embeddings, and relative positions
        assert factor == expected, name


def test_an_encoder_decoder_has_one_row_of_layers(load: Load) -> None:
    factors = layer_factors(anatomy_of(load("bart")), 0.5)
    assert factors["model.decoder.layers.0.fc1.weight"] == 0.5**3
    assert factors["model.encoder.layers.2.fc1.weight"] == 0.5**4
    assert factors["model.encoder.embed_positions.weight"] == 0.5**7


def test_shared_layers_are_refused_and_one_rate_is_not(load: Load) -> None:
    anatomy = anatomy_of(load("albert"))
    message = r"^training\.layer_decay: 0\.9 given; it runs its layers 3 times with the same"
    with pytest.raises(ConfigError, match=message):
        check_layer_decay(anatomy, 0.9, name="it")
    check_layer_decay(anatomy, 1.0, name="it")
