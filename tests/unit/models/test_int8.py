"""Rounding to 8 bits: steps, range, and what is saved on the inputs that a layer gets."""

from __future__ import annotations

import numpy as np
import pytest

from tagger.models.int8 import round_weights, scale_rows


@pytest.fixture
def weight() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((24, 32)).astype(np.float32)


@pytest.fixture
def inputs() -> np.ndarray:
    """Inputs whose channels go together, as those of a network do."""
    rng = np.random.default_rng(1)
    return (rng.standard_normal((400, 6)) @ rng.standard_normal((6, 32)) + 0.1 * rng.standard_normal((400, 32))).astype(
        np.float32
    )


def test_a_rows_step_brings_its_largest_weight_to_the_end_of_the_range(weight: np.ndarray) -> None:
    weight[3] = 0
    scales = scale_rows(weight)
    assert (scales.dtype, scales[3]) == (np.float32, 1.0)
    largest = np.abs(weight / scales[:, None]).max(axis=1)
    assert np.allclose(np.delete(largest, 3), 127)


def test_weights_that_are_multiples_of_the_step_are_kept(inputs: np.ndarray) -> None:
    whole = np.random.default_rng(2).integers(-127, 128, (5, 32))
    whole[:, 0] = 127
    rounded = round_weights(whole * np.float32(0.5), np.full(5, 0.5, np.float32), inputs.T @ inputs)
    assert rounded.dtype == np.int8
    assert np.array_equal(rounded, whole)


def test_rounding_for_the_inputs_loses_less_on_them_than_rounding_to_the_nearest(
    weight: np.ndarray, inputs: np.ndarray
) -> None:
    scales = scale_rows(weight)

    def lost(rounded: np.ndarray) -> float:
        return float(np.square(inputs @ (rounded * scales[:, None] - weight).T).mean())

    assert lost(round_weights(weight, scales, inputs.T @ inputs)) < 0.3 * lost(np.rint(weight / scales[:, None]))


def test_channels_that_are_never_used_do_not_matter(weight: np.ndarray, inputs: np.ndarray) -> None:
    inputs[:, :16] = 0
    scales = scale_rows(weight)
    rounded = round_weights(weight, scales, inputs.T @ inputs)
    assert np.array_equal(rounded[:, :16], np.rint(weight / scales[:, None])[:, :16])
    assert np.array_equal(round_weights(weight, scales, np.zeros((32, 32))), np.rint(weight / scales[:, None]))
