"""Batches: everything once an epoch, within the budget, decided by the seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tagger.models.tokenization import PieceTokenizer
from tagger.training.batch_plan import plan_batches, read_inputs

_LENGTHS = np.random.default_rng(5).integers(3, 120, size=300).tolist()


def _plan(seed: int = 1, n_epochs: int = 3, budget: int = 400) -> list[list[int]]:
    return plan_batches(_LENGTHS, n_epochs=n_epochs, budget=budget, rng=np.random.default_rng(seed))


def _epochs(plan: list[list[int]]) -> list[list[list[int]]]:
    """The batches of each epoch: an epoch is over when every input was read."""
    epochs: list[list[list[int]]] = [[]]
    for batch in plan:
        if sum(map(len, epochs[-1])) == len(_LENGTHS):
            epochs.append([])
        epochs[-1].append(batch)
    return epochs


def test_every_input_comes_once_an_epoch() -> None:
    epochs = _epochs(_plan())
    assert len(epochs) == 3
    for batches in epochs:
        assert sorted(number for batch in batches for number in batch) == list(range(len(_LENGTHS)))


@pytest.mark.parametrize("budget", [130, 400, 1200])
def test_the_budget_holds_with_the_filling(budget: int) -> None:
    for batch in _plan(budget=budget):
        assert max(_LENGTHS[number] for number in batch) * len(batch) <= budget


def test_an_input_beyond_the_budget_is_a_batch_of_its_own() -> None:
    plan = plan_batches([50, 5, 5], n_epochs=1, budget=20, rng=np.random.default_rng(0))
    assert sorted(map(sorted, plan)) == [[0], [1, 2]]


def test_little_is_filled_up() -> None:
    filled = sum(max(_LENGTHS[number] for number in batch) * len(batch) for batch in _plan(n_epochs=1))
    assert sum(_LENGTHS) / filled > 0.8


def test_the_seed_decides() -> None:
    assert _plan(1) == _plan(1)
    assert _plan(1) != _plan(2)


def test_every_epoch_puts_batches_together_anew() -> None:
    first, second, _ = ({frozenset(batch) for batch in epoch} for epoch in _epochs(_plan()))
    assert len(first & second) < len(first) / 2


def test_batches_do_not_come_by_length() -> None:
    longest = [max(_LENGTHS[number] for number in batch) for batch in _plan(n_epochs=1)]
    assert longest != sorted(longest, reverse=True)
    assert abs(np.corrcoef(longest, np.arange(len(longest)))[0, 1]) < 0.5


def test_no_epochs_and_no_inputs_are_no_batches() -> None:
    assert _plan(n_epochs=0) == []
    assert plan_batches([], n_epochs=2, budget=100, rng=np.random.default_rng(0)) == []


def test_windows_of_a_long_sentence_share_its_row(tiny_encoder_folder: Path) -> None:
    tokenizer = PieceTokenizer.load(tiny_encoder_folder, 10)
    texts = ["民警上街。", "民警带领巡防队员徒步巡逻背街小巷。", "禁毒大队。"]
    inputs = read_inputs(texts, tokenizer)
    windows = tokenizer.windows(texts)
    assert inputs.ids == [ids for text in windows for ids in text]
    assert inputs.rows.tolist() == [0, *[1] * len(windows[1]), 2]
    assert len(windows[1]) > 1
