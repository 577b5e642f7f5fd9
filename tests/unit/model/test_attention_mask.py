"""Masks from known padding equal Transformers' own, which reads the padding."""

from __future__ import annotations

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import AttentionMaskInterface, BertConfig, BertModel, ModernBertConfig
from transformers.masking_utils import create_bidirectional_mask, sdpa_mask

from finesweep.model import known_padding, quick_dropout

LENGTHS = {"padded": [5, 3, 1], "whole": [5, 5, 5]}


class Reads(TorchDispatchMode):
    """Counts the tensors whose value Python reads."""

    n = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        self.n += func is torch.ops.aten._local_scalar_dense.default
        return func(*args, **(kwargs or {}))


def mask_of(lengths: list[int]) -> torch.Tensor:
    return (torch.arange(5) < torch.tensor(lengths)[:, None]).long()


def made(mask: torch.Tensor) -> torch.Tensor | None:
    config = BertConfig(hidden_size=8, num_attention_heads=2)
    config._attn_implementation = "sdpa"
    result: torch.Tensor | None = create_bidirectional_mask(
        config=config, inputs_embeds=torch.zeros(*mask.shape, 8), attention_mask=mask
    )
    return result


def same(one: torch.Tensor | None, other: torch.Tensor | None) -> bool:
    return one is other if one is None or other is None else torch.equal(one, other)


@pytest.mark.parametrize("name", LENGTHS)
def test_a_mask_from_known_padding_is_the_same_and_nothing_is_read(name: str) -> None:
    mask = mask_of(LENGTHS[name])
    with Reads() as reading:
        wanted = made(mask)
    with known_padding(mask.shape, is_padded=name == "padded"), Reads() as reads:
        given = made(mask)
    assert (reading.n, reads.n) == (1, 0)
    assert same(wanted, given)
    assert (given is None) is (name == "whole")


def test_the_mask_of_other_rows_is_read_as_before() -> None:
    some = mask_of([5, 5])
    with known_padding(torch.Size([3, 5]), is_padded=True), Reads() as reads:
        assert made(some) is None
    assert reads.n == 1


@pytest.mark.parametrize("name", LENGTHS)
@pytest.mark.parametrize("dropout", [True, False])
def test_a_models_outputs_are_equal_to_the_bit(name: str, dropout: bool) -> None:
    torch.manual_seed(0)
    model = BertModel(
        BertConfig(
            vocab_size=20, hidden_size=8, num_hidden_layers=2, num_attention_heads=2,
            intermediate_size=16,
        )
    ).train(dropout)  # fmt: skip
    mask = mask_of(LENGTHS[name])
    inputs = {"input_ids": torch.randint(0, 20, (3, 5)), "attention_mask": mask}

    def outputs() -> torch.Tensor:
        torch.manual_seed(1)
        with quick_dropout(model), torch.no_grad():
            states: torch.Tensor = model(**inputs).last_hidden_state
        return states

    wanted = outputs()
    with known_padding(mask.shape, is_padded=name == "padded"):
        assert torch.equal(outputs(), wanted)


@pytest.mark.parametrize("local", [3, 9])
@pytest.mark.parametrize("name", LENGTHS)
def test_local_attention_has_its_masks(name: str, local: int) -> None:
    from transformers.models.modernbert.modeling_modernbert import ModernBertModel

    config = ModernBertConfig(
        vocab_size=20, hidden_size=8, intermediate_size=16, num_hidden_layers=3,
        num_attention_heads=2, local_attention=local, pad_token_id=0,
    )  # fmt: skip
    config._attn_implementation = "sdpa"
    torch.manual_seed(0)
    model = ModernBertModel(config).eval()
    mask = mask_of(LENGTHS[name])
    inputs = {"input_ids": torch.randint(1, 20, (3, 5)), "attention_mask": mask}
    with torch.no_grad():
        wanted = model(**inputs).last_hidden_state
        with known_padding(mask.shape, is_padded=name == "padded"):
            assert torch.equal(model(**inputs).last_hidden_state, wanted)


def test_nothing_stays_behind_also_after_an_error() -> None:
    assert AttentionMaskInterface()["sdpa"] is sdpa_mask
    with (
        pytest.raises(ValueError, match=r"^no$"),
        known_padding(torch.Size([1, 1]), is_padded=True),
    ):
        raise ValueError("no")
    assert AttentionMaskInterface()["sdpa"] is sdpa_mask
