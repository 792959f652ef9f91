"""The gate of retraining: a new model that is not shown to be as good is kept, and told of, and does not serve."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tagger.errors import UsageError
from tagger.models.storage import Model, load_model
from tagger.service.duty import Duty
from tagger.service.plan import Plan
from tagger.service.retraining import Gate, Retrainer
from tagger.service.state import Job, State, read_state

MakeRun = Callable[..., Path]
_COPY = ("sh", "-c", 'cp -r "$0" "$1"')


class _Plans:
    """Retrainings that "train" by copying what lies ready: a run folder with a model in it."""

    def __init__(self) -> None:
        self.ready: list[Path] = []

    def __call__(self, job: Job, folder: Path) -> Plan:
        ready, output = self.ready[job.number - 1], folder / f"v{job.number:04d}"
        pull = (("sh", "-c", 'printf %s "$1" > "$0"', str(folder / "pulled.json"), str(ready)),)
        return Plan(pull, folder / "pulled.json", ((*_COPY, str(ready), str(output)),), output / "model")


@pytest.fixture
def make_ready(tmp_path: Path, make_run: MakeRun, save_words: Callable[..., Model]) -> Callable[..., Path]:
    """A run folder with its model: of good or bad words, its scores out of fold right or wrong."""

    def make(name: str, words: str, *, is_right: bool, n_bulletins: int = 24) -> Path:
        run = make_run(name, range(n_bulletins), is_right=is_right)
        save_words(f"model-{name}", words)
        shutil.copytree(tmp_path / f"model-{name}", run / "model")
        return run

    return make


@pytest.fixture
def plans() -> _Plans:
    return _Plans()


@pytest.fixture
def open_retrainer(tmp_path: Path, plans: _Plans, good: Model) -> Iterator[Callable[..., Retrainer]]:
    """Opens retrainers on one folder, as a service that is restarted: the good words serve at first."""
    opened: list[Retrainer] = []

    def open(*, serving: int | None = None) -> Retrainer:
        for retrainer in opened:
            retrainer.close()
        (tmp_path / "served").mkdir(exist_ok=True)
        retrainer = Retrainer(tmp_path / "served", Duty(good), plans, Gate(str(tmp_path / "good")))
        if serving is not None:
            retrainer.choose(serving)
        retrainer.start()
        retrainer.introduce(3, {})
        opened.append(retrainer)
        return retrainer

    yield open
    for retrainer in opened:
        retrainer.close()


def _retrain(retrainer: Retrainer) -> State:
    number = retrainer.state.n_jobs + 1
    assert retrainer.ask(3) == "started"
    end = time.monotonic() + 300
    while retrainer.state.last.get("number") != number:
        assert time.monotonic() < end
        time.sleep(0.02)
    return retrainer.state


def test_a_worse_model_is_kept_and_told_of_and_does_not_serve(
    open_retrainer: Callable[..., Retrainer], make_ready: Callable[..., Path], plans: _Plans, good: Model,
    tmp_path: Path, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    plans.ready = [make_ready("one", "bad", is_right=False)] * 5
    retrainer = open_retrainer()
    with caplog.at_level(logging.WARNING):
        state = _retrain(retrainer)
    assert retrainer._duty.model is good
    assert (state.last["outcome"], state.serving) == ("refused", None)
    assert "is kept and does not serve: worse: micro-F1 0.000 against 1.000" in state.last["message"]
    assert state.last["message"].endswith("To have it serve all the same, start with --serving 1.")
    assert state.last["message"] in caplog.text
    told = retrainer.describe()
    assert (told["serving"], list(told["kept"])) == (0, ["1"])
    assert "does not serve" in told["kept"]["1"]["message"]
    assert str(tmp_path) not in str(told)
    for _ in range(4):  # more than are kept of models
        assert _retrain(retrainer).last["outcome"] == "unchanged"
    _choose(open_retrainer, plans.ready[0] / "model", good)


def _choose(open_retrainer: Callable[..., Retrainer], refused: Path, named: Model) -> None:
    """Whoever runs the service may have the refused model serve, and go back."""
    assert open_retrainer(serving=1)._duty.model.version == load_model(refused).version
    assert open_retrainer().state.serving == "0001/v0001/model"  # a choice outlives the next restart
    assert open_retrainer(serving=0)._duty.model is named
    with pytest.raises(UsageError, match=r"no model of retraining 7 is kept. There are: 1; 0 is the model"):
        open_retrainer(serving=7)


def test_a_model_as_good_takes_over_and_is_the_one_that_the_next_is_held_against(
    open_retrainer: Callable[..., Retrainer], make_ready: Callable[..., Path], plans: _Plans
) -> None:
    """The second is as good as the model that was named, and worse than the first, which serves by then."""
    plans.ready = [make_ready("one", "good", is_right=True), make_ready("two", "good", is_right=False)]
    retrainer = open_retrainer()
    state = _retrain(retrainer)
    assert (state.last["outcome"], state.serving) == ("done", "0001/v0001/model")
    assert "is on duty: micro-F1 1.000 against 1.000" in state.last["message"]
    state = _retrain(retrainer)
    assert (state.last["outcome"], state.serving) == ("refused", "0001/v0001/model")
    assert retrainer.describe()["serving"] == 1
    assert sorted(read_state(retrainer._folder).kept) == ["1", "2"]


def test_the_run_folder_that_the_named_model_lies_in_is_its_own(
    make_ready: Callable[..., Path], tmp_path: Path, good: Model, plans: _Plans
) -> None:
    run = make_ready("one", "good", is_right=True)
    for named, found in ((run, run), (run / "model", run), (tmp_path / "good", None)):
        retrainer = Retrainer(tmp_path, Duty(good), plans, Gate(str(named)))
        assert retrainer._serving_run() == found


def test_a_run_without_scores_out_of_fold_cannot_be_judged_and_does_not_serve(
    open_retrainer: Callable[..., Retrainer], make_ready: Callable[..., Path], plans: _Plans, good: Model
) -> None:
    plans.ready = [make_ready("one", "good", is_right=True)]
    (plans.ready[0] / "out_of_fold.npz").unlink()
    retrainer = open_retrainer()
    state = _retrain(retrainer)
    assert (state.last["outcome"], retrainer._duty.model) == ("failed", good)
    assert "left no scores out of fold" in state.last["message"]


def test_damaged_scores_are_a_failure_that_is_told(
    open_retrainer: Callable[..., Retrainer], make_ready: Callable[..., Path], plans: _Plans, good: Model
) -> None:
    plans.ready = [make_ready("one", "good", is_right=True)]
    (plans.ready[0] / "out_of_fold.npz").write_bytes(b"no archive")
    retrainer = open_retrainer()
    state = _retrain(retrainer)
    assert (state.last["outcome"], retrainer._duty.model) == ("failed", good)
    assert state.last["message"].startswith("judge: ")
    assert "not an archive of arrays" in state.last["message"]
