"""How a model is retrained: the command lines that a retraining consists of, and where they leave what.

`label_studio_plan` is the one that `tagger serve` uses. Any function from a `Job` and a folder to
a `Plan` can stand in its place (`tagger.service.retraining.Retrainer`): for another source of
annotations, another kind of model, or a machine with a GPU behind a command of its own.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tagger.service.state import Job

#: One command line: program and arguments.
Command = tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """What a retraining does.

    Attributes
    ----------
    pull : tuple of Command
        Bring the newest annotations.
    data : Path
        The file that they are in then. When it is byte for byte what the last retraining of the
        project was made from, nothing is trained.
    train : tuple of Command
        Make a model from it; run again after an interruption, they should go on.
    model : Path
        The model folder that they leave.
    """

    pull: tuple[Command, ...]
    data: Path
    train: tuple[Command, ...]
    model: Path


#: From a job and a folder of its own, which is there, to what is done.
Planner = Callable[[Job, Path], Plan]


def label_studio_plan(job: Job, folder: Path, settings: Sequence[str] = ()) -> Plan:
    """``tagger labels pull`` into the folder, then ``tagger train`` on what it brought.

    Parameters
    ----------
    job : Job
    folder : Path
    settings : sequence of str
        More settings for ``tagger train``, such as ``model=bert``; with that one the model is
        exported to int8 as well, since the form that is trained is too slow to serve.
    """
    tagger = (sys.executable, "-m", "tagger")
    pulled = folder / "pulled"
    output = folder / f"v{job.number:04d}"
    pull = (*tagger, "labels", "pull", "--project", str(job.project), "--output", str(pulled), *_domains(settings))
    # Not the raw export: that changes with every prediction that Label Studio keeps.
    data = pulled / "examples.jsonl"
    train = (*tagger, "train", "data=jsonl", f"data.path={data}", f"output={output}", *settings)
    if "model=bert" not in settings:
        return Plan((pull,), data, (train,), output)
    served = output.with_name(f"{output.name}-int8")
    export = (*tagger, "models", "export", str(output), "--onnx", "--int8", "--data", str(data))
    return Plan((pull,), data, (train, (*export, "--output", str(served))), served)


def _domains(settings: Sequence[str]) -> tuple[str, ...]:
    """The domain list that training is told of, for the pull as well."""
    named = [setting.partition("=")[2] for setting in settings if setting.startswith("data.domains=")]
    return ("--domains", named[-1]) if named and named[-1] not in ("null", "infer", "") else ()
