"""Runs commands again and again, killing them at random moments, until each is over; a script, not a test.

A process of its own that loads the libraries once: a child is forked for every attempt, so that
moments fall into the work and not into imports.

Standard input: JSON with ``arguments`` (of ``tagger``; ``{output}`` in them is a folder of each
round's own), ``folder`` (where the rounds are), ``n_kills``, ``seed``, ``imports``, and whether a
round begins with the output of the first one in its place (``is_there``). Every round is one
command, killed and given again until it ends by itself; the first one is not killed. Standard
output: JSON with the seconds of the first, and the kills of each round.
"""

from __future__ import annotations

import importlib
import json
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Any


def main() -> None:
    told = json.load(sys.stdin)
    for name in told["imports"]:
        importlib.import_module(name)
    folder, rng = Path(told["folder"]), random.Random(told["seed"])
    started = time.monotonic()
    (folder / "round-0").mkdir()
    assert _attempt(told["arguments"], folder / "round-0" / "run", None), _log(folder / "round-0" / "run")
    seconds = time.monotonic() - started
    kills = [0]
    while sum(kills) < told["n_kills"]:
        output = folder / f"round-{len(kills)}" / "run"
        output.parent.mkdir()
        if told["is_there"]:
            shutil.copytree(folder / "round-0" / "run", output)
        kills.append(_round(told, output, told["n_kills"] - sum(kills), seconds, rng))
    json.dump({"seconds": seconds, "kills": kills}, sys.stdout)


def _round(told: dict[str, Any], output: Path, n_kills: int, seconds: float, rng: random.Random) -> int:
    """Kill and give again until the command ends; how often it was killed."""
    kills = 0
    while kills < n_kills:
        # Now a moment, now most of the run: both its beginnings and its ends are met.
        if _attempt(told["arguments"], output, rng.uniform(0, rng.choice((0.1, 0.3, 1.0)) * seconds)):
            return kills
        kills += 1
        assert not told["is_there"] or (output / "model").is_dir()
        _check(output)
    assert _attempt(told["arguments"], output, None), _log(output)
    return kills


def _attempt(arguments: list[str], output: Path, seconds: float | None) -> bool:
    """Whether the command ended by itself, and well; killed after some seconds if it did not."""
    child = os.fork()
    if not child:
        _be_tagger([argument.replace("{output}", str(output)) for argument in arguments], output.parent / "log")
    if seconds is not None:
        _kill_after(child, seconds)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return False
    assert os.WEXITSTATUS(status) == 0, _log(output)
    _log(output)
    return True


def _log(output: Path) -> str:
    """What the last attempt said; it is not kept, so that the folders of the rounds are alike."""
    text = (output.parent / "log").read_text(encoding="utf-8")
    (output.parent / "log").unlink()
    return text


def _kill_after(child: int, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            return
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)


def _be_tagger(arguments: list[str], log: Path) -> None:
    from tagger.cli.main import main as tagger

    descriptor = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    try:
        tagger(arguments)
    except SystemExit as end:
        sys.stdout.flush()
        os._exit(int(end.code or 0))


def _check(output: Path) -> None:
    """After every kill: what is there is whole."""
    from tagger.models.storage import load_model
    from tagger.training.run_folder import is_run_folder

    model = next((path for path in (output / "best" / "model", output / "model") if path.exists()), None)
    if model is not None:
        load_model(model)
    for run in [output, *output.glob("trials/*")]:
        is_at_work = run.name.startswith(".") or run.name.endswith(".unfinished")
        if run.is_dir() and not is_at_work and not (run / "search.json").exists() and run != output:
            assert is_run_folder(run), sorted(run.iterdir())
    for path in output.rglob("*.json"):
        if not any(part.startswith(".") or part.endswith(".unfinished") for part in path.relative_to(output).parts):
            json.loads(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
