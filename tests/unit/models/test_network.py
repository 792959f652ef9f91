"""The network: its head, its padding, its layers, and building it from settings and weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tagger.models.bert import BertClassifier
from tagger.models.network import DomainHead, SentenceNetwork, build_network, collate, load_encoder

_INPUTS = [[0, 20, 21, 22, 2], [0, 30, 2], [0, *range(10, 40), 2]]


@pytest.fixture
def network(make_tiny_bert: Callable[[], BertClassifier]) -> SentenceNetwork:
    return make_tiny_bert().network


def _logits(network: SentenceNetwork, inputs: list[list[int]]) -> torch.Tensor:
    with torch.inference_mode():
        return network(*collate(inputs, 1))


def _train_head(network: SentenceNetwork) -> None:
    """Weights by chance in place of the zeros, so that pieces are listened to unlike."""
    generator = torch.Generator().manual_seed(3)
    for parameter in network.head.parameters():
        parameter.data.copy_(torch.randn(parameter.shape, generator=generator))


def test_before_training_the_head_is_linear_in_the_mean_over_pieces(network: SentenceNetwork) -> None:
    head = network.head
    head.mean.copy_(torch.linspace(-1, 1, 32))
    head.scale.copy_(torch.linspace(0.5, 2, 32))
    with torch.inference_mode():
        means = network.embed(*collate(_INPUTS, 1))
        expected = head.value((means - head.mean) / head.scale)
    torch.testing.assert_close(_logits(network, _INPUTS), expected, atol=1e-5, rtol=0)


def test_a_trained_head_listens_to_the_pieces_that_speak_up() -> None:
    head = DomainHead(2, 1, dropout=0.0)
    head.value.weight.data = torch.tensor([[1.0, 0.0]])
    head.attention.weight.data = torch.tensor([[0.0, 1.0]])
    hidden = torch.tensor([[[3.0, 0.0], [5.0, 2.0]]])
    shares = torch.softmax(torch.tensor([0.0, 2.0]), dim=0)
    torch.testing.assert_close(head(hidden)[0, 0], 3 * shares[0] + 5 * shares[1])


def test_padding_changes_no_logit(network: SentenceNetwork) -> None:
    _train_head(network)
    together = _logits(network, _INPUTS)
    alone = torch.cat([_logits(network, [ids]) for ids in _INPUTS])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)
    assert (together[0] - together[1]).abs().max() > 1e-3, "all inputs score alike: nothing is compared"


def test_the_mean_is_over_the_pieces_that_are_there(network: SentenceNetwork) -> None:
    with torch.inference_mode():
        ids, mask = collate(_INPUTS, 1)
        hidden = network.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        means = network.embed(ids, mask)
    for row, inputs in enumerate(_INPUTS):
        torch.testing.assert_close(means[row], hidden[row, : len(inputs)].mean(dim=0), atol=1e-6, rtol=0)


def test_inputs_side_by_side_are_filled_up() -> None:
    ids, mask = collate([[0, 7, 2], [0, 2]], 1)
    assert ids.tolist() == [[0, 7, 2], [0, 2, 1]]
    assert mask.tolist() == [[1, 1, 1], [1, 1, 0]]
    assert ids.dtype == mask.dtype == torch.int64


def test_dropout_acts_in_training_alone(network: SentenceNetwork) -> None:
    assert torch.equal(_logits(network, _INPUTS), _logits(network, _INPUTS))
    network.train()
    assert not torch.equal(_logits(network, _INPUTS), _logits(network, _INPUTS))


def test_an_encoder_has_no_dropout_of_its_own(tiny_encoder_folder: Path) -> None:
    encoder = load_encoder(tiny_encoder_folder)
    config = encoder.config
    assert (config.hidden_dropout_prob, config.attention_probs_dropout_prob) == (0.0, 0.0)
    assert config._attn_implementation == "sdpa"


def test_some_layers_are_kept_in_the_order_given(network: SentenceNetwork) -> None:
    first, second = network.encoder.encoder.layer
    network.keep_layers([1, 0])
    assert list(network.encoder.encoder.layer) == [second, first]
    network.keep_layers([1])
    assert list(network.encoder.encoder.layer) == [first]
    assert network.architecture()["num_hidden_layers"] == 1


@pytest.mark.parametrize("layers", [None, [1]])
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_settings_and_weights_make_the_same_network(
    network: SentenceNetwork, layers: list[int] | None, attention: str
) -> None:
    _train_head(network)
    network.head.mean.fill_(0.25)
    if layers:
        network.keep_layers(layers)
    again = build_network(network.architecture(), network.state_dict(), attention=attention)
    assert again.architecture() == network.architecture()
    assert not again.training
    torch.testing.assert_close(_logits(again, _INPUTS), _logits(network, _INPUTS), atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", ["n_domains", "vocab_size", "hidden_size", "intermediate_size",
                                  "max_position_embeddings", "type_vocab_size", "num_hidden_layers"])  # fmt: skip
@pytest.mark.parametrize("factor", [2, 10**8])
def test_weights_of_other_shapes_are_refused(network: SentenceNetwork, name: str, factor: int) -> None:
    architecture = network.architecture()
    architecture[name] *= factor
    with pytest.raises((ValueError, RuntimeError)):
        build_network(architecture, network.state_dict())


@pytest.mark.parametrize("change", [{"head.value.bias": None}, {"head.more": torch.zeros(3)}], ids=["missing", "more"])
def test_other_weights_are_refused(network: SentenceNetwork, change: dict[str, torch.Tensor | None]) -> None:
    weights = {k: v for k, v in {**network.state_dict(), **change}.items() if v is not None}
    with pytest.raises(RuntimeError, match=r"head\."):
        build_network(network.architecture(), weights)


@pytest.mark.parametrize("name", ["n_domains", "vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads",
                                  "layer_norm_eps", "hidden_act"])  # fmt: skip
@pytest.mark.parametrize(
    "value", ["x", None, -1, 10**30, float("inf"), float("nan"), [], {}, True], ids=lambda value: repr(value)
)
def test_settings_that_are_none_are_refused(network: SentenceNetwork, name: str, value: Any) -> None:
    with pytest.raises((ValueError, TypeError, KeyError, RuntimeError)):
        build_network({**network.architecture(), name: value}, network.state_dict())


@pytest.mark.parametrize(
    "change",
    [{"num_attention_heads": 5}, {"num_attention_heads": 0}, {"hidden_size": 0}, {"pad_token_id": 10**6},
     {"pad_token_id": "x"}, {"pad_token_id": -1}, {"pad_token_id": True}],
    ids=str,
)  # fmt: skip
def test_settings_that_do_not_fit_each_other_are_refused(network: SentenceNetwork, change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(change)) + "|heads|padding piece"):
        build_network({**network.architecture(), **change}, network.state_dict())


def test_a_setting_that_is_missing_is_told(network: SentenceNetwork) -> None:
    architecture = network.architecture()
    del architecture["hidden_size"]
    with pytest.raises(KeyError, match="hidden_size"):
        build_network(architecture, network.state_dict())
