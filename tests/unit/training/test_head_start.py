"""The head fitted before the encoder moves."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import torch

from tagger.models.network import SentenceNetwork, collate, load_encoder
from tagger.models.tokenization import PieceTokenizer
from tagger.training.batch_plan import Inputs, read_inputs
from tagger.training.head_start import fit_head

_AROUND = ("民警{}上街。", "大队组织{}工作。", "节日期间{}，确保平安。", "在学校门前{}。", "{}三十台次。")
_TEXTS = [text.format(word) for text in _AROUND for word in ("查处酒驾", "发放宣传单")] * 4
#: The first domain is in every second text, the second in none, the third in all.
_Y_TRUE = np.array([[1, 0, 1], [0, 0, 1]] * (len(_TEXTS) // 2), dtype=np.int8)


@pytest.fixture
def network(tiny_encoder_folder: Path) -> SentenceNetwork:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return SentenceNetwork(load_encoder(tiny_encoder_folder), 3)


@pytest.fixture
def inputs(tiny_encoder_folder: Path) -> Inputs:
    return read_inputs(_TEXTS, PieceTokenizer.load(tiny_encoder_folder, 64))


_PLAN = [list(range(start, start + 8)) for start in range(0, len(_TEXTS), 8)]


def _fit(network: SentenceNetwork, inputs: Inputs, *, n_sentences: int = 1000, bf16: bool = False) -> np.ndarray:
    """Logits of all texts after the fit."""
    fit_head(network, inputs, _Y_TRUE, _PLAN, n_sentences=n_sentences, pad=1, bf16=bf16)
    with torch.inference_mode():
        return network.eval()(*collate(inputs.ids, 1)).numpy()


@pytest.mark.parametrize("bf16", [False, True])
def test_it_tells_two_keywords_apart(network: SentenceNetwork, inputs: Inputs, bf16: bool) -> None:
    logits = _fit(network, inputs, bf16=bf16)[:, 0]
    present, absent = logits[_Y_TRUE[:, 0] == 1], logits[_Y_TRUE[:, 0] == 0]
    assert np.mean(present[:, None] > absent) > 0.95
    assert np.mean((logits > 0) == _Y_TRUE[:, 0]) > 0.9


def test_a_domain_of_one_kind_starts_from_its_share(network: SentenceNetwork, inputs: Inputs) -> None:
    logits = _fit(network, inputs)
    limit = np.log(0.001 / 0.999)
    np.testing.assert_allclose(logits[:, 1], limit, rtol=1e-5)
    np.testing.assert_allclose(logits[:, 2], -limit, rtol=1e-5)


def test_hidden_states_are_told_apart_from_their_mean(network: SentenceNetwork, inputs: Inputs) -> None:
    _fit(network, inputs)
    with torch.inference_mode():
        means = network.embed(*collate(inputs.ids, 1)).numpy()
    np.testing.assert_allclose(network.head.mean, means.mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(network.head.scale, means.std(axis=0), atol=1e-5)


def test_the_encoder_stays_as_it_is(network: SentenceNetwork, inputs: Inputs) -> None:
    before = copy.deepcopy(network.encoder.state_dict())
    _fit(network, inputs)
    for name, weights in network.encoder.state_dict().items():
        assert torch.equal(weights, before[name]), name


def test_only_the_first_sentences_are_read(network: SentenceNetwork, inputs: Inputs) -> None:
    _fit(network, inputs, n_sentences=10)
    with torch.inference_mode():
        means = network.embed(*collate(inputs.ids[:16], 1)).numpy()  # whole batches, 10 at least
    np.testing.assert_allclose(network.head.mean, means.mean(axis=0), atol=1e-5)
