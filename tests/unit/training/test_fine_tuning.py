"""Fine-tuning the tiny encoder: it learns, goes on where it was cut off, and stops in time."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tagger.corpus.examples import Examples
from tagger.errors import TrainingError
from tagger.models.network import SentenceNetwork, collate, load_encoder
from tagger.models.tokenization import PieceTokenizer
from tagger.training import fine_tuning
from tagger.training.batch_plan import Inputs, plan_batches, read_inputs
from tagger.training.distillation import Teaching, read_teacher
from tagger.training.fine_tuning import Evaluate, Run, Targets, fine_tune, last_checkpoint
from tagger.training.losses import multilabel_loss
from tagger.training.model_config import FineTuningConfig

_CONFIG = FineTuningConfig(precision="fp32", epochs=4, learning_rate=1e-2, head_rate=5.0, batch_pieces=200)


class Cut(Exception):
    """A run that is cut off."""


@pytest.fixture(scope="module")
def inputs(tiny_encoder_folder: Path, examples: Examples) -> Inputs:
    return read_inputs([text.text for text in examples.texts], PieceTokenizer.load(tiny_encoder_folder, 64))


@pytest.fixture(scope="module")
def make_network(tiny_encoder_folder: Path) -> Callable[[], SentenceNetwork]:
    """Makes untrained networks, always the same."""

    def make() -> SentenceNetwork:
        with torch.random.fork_rng():
            torch.manual_seed(1)
            return SentenceNetwork(load_encoder(tiny_encoder_folder), 3, dropout=0.1)

    return make


@pytest.fixture
def train(
    inputs: Inputs, examples: Examples, make_network: Callable[[], SentenceNetwork], tmp_path: Path
) -> Callable[..., SentenceNetwork]:
    """Fine-tunes a network in a folder, the same one by default."""

    def train(
        *, folder: Path = tmp_path / "run", evaluate: Evaluate | None = None, y_true: np.ndarray = examples.y_true,
        teacher: Teaching | None = None, network: SentenceNetwork | None = None,
        plan: list[list[int]] | None = None, **settings: Any,
    ) -> SentenceNetwork:  # fmt: skip
        config = dataclasses.replace(_CONFIG, **settings)
        plan = plan or _plan(inputs, config)
        run = Run("test", folder, seed=1, pad=1, evaluate=evaluate)
        return fine_tune(
            network or make_network(), inputs, Targets(y_true, teacher), plan, config=config, run=run
        )  # fmt: skip

    return train


def _plan(inputs: Inputs, config: FineTuningConfig) -> list[list[int]]:
    lengths = [len(ids) for ids in inputs.ids]
    return plan_batches(lengths, n_epochs=config.epochs, budget=config.batch_pieces, rng=np.random.default_rng(1))


def _logits(network: SentenceNetwork, inputs: Inputs) -> np.ndarray:
    with torch.inference_mode():
        return network.eval()(*collate(inputs.ids, 1)).numpy()


def _f1(network: SentenceNetwork, inputs: Inputs, y_true: np.ndarray) -> float:
    y_pred = _logits(network, inputs) > 0
    return float(2 * (y_pred & (y_true == 1)).sum() / max(y_pred.sum() + y_true.sum(), 1))


def _assert_equal(one: SentenceNetwork, other: SentenceNetwork) -> None:
    for name, weights in one.state_dict().items():
        torch.testing.assert_close(other.state_dict()[name], weights, atol=1e-6, rtol=0, msg=name)


def _cut_after(n_calls: int, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let the loss be worked out so many times, then cut the run off; what is returned counts on."""
    calls: list[int] = []

    def loss(*args: Any, **kwargs: Any) -> torch.Tensor:
        calls.append(len(calls))
        if len(calls) == n_calls:
            raise Cut
        return multilabel_loss(*args, **kwargs)

    monkeypatch.setattr(fine_tuning, "multilabel_loss", loss)
    return calls


def test_it_learns_its_sentences(
    train: Callable[..., SentenceNetwork], make_network: Callable[[], SentenceNetwork], inputs: Inputs,
    examples: Examples,
) -> None:  # fmt: skip
    trained = train(epochs=12)
    assert not trained.training
    assert _f1(make_network(), inputs, examples.y_true) < 0.6
    assert _f1(trained, inputs, examples.y_true) > 0.85


@pytest.mark.parametrize(
    "settings",
    [{"loss": "focal"}, {"loss": "asymmetric"}, {"r_drop": 0.5}, {"accumulate": 2}, {"positive_weight": 2.0}],
    ids=str,
)
def test_every_way_of_training_learns(
    train: Callable[..., SentenceNetwork], inputs: Inputs, examples: Examples, settings: dict[str, Any]
) -> None:
    assert _f1(train(epochs=10, **settings), inputs, examples.y_true) > 0.7


def test_the_same_seed_gives_the_same_network(train: Callable[..., SentenceNetwork], tmp_path: Path) -> None:
    _assert_equal(train(folder=tmp_path / "one"), train(folder=tmp_path / "other"))


def test_embeddings_stay_as_they_are_if_frozen(
    train: Callable[..., SentenceNetwork], make_network: Callable[[], SentenceNetwork], tmp_path: Path
) -> None:
    before = make_network().encoder.embeddings.word_embeddings.weight
    after = [
        train(folder=tmp_path / str(is_frozen), freeze_embeddings=is_frozen, epochs=1)
        for is_frozen in (True, False)
    ]  # fmt: skip
    frozen, free = (network.encoder.embeddings.word_embeddings.weight for network in after)
    assert torch.equal(frozen, before)
    assert not torch.equal(free, before)


def test_a_pupil_follows_its_teacher_where_labels_say_otherwise(
    train: Callable[..., SentenceNetwork], inputs: Inputs, examples: Examples
) -> None:
    said = np.roll(examples.y_true, 1, axis=1)  # of each domain what is true of another
    logits = np.where(said == 1, 5.0, -5.0).astype(np.float32)[inputs.rows]
    network = train(teacher=Teaching(torch.from_numpy(logits)), teacher_weight=1.0, epochs=12)
    assert _f1(network, inputs, said) > 0.8
    assert _f1(network, inputs, examples.y_true) < 0.5


def test_a_pupil_comes_to_read_as_its_teacher_reads(
    train: Callable[..., SentenceNetwork], make_network: Callable[[], SentenceNetwork], inputs: Inputs, tmp_path: Path
) -> None:
    teacher = train(epochs=3)
    taught = read_teacher(teacher, inputs.ids, 1, with_hidden=True)

    def pupil(name: str, **settings: Any) -> float:
        network = make_network()
        network.load_state_dict(teacher.state_dict())
        network.keep_layers([1])
        if settings:
            network = train(folder=tmp_path / name, network=network, epochs=6, teacher_weight=1.0, **settings)
        return _distance(read_teacher(network, inputs.ids, 1, with_hidden=True), taught)

    untaught = pupil("untaught")
    assert pupil("both", teacher=taught, hidden_weight=1.0) < 0.5 * untaught
    assert pupil("scores", teacher=replace(taught, hidden=None)) > 0.7 * untaught, "scores alone do not do it"


def _distance(found: Teaching, taught: Teaching) -> float:
    pairs = zip(found.hidden, taught.hidden, strict=True)
    return float(sum((a.float() - b.float()).square().sum() for a, b in pairs))


def test_a_teacher_reads_each_input_as_if_alone(make_network: Callable[[], SentenceNetwork], inputs: Inputs) -> None:
    network = make_network().eval()
    taught = read_teacher(network, inputs.ids, 1, with_hidden=True)
    for number, ids in enumerate(inputs.ids):
        logits, hidden = network(torch.tensor([ids]), with_hidden=True)
        torch.testing.assert_close(taught.logits[number], logits[0].detach(), atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(taught.hidden[number].float(), hidden[0].detach(), atol=0.03, rtol=0.02)
    told = taught.take([2, 0])
    assert told["hidden"].shape[:2] == (2, max(len(inputs.ids[n]) for n in (2, 0)))
    assert read_teacher(network, inputs.ids, 1, with_hidden=False).hidden is None


def test_a_step_of_several_batches_goes_by_the_mean_of_their_losses(
    train: Callable[..., SentenceNetwork], make_network: Callable[[], SentenceNetwork], inputs: Inputs,
    examples: Examples,
) -> None:  # fmt: skip
    plan = [[0, 1, 2], [3, 4, 5]]
    gradients: list[torch.Tensor] = []
    network = make_network()
    network.head.dropout.p = 0.0
    expected = _gradient(network, inputs, examples, plan)
    network.head.value.weight.register_hook(gradients.append)
    train(network=network, plan=plan, accumulate=2, epochs=1)
    assert len(gradients) == 2
    torch.testing.assert_close(sum(gradients), expected, atol=1e-6, rtol=1e-4)


def _gradient(
    network: SentenceNetwork, inputs: Inputs, examples: Examples, plan: list[list[int]]
) -> torch.Tensor:  # fmt: skip
    losses = [
        multilabel_loss(
            network(*collate([inputs.ids[i] for i in batch], 1)),
            torch.from_numpy(examples.y_true[inputs.rows[batch]]).float(), name="bce",
        )
        for batch in plan
    ]  # fmt: skip
    [gradient] = torch.autograd.grad(sum(losses) / len(losses), [network.head.value.weight])
    return gradient


@pytest.mark.parametrize("settings", [{}, {"accumulate": 2}], ids=str)
def test_a_run_that_was_cut_off_ends_like_one_that_was_not(
    train: Callable[..., SentenceNetwork], inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, Any],
) -> None:  # fmt: skip
    whole = train(folder=tmp_path / "whole", **settings)
    n_batches = len(_plan(inputs, _CONFIG))
    calls = _cut_after(n_batches * 3 // 4, monkeypatch)
    with pytest.raises(Cut):
        train(**settings)
    n_cut = len(calls)
    again = train(**settings)
    assert n_cut + n_batches // 2 > len(calls), "it began anew"
    assert len(calls) > n_batches
    _assert_equal(again, whole)


def test_a_checkpoint_that_was_not_written_whole_is_passed_over(tmp_path: Path) -> None:
    assert last_checkpoint(tmp_path / "nowhere") is None
    for name in ("checkpoint-8", "checkpoint-12", "checkpoint-100"):
        (tmp_path / name).mkdir()
    assert last_checkpoint(tmp_path) is None
    for name in ("checkpoint-8", "checkpoint-12"):
        (tmp_path / name / "trainer_state.json").write_text("{}")
    assert last_checkpoint(tmp_path) == str(tmp_path / "checkpoint-12")


def test_a_loss_that_is_no_number_ends_the_run_and_keeps_its_checkpoint(
    train: Callable[..., SentenceNetwork], inputs: Inputs, examples: Examples, tmp_path: Path
) -> None:
    y_true = examples.y_true.astype(float)
    y_true[-1] = np.nan
    plan = [[batch[0] for _ in batch] for batch in _plan(inputs, _CONFIG)]
    plan = [[number for number in batch if number != len(inputs.ids) - 1] or [0] for batch in plan]
    plan[-1] = [len(inputs.ids) - 1]
    with pytest.raises(TrainingError) as error:
        train(y_true=y_true, plan=plan)
    assert str(error.value).startswith(f"test: the loss is nan at step {len(plan)}. Use a smaller ")
    kept = last_checkpoint(tmp_path / "run")
    assert kept is not None
    assert 0 < json.loads((Path(kept) / "trainer_state.json").read_text())["global_step"] < len(plan)


class Judge:
    """Gives figures one after the other, and keeps the head that each was given for."""

    def __init__(self, *figures: float) -> None:
        self.figures, self.heads = figures, []

    def __call__(self, network: SentenceNetwork) -> dict[str, float]:
        assert not network.training
        self.heads.append(network.head.value.weight.detach().clone())
        return {"f1_macro": self.figures[len(self.heads) - 1], "f1_micro": 0.5}


def test_training_stops_without_a_better_epoch_and_keeps_the_best(train: Callable[..., SentenceNetwork]) -> None:
    judge = Judge(0.6, 0.9, 0.8, 0.7, 0.6, 0.5)
    network = train(evaluate=judge, epochs=6, patience=2)
    assert len(judge.heads) == 4
    assert torch.equal(network.head.value.weight, judge.heads[1])
    assert not torch.equal(judge.heads[1], judge.heads[3])


def test_training_goes_on_while_epochs_get_better(train: Callable[..., SentenceNetwork]) -> None:
    judge = Judge(0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
    network = train(evaluate=judge, patience=1)
    assert len(judge.heads) >= 4
    assert torch.equal(network.head.value.weight, judge.heads[-1])


def test_patience_outlives_a_cut(
    train: Callable[..., SentenceNetwork], inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    falling = (0.9, 0.8, 0.7, 0.6, 0.5, 0.4)
    whole = train(folder=tmp_path / "whole", evaluate=Judge(*falling), epochs=6)
    n_epoch = len(_plan(inputs, _CONFIG)) // _CONFIG.epochs
    _cut_after(n_epoch * 5 // 2, monkeypatch)
    with pytest.raises(Cut):
        train(evaluate=Judge(*falling), epochs=6)
    judge = Judge(*falling[2:])
    again = train(evaluate=judge, epochs=6)
    assert len(judge.heads) == 1, "one epoch without a better one was counted before the cut"
    _assert_equal(again, whole)


def test_lower_layers_learn_more_slowly_and_biases_do_not_decay(make_network: Callable[[], SentenceNetwork]) -> None:
    config = dataclasses.replace(_CONFIG, learning_rate=1.0, layer_decay=0.5, head_rate=3.0, weight_decay=0.1)
    network = make_network()
    rates = {
        id(parameter): (group["lr"], group["weight_decay"])
        for group in fine_tuning._parameter_groups(network, config)
        for parameter in group["params"]
    }
    assert set(rates) == {id(parameter) for parameter in network.parameters()}
    lower, upper = (layer.output.dense for layer in network.encoder.encoder.layer)
    expected = {
        network.head.value: 3.0, upper: 1.0, lower: 0.5, network.encoder.embeddings.word_embeddings: 0.25,
    }  # fmt: skip
    for module, rate in expected.items():
        assert rates[id(module.weight)] == (rate, 0.1)
    assert rates[id(upper.bias)] == (1.0, 0.0)
    assert rates[id(network.encoder.embeddings.LayerNorm.weight)] == (0.25, 0.0)


def test_nothing_is_written_to_standard_output(
    train: Callable[..., SentenceNetwork], capsys: pytest.CaptureFixture[str]
) -> None:
    train(evaluate=Judge(0.1, 0.2, 0.3, 0.4, 0.5, 0.6))
    assert capsys.readouterr().out == ""
