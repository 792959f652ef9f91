"""Retraining in the background: one at a time, in a process of its own, and none lost to a restart."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tagger.bulletins.bulletin import parse_bulletin
from tagger.errors import ModelError, OutputError, TaggerError, UsageError
from tagger.models.storage import Model, find_model, load_model
from tagger.predict.tagging import tag_bulletin
from tagger.service.duty import Duty
from tagger.service.failures import describe
from tagger.service.plan import Command, Plan, Planner
from tagger.service.state import Job, State, read_state, write_json, write_state

log = logging.getLogger(__name__)
#: How many retrained models are kept beside the one that serves, to go back to or to be put on duty.
_KEPT = 3
#: Of a run folder; named here as well, so that the service need not open what judges.
_SCORES = "out_of_fold.npz"


@dataclass(frozen=True)
class Gate:
    """What a retrained model must pass to come on duty, see `tagger.service.judging`.

    Attributes
    ----------
    named : str
        Name or folder of the model that serves where no retrained one does.
    margin : float
        Points of F1 that may be lost, in [0, 100).
    """

    named: str
    margin: float = 2.0


class Retrainer:
    """Retrains the model on duty when asked, and changes it when that went well.

    Safe to call from several threads. While a retraining runs, every further request is
    remembered once a project; what fails leaves the old model on duty, and so does a new model that
    is not shown to be as good: that one is kept, and can be put on duty by its number.

    Parameters
    ----------
    folder : Path
        Holds the state, and a folder for each retraining.
    duty : Duty
    planner : callable
        See `tagger.service.plan`.
    gate : Gate, optional
        What a retrained model must pass to come on duty; by default nothing but that it answers.

    Raises
    ------
    ModelError
        The folder holds a state that is not ours.
    """

    def __init__(self, folder: Path, duty: Duty, planner: Planner, gate: Gate | None = None) -> None:
        self._folder, self._duty, self._planner, self._gate = folder, duty, planner, gate
        #: Name of the folder of the retrained model that is on duty, for the judge.
        self._on_duty: str | None = None
        self._lock = threading.Lock()
        self._state = read_state(folder)
        self._environments: dict[int, dict[str, str]] = {}
        #: Projects whose annotations could not be pulled before they introduced themselves again.
        self._postponed: set[int] = set()
        self._minder: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None
        self._is_closing = False

    @property
    def state(self) -> State:
        """What would be read after a restart."""
        return self._state

    def choose(self, number: int) -> None:
        """Have the model of a kept retraining on duty from the start on; 0 for the one that was named.

        Raises
        ------
        UsageError
            No model of this number is kept.
        """
        kept = self._state.kept.get(str(number))
        if number and kept is None:
            numbers = ", ".join(sorted(self._state.kept, key=int)) or "none"
            raise UsageError(
                f"no model of retraining {number} is kept", where="--serving",
                hint=f"There are: {numbers}; 0 is the model that --model names.",
            )  # fmt: skip
        self._save(replace(self._state, serving=kept["model"] if kept else None))

    def start(self) -> None:
        """Put the model on duty that was when the service ended, and go on with what it was training."""
        if self._state.serving:
            self._restore(self._state.serving)
        with self._lock:
            if self._state.job:
                log.info("retraining %d was cut off; it goes on", self._state.job.number)
                self._begin(self._state.job)
            else:
                self._begin_waiting()

    def close(self) -> None:
        """Stop what is being trained; it is begun again, or gone on with, at the next start."""
        with self._lock:
            self._is_closing = True
            minder, thread = self._minder, self._thread
        if minder is not None:
            _stop(minder)
        if thread is not None:
            thread.join()

    def introduce(self, project: int, environment: Mapping[str, str]) -> None:
        """A project that may be retrained, and what its commands find Label Studio by; kept in memory only."""
        with self._lock:
            self._environments[project] = dict(environment)
            self._postponed.discard(project)
            if project not in self._state.projects:
                self._save(replace(self._state, projects=(*self._state.projects, project)))
            if self._state.job is None and not self._is_closing:
                self._begin_waiting()

    def knows(self, project: int) -> bool:
        """Whether a project has been introduced, now or before a restart."""
        return project in self._state.projects

    def ask(self, project: int) -> str:
        """Retrain on a project's annotations: ``started``, or ``remembered`` while another retraining runs."""
        with self._lock:
            if self._state.job is not None:
                self._save(self._state.with_waiting(project))
                return "remembered"
            self._begin(Job(self._state.n_jobs + 1, project, _now()))
            return "started"

    def describe(self) -> dict[str, Any]:
        """How things stand, for people: without addresses and tokens."""
        state = self._state
        job = asdict(state.job) if state.job else None
        kept = {number: {k: v for k, v in one.items() if k != "model"} for number, one in state.kept.items()}
        serving = next((int(n) for n, one in state.kept.items() if one["model"] == state.serving), 0)
        return {"running": job, "waiting": list(state.waiting), "last": dict(state.last) or None,
                "serving": serving, "kept": kept}  # fmt: skip

    def _begin_waiting(self) -> None:
        """Begin the first that waits, if one does; the lock is held."""
        ready = [project for project in self._state.waiting if project not in self._postponed]
        if ready:
            self._begin(Job(self._state.n_jobs + 1, ready[0], _now()), is_waiting=True)

    def _begin(self, job: Job, *, is_waiting: bool = False) -> None:
        """Note a job down, no longer as one that waits, then start it; the lock is held."""
        waiting = tuple(project for project in self._state.waiting if not (is_waiting and project == job.project))
        self._save(replace(self._state, job=job, n_jobs=job.number, waiting=waiting))
        self._thread = threading.Thread(target=self._work, args=(job,), name=f"retraining-{job.number}", daemon=True)
        self._thread.start()

    def _save(self, state: State) -> None:
        write_state(self._folder, state)
        self._state = state

    def _work(self, job: Job) -> None:
        log.info("retraining %d on project %d begins", job.number, job.project)
        ended = self._attempt(job)
        with self._lock:
            if self._is_closing:
                return
            self._end(job, ended)

    def _attempt(self, job: Job) -> dict[str, Any]:
        """How a job ends, whatever happens in it."""
        try:
            return self._retrain(job)
        except TaggerError as error:
            return {"outcome": "failed", "message": str(error)}
        except Exception as error:  # a bug of ours or of a library: the service goes on with the old model
            return {"outcome": "failed", "message": f"internal error ({describe(error)})"}

    def _end(self, job: Job, ended: dict[str, Any]) -> None:
        """Note down how a job ended, and begin the next; the lock is held."""
        level = logging.WARNING if ended["outcome"] in ("failed", "refused") else logging.INFO
        log.log(level, "retraining %d: %s. %s", job.number, ended["outcome"], ended["message"])
        last = {"data": self._last_data(job), **ended, "number": job.number, "project": job.project, "ended": _now()}
        kept = self._state.kept | ({str(job.number): made} if (made := last.pop("kept", None)) else {})
        state = replace(self._state, job=None, last=last, serving=self._on_duty)
        if last.pop("postponed", False):
            self._postponed.add(job.project)
            state = state.with_waiting(job.project)
        self._conclude(replace(state, kept=self._newest(kept, self._on_duty)))

    def _conclude(self, state: State) -> None:
        """Save that a job has ended, then remove and begin what follows; the lock is held.

        Where the state cannot be saved, a full disk say, the service goes on by what is in memory: the
        thread must not die with a job that nobody would ever end. The next state that is saved tells all.
        """
        try:
            self._save(state)
            # Only now: a state that was not saved must find after a restart what it tells of.
            self._prune()
            self._begin_waiting()
        except OutputError as error:
            self._state = state if self._state.job else self._state
            log.error("%s The service goes on, and saves its state again at the next retraining.", error)

    def _last_data(self, job: Job) -> str | None:
        """What the project was retrained on last: a failure in between does not change it."""
        return self._state.last.get("data") if self._state.last.get("project") == job.project else None

    def _retrain(self, job: Job) -> dict[str, Any]:
        folder = self._folder / _folder_name(job.number)
        folder.mkdir(parents=True, exist_ok=True)
        plan = self._planner(job, folder)
        if failed := self._run("pull", plan.pull, folder, job):
            # After a restart the token that was handed over is gone: Label Studio hands it over
            # again when the next task is opened, and then this project's turn comes.
            return {**failed, "postponed": job.project not in self._environments}
        data = _digest(plan.data)
        if data == self._last_data(job):
            return {"outcome": "unchanged", "message": "No annotation has changed since the last retraining."}
        if failed := self._run("train", plan.train, folder, job):
            return failed
        return self._promote(plan, folder, job, data)

    def _promote(self, plan: Plan, folder: Path, job: Job, data: str) -> dict[str, Any]:
        """Put the new model on duty, if it opens, answers and passes the gate."""
        model = _open(plan.model)
        verdict = self._judge(plan, folder, job) if self._gate else {"accepted": True, "reason": ""}
        if "accepted" not in verdict:
            return verdict
        name, serving = f"{model.name} {model.version}", plan.model.relative_to(self._folder).as_posix()
        what = "is on duty" if verdict["accepted"] else "is kept and does not serve"
        message = f"{name} {what}{': ' if verdict['reason'] else ''}{verdict['reason']}."
        ended = {"message": message, "data": data, "kept": {"model": serving, "version": name, "message": message}}
        if not verdict["accepted"]:
            hint = f" To have it serve all the same, start with --serving {job.number}."
            return {**ended, "outcome": "refused", "message": message + hint}
        self._duty.change(model)
        self._on_duty = serving
        return {**ended, "outcome": "done"}

    def _judge(self, plan: Plan, folder: Path, job: Job) -> dict[str, Any]:
        """What `tagger.service.judging` says of the new model, or how it failed."""
        assert self._gate is not None
        verdict, description = folder / "verdict.json", folder / "judge.task.json"
        for path in (verdict, folder / "judge.json"):  # another model may be on duty since a restart
            path.unlink(missing_ok=True)
        run = _run_folder(folder)
        if run is None:
            return {"outcome": "failed", "message": f"judge: training left no scores out of fold in {folder}"}
        serving = str(self._folder / self._on_duty) if self._on_duty else self._gate.named
        serving_run = self._serving_run()
        write_json(description, {
            "run": str(run), "model": str(plan.model), "serving": serving, "margin": self._gate.margin,
            "serving_run": str(serving_run) if serving_run else None, "verdict": str(verdict),
        })  # fmt: skip
        command = (sys.executable, "-m", "tagger.service.judging", str(description))
        return self._run("judge", (command,), folder, job) or _read(verdict)

    def _serving_run(self) -> Path | None:
        """The run folder that the model on duty came from, where that is known."""
        if self._on_duty:
            return _run_folder(self._folder / self._on_duty.partition("/")[0])
        assert self._gate is not None
        folder = find_model(self._gate.named).resolve().parent
        return folder if (folder / _SCORES).is_file() else None

    def _run(self, stage: str, commands: tuple[Command, ...], folder: Path, job: Job) -> dict[str, Any] | None:
        """Run one stage unless it was done before a restart; how it failed, or None."""
        result = folder / f"{stage}.json"
        if _read(result).get("outcome") == "done":
            return None
        result.unlink(missing_ok=True)
        description = folder / f"{stage}.job.json"
        write_json(description, {"commands": commands, "log": str(folder / "log.txt"), "result": str(result)})
        code = self._mind(description, self._environments.get(job.project, {}))
        ended = _read(result)
        if ended.get("outcome") == "done":
            return None
        message = str(ended.get("message") or f"its process died (code {code})").removeprefix("tagger: ")
        return {"outcome": "failed", "message": f"{stage}: {message.rstrip('.')}. See {folder / 'log.txt'}"}

    def _mind(self, description: Path, environment: Mapping[str, str]) -> int:
        """The exit code of a minder of some commands; our death is its own (`tagger.service.minder`)."""
        with self._lock:
            if self._is_closing:
                return -1
            self._minder = subprocess.Popen(
                # -S: it needs no library, and where they are is told by PYTHONPATH.
                [sys.executable, "-S", "-m", "tagger.service.minder", str(description)], stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=_environment(environment),
                start_new_session=True,
            )  # fmt: skip
        code = self._minder.wait()
        with self._lock:
            assert self._minder.stdin is not None
            self._minder.stdin.close()
            self._minder = None
        return code

    def _restore(self, serving: str) -> None:
        try:
            self._duty.change(_open(self._folder / serving))
            self._on_duty = serving
        except TaggerError as error:
            log.warning("%s The model that was named is on duty instead.", error)
            self._save(replace(self._state, serving=None))

    def _newest(self, kept: Mapping[str, dict[str, str]], serving: str | None) -> dict[str, dict[str, str]]:
        """The models to keep: the newest that are there, counted as models and not as jobs, and the one that serves."""
        there = [number for number in sorted(kept, key=int) if (self._folder / kept[number]["model"]).exists()]
        others = [number for number in there if kept[number]["model"] != serving]
        return {number: kept[number] for number in there if number not in others[:-_KEPT]}

    def _prune(self) -> None:
        """Remove the folders of jobs that left no model to keep, as the state that was saved says.

        The last job's stays where it failed: what was said of that names the log in it. Folders of
        jobs that this state does not know of stay too: it was moved away, and may be put back.
        """
        state = self._state
        models = [one["model"] for one in state.kept.values()] + [state.serving or ""]
        staying = {model.partition("/")[0] for model in models}
        if state.last.get("outcome") == "failed":
            staying.add(_folder_name(state.last["number"]))
        for number in range(1, state.n_jobs + 1):
            if (name := _folder_name(number)) not in staying:
                shutil.rmtree(self._folder / name, ignore_errors=True)


def _folder_name(number: int) -> str:
    return f"{number:04d}"


def _open(folder: Path) -> Model:
    """A model that opens and answers."""
    model = load_model(folder)
    tag_bulletin(parse_bulletin("民警在夜市巡逻。"), model)
    return model


def _run_folder(folder: Path) -> Path | None:
    """The run folder within a retraining's, where the scores out of fold are."""
    return next((path.parent for path in sorted(folder.glob(f"*/{_SCORES}"))), None)


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ModelError(f"the pull left no annotations ({error.strerror})", where=path) from None


def _read(path: Path) -> dict[str, Any]:
    """What a minder wrote; nothing of one that died."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    """Ours, with what finds Label Studio; imports from where we do, and nothing from the current folder."""
    paths = os.pathsep.join(filter(None, sys.path))
    return {**more, **os.environ, "PYTHONSAFEPATH": "1", "PYTHONPATH": paths}


def _stop(minder: subprocess.Popen[bytes]) -> None:
    """Close its standard input, which ends it; a kill where it does not listen."""
    assert minder.stdin is not None
    minder.stdin.close()
    try:
        minder.wait(timeout=5)
    except subprocess.TimeoutExpired:
        minder.kill()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
