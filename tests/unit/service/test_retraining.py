"""Retraining: one at a time, none lost, the old model kept when it fails, nothing forgotten in a restart."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from tagger.domains import DomainSet
from tagger.errors import OutputError
from tagger.models.lexicon import LexiconClassifier
from tagger.models.storage import Model, load_model, save_model
from tagger.service.duty import Duty
from tagger.service.plan import Plan, label_studio_plan
from tagger.service.retraining import Retrainer
from tagger.service.state import Job, State, read_state, write_state

_WAIT = 'until [ -e "$0" ]; do sleep 0.05; done'
_COUNT = 'printf x >> "$0"'


def _shell(code: str, *args: object) -> tuple[str, ...]:
    """A command that costs next to nothing; its arguments are $0, $1 and so on."""
    return ("sh", "-c", code, *map(str, args))


class _Plans:
    """Plans whose commands are a moment's: what they bring, and how they go wrong, can be set."""

    def __init__(self, folder: Path, model: Path) -> None:
        self.folder, self.model = folder, model
        self.annotations = "one"
        self.pull: list[tuple[str, ...]] = []
        self.train: list[tuple[str, ...]] = []
        self.projects: list[int] = []

    def __call__(self, job: Job, folder: Path) -> Plan:
        self.projects.append(job.project)
        data, output = folder / "pulled.json", folder / "model"
        pull = (
            *self.pull,
            _shell('printf x >> "$0"; printf %s "$2" > "$1"', self.folder / "pulls", data, self.annotations),
        )
        train = (
            *self.train,
            _shell('printf x >> "$0"; cp -r "$1" "$2"', self.folder / "trainings", self.model, output),
        )
        return Plan(pull, data, train, output)

    def count(self, name: str) -> int:
        path = self.folder / name
        return path.stat().st_size if path.exists() else 0


@pytest.fixture(scope="session")
def trained_folder(tmp_path_factory: pytest.TempPathFactory, domains: DomainSet) -> Path:
    """What training "makes": another lexicon, which opens in a moment."""
    folder = tmp_path_factory.mktemp("models") / "small"
    save_model(
        folder, LexiconClassifier([["标线"], ["巡逻"], ["横幅"]], [[], [], []]), domains, np.full(3, 0.5), config={}
    )
    return folder


@pytest.fixture(scope="session")
def trained(trained_folder: Path) -> Model:
    return load_model(trained_folder)


@pytest.fixture
def plans(tmp_path: Path, trained_folder: Path) -> _Plans:
    return _Plans(tmp_path, trained_folder)


@pytest.fixture
def duty(lexicon: Model) -> Duty:
    return Duty(lexicon)


@pytest.fixture
def open_retrainer(tmp_path: Path, duty: Duty, plans: _Plans) -> Iterator[Callable[[], Retrainer]]:
    """Opens retrainers on one folder, one after the other, as a service that is restarted."""
    opened = []

    def open() -> Retrainer:
        (tmp_path / "served").mkdir(exist_ok=True)
        retrainer = Retrainer(tmp_path / "served", duty, plans)
        retrainer.start()
        opened.append(retrainer)
        return retrainer

    yield open
    for retrainer in opened:
        retrainer.close()


@pytest.fixture
def retrainer(open_retrainer: Callable[[], Retrainer]) -> Retrainer:
    retrainer = open_retrainer()
    retrainer.introduce(3, {})
    return retrainer


def _wait_until(is_true: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not is_true():
        assert time.monotonic() < end
        time.sleep(0.02)


def _wait(retrainer: Retrainer, number: int = 1) -> State:
    _wait_until(lambda: retrainer.state.last.get("number") == number and retrainer.state.job is None)
    return retrainer.state


def test_a_model_that_was_trained_comes_on_duty(retrainer: Retrainer, duty: Duty, trained: Model) -> None:
    assert retrainer.ask(3) == "started"
    state = _wait(retrainer)
    assert duty.model.version == trained.version
    assert (state.last["outcome"], state.last["project"], state.serving) == ("done", 3, "0001/model")
    assert state.last["message"] == f"small {trained.version} is on duty."


@pytest.mark.parametrize("stage", ["pull", "train"])
def test_what_fails_leaves_the_old_model_on_duty(
    retrainer: Retrainer, duty: Duty, plans: _Plans, lexicon: Model, stage: str
) -> None:
    fail = _shell("echo tagger: project 3: no annotations. >&2; exit 1")
    getattr(plans, stage).append(fail)
    retrainer.ask(3)
    state = _wait(retrainer)
    assert duty.model is lexicon
    assert (state.last["outcome"], state.serving) == ("failed", None)
    assert state.last["message"].startswith(f"{stage}: project 3: no annotations. See ")
    getattr(plans, stage).remove(fail)
    assert retrainer.ask(3) == "started"
    assert _wait(retrainer, 2).last["outcome"] == "done"


def test_a_model_that_does_not_open_does_not_come_on_duty(
    retrainer: Retrainer, duty: Duty, plans: _Plans, lexicon: Model, tmp_path: Path
) -> None:
    plans.model = Path(shutil.copytree(plans.model, tmp_path / "broken"))
    (plans.model / "decision.json").write_text("{}")
    retrainer.ask(3)
    assert _wait(retrainer).last["outcome"] == "failed"
    assert duty.model is lexicon


def test_a_pull_that_brings_nothing_is_a_failure(retrainer: Retrainer, plans: _Plans, tmp_path: Path) -> None:
    def plan(job: Job, folder: Path) -> Plan:
        return Plan((), folder / "nothing.json", (), folder / "model")

    retrainer._planner = plan
    retrainer.ask(3)
    assert "the pull left no annotations" in _wait(retrainer).last["message"]


def test_a_bug_in_a_plan_is_a_failure_that_quotes_nothing(retrainer: Retrainer) -> None:
    def plan(job: Job, folder: Path) -> Plan:
        raise ValueError("canary")

    retrainer._planner = plan
    retrainer.ask(3)
    message = _wait(retrainer).last["message"]
    assert message.startswith("internal error (ValueError at test_retraining.py:")
    assert "canary" not in message


def test_while_one_runs_further_requests_are_remembered_once_a_project(
    retrainer: Retrainer, plans: _Plans, tmp_path: Path
) -> None:
    retrainer.introduce(4, {})
    plans.pull.append(_shell(_WAIT, tmp_path / "go"))
    assert retrainer.ask(3) == "started"
    assert [retrainer.ask(project) for project in (3, 4, 3, 3, 4)] == ["remembered"] * 5
    assert retrainer.describe()["waiting"] == [3, 4]
    plans.annotations = "two"
    (tmp_path / "go").touch()
    _wait(retrainer, 3)
    assert plans.projects == [3, 3, 4]
    assert retrainer.state.waiting == ()


def test_many_at_once_start_one(retrainer: Retrainer, plans: _Plans, tmp_path: Path) -> None:
    plans.pull.append(_shell(_WAIT, tmp_path / "go"))
    answers: list[str] = []
    threads = [threading.Thread(target=lambda: answers.append(retrainer.ask(3))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (tmp_path / "go").touch()
    assert sorted(answers) == ["remembered"] * 15 + ["started"]
    _wait(retrainer, 2)
    assert plans.count("pulls") == 2


def test_a_repeated_hint_trains_nothing_when_no_annotation_has_changed(
    retrainer: Retrainer, plans: _Plans, duty: Duty
) -> None:
    retrainer.ask(3)
    _wait(retrainer)
    first = duty.model
    retrainer.ask(3)
    state = _wait(retrainer, 2)
    assert (state.last["outcome"], plans.count("trainings")) == ("unchanged", 1)
    assert duty.model is first
    assert state.serving == "0001/model"
    plans.annotations = "two"
    retrainer.ask(3)
    assert _wait(retrainer, 3).last["outcome"] == "done"
    assert plans.count("trainings") == 2


def test_after_a_failure_the_same_annotations_are_tried_again(retrainer: Retrainer, plans: _Plans) -> None:
    fail = _shell("exit 1")
    plans.train.append(fail)
    retrainer.ask(3)
    _wait(retrainer)
    plans.train.remove(fail)
    retrainer.ask(3)
    assert _wait(retrainer, 2).last["outcome"] == "done"


def test_after_a_restart_the_retrained_model_serves(
    retrainer: Retrainer, open_retrainer: Callable[[], Retrainer], duty: Duty, lexicon: Model, trained: Model
) -> None:
    retrainer.ask(3)
    _wait(retrainer)
    retrainer.close()
    duty.change(lexicon)
    again = open_retrainer()
    assert duty.model.version == trained.version
    assert again.knows(3)
    assert not again.knows(4)


def test_a_retrained_model_that_is_gone_is_told_and_the_named_one_serves(
    retrainer: Retrainer, open_retrainer: Callable[[], Retrainer], duty: Duty, lexicon: Model, tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    retrainer.ask(3)
    _wait(retrainer)
    retrainer.close()
    duty.change(lexicon)
    shutil.rmtree(tmp_path / "served" / "0001")
    again = open_retrainer()
    assert duty.model is lexicon
    assert "The model that was named is on duty instead." in caplog.text
    assert (again.state.serving, read_state(tmp_path / "served").serving, again.describe()["serving"]) == (
        None,
        None,
        0,
    )


def test_a_state_that_cannot_be_saved_at_the_end_stops_no_further_retraining(
    retrainer: Retrainer, plans: _Plans, duty: Duty, trained: Model, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    """The disk is full when the first ends, and when the one that waits should begin; then it is not."""
    from tagger.service import retraining

    plans.pull.append(_shell(_WAIT, tmp_path / "go"))
    retrainer.ask(3)
    retrainer.introduce(4, {})
    retrainer.ask(4)

    def refuse(folder: Path, state: State) -> None:
        raise OutputError("cannot be written (No space left on device)", where=folder)

    with monkeypatch.context() as full:
        full.setattr(retraining, "write_state", refuse)
        (tmp_path / "go").touch()
        state = _wait(retrainer)
        _wait_until(lambda: "No space left on device). The service goes on" in caplog.text)
    assert (state.last["outcome"], state.serving, state.waiting) == ("done", "0001/model", (4,))
    assert duty.model.version == trained.version
    assert read_state(tmp_path / "served").job is not None  # a crash now would go on with it
    assert retrainer.ask(3) == "started"
    _wait(retrainer, 3)
    saved = read_state(tmp_path / "served")
    assert (saved.job, saved.serving, saved.waiting, saved.last["project"]) == (None, retrainer.state.serving, (), 4)


@pytest.mark.parametrize("stage", ["pull", "train"])
def test_what_a_stop_cut_off_goes_on_after_the_restart(
    retrainer: Retrainer, open_retrainer: Callable[[], Retrainer], plans: _Plans, tmp_path: Path, stage: str
) -> None:
    getattr(plans, stage).extend([_shell(_COUNT, tmp_path / "begun"), _shell(_WAIT, tmp_path / "go")])
    retrainer.ask(3)
    retrainer.ask(3)
    _wait_until(lambda: plans.count("begun") == 1)
    retrainer.close()
    stopped = read_state(tmp_path / "served")
    assert stopped.job
    assert (stopped.job.number, stopped.waiting, stopped.last) == (1, (3,), {})
    (tmp_path / "go").touch()
    again = open_retrainer()
    again.introduce(3, {})
    _wait(again, 2)
    assert (plans.count("begun"), plans.count("pulls")) == ((3, 2) if stage == "pull" else (2, 2))
    assert again.state.last["outcome"] == "unchanged"  # the one that was remembered, with the same annotations
    assert again.state.serving == "0001/model"


def test_a_crash_after_training_only_brings_the_model_on_duty(
    retrainer: Retrainer, open_retrainer: Callable[[], Retrainer], plans: _Plans, tmp_path: Path
) -> None:
    retrainer.ask(3)
    _wait(retrainer)
    retrainer.close()
    write_state(tmp_path / "served", State(n_jobs=1, job=Job(1, 3, "2024-01-01T00:00:00+00:00"), projects=(3,)))
    state = _wait(open_retrainer())
    assert (state.last["outcome"], state.serving, plans.count("trainings")) == ("done", "0001/model", 1)


def test_a_pull_that_fails_before_label_studio_introduced_itself_again_waits_for_it(
    open_retrainer: Callable[[], Retrainer], plans: _Plans, tmp_path: Path
) -> None:
    (tmp_path / "served").mkdir()
    write_state(tmp_path / "served", State(n_jobs=1, job=Job(1, 3, "2024-01-01T00:00:00+00:00"), projects=(3,)))
    plans.pull.append(_shell('[ -n "$LABEL_STUDIO_API_KEY" ]'))
    retrainer = open_retrainer()
    _wait(retrainer)
    assert retrainer.state.waiting == (3,)
    time.sleep(0.1)
    assert retrainer.state.job is None
    retrainer.introduce(3, {"LABEL_STUDIO_API_KEY": "key"})
    assert _wait(retrainer, 2).last["outcome"] == "done"
    assert retrainer.state.waiting == ()


def test_what_was_handed_over_reaches_the_commands_and_no_file(
    retrainer: Retrainer, plans: _Plans, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LABEL_STUDIO_API_KEY", raising=False)
    plans.pull.append(_shell('echo "$LABEL_STUDIO_API_KEY" "$LABEL_STUDIO_URL"'))
    retrainer.introduce(3, {"LABEL_STUDIO_API_KEY": "canary-0123", "LABEL_STUDIO_URL": "http://localhost:1"})
    retrainer.ask(3)
    assert _wait(retrainer).last["outcome"] == "done"
    assert "*** http://localhost:1" in (tmp_path / "served" / "0001" / "log.txt").read_text(encoding="utf-8")
    files = [path for path in (tmp_path / "served").rglob("*") if path.is_file()]
    assert not [path for path in files if b"canary-0123" in path.read_bytes()]
    assert "canary" not in repr(retrainer.describe())


def _folders(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "served").iterdir() if path.is_dir())


def test_the_newest_models_are_kept_and_the_one_that_serves(
    retrainer: Retrainer, plans: _Plans, tmp_path: Path
) -> None:
    for number in range(1, 6):
        plans.annotations = str(number)
        retrainer.ask(3)
        state = _wait(retrainer, number)
    assert state.serving == "0005/model"
    assert list(state.kept) == ["2", "3", "4", "5"]
    _wait_until(lambda: _folders(tmp_path) == ["0002", "0003", "0004", "0005"])


def test_jobs_that_leave_no_model_push_none_out(retrainer: Retrainer, plans: _Plans, tmp_path: Path) -> None:
    """Models are counted, not jobs; a log is kept as long as the last word is of it."""
    for number in (1, 2):
        plans.annotations = str(number)
        retrainer.ask(3)
        _wait(retrainer, number)
    for number in range(3, 8):
        retrainer.ask(3)
        assert _wait(retrainer, number).last["outcome"] == "unchanged"
    assert list(retrainer.state.kept) == ["1", "2"]
    _wait_until(lambda: _folders(tmp_path) == ["0001", "0002"])
    plans.pull.append(_shell("exit 1"))
    for number in (8, 9):
        retrainer.ask(3)
        message = _wait(retrainer, number).last["message"]
        assert Path(message.partition(" See ")[2]).is_file()
    _wait_until(lambda: _folders(tmp_path) == ["0001", "0002", "0009"])


def test_nothing_is_removed_before_the_state_that_tells_so_is_saved(
    retrainer: Retrainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[dict[str, object]] = []
    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: told.append(read_state(tmp_path / "served").last))
    for number in (1, 2):
        retrainer.ask(3)
        _wait(retrainer, number)
    _wait_until(lambda: told)
    assert [last["number"] for last in told] == [2]


def test_folders_of_which_the_state_knows_nothing_stay(retrainer: Retrainer, tmp_path: Path) -> None:
    """The state was moved away to begin anew, and may be put back."""
    (tmp_path / "served" / "0009").mkdir()
    retrainer.ask(3)
    _wait(retrainer)
    assert _folders(tmp_path) == ["0001", "0009"]


def test_the_plan_for_label_studio_pulls_and_then_trains(tmp_path: Path) -> None:
    plan = label_studio_plan(Job(7, 3, ""), tmp_path, ["model.head.C=2"])
    (pull,), (train,) = plan.pull, plan.train
    assert pull[1:5] == ("-m", "tagger", "labels", "pull")
    assert train[1:4] == ("-m", "tagger", "train")
    assert train[-1] == "model.head.C=2"
    assert plan.model == tmp_path / "v0007"
    assert str(plan.data).startswith(str(tmp_path / "pulled"))


def test_a_bert_is_exported_since_what_is_trained_is_too_slow_to_serve(tmp_path: Path) -> None:
    plan = label_studio_plan(Job(7, 3, ""), tmp_path, ["model=bert"])
    assert [command[3] for command in plan.train] == ["train", "models"]
    assert plan.model == tmp_path / "v0007-int8"
