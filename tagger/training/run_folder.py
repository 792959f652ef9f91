"""The folder of a run: what was trained, on what, how it was measured, and by what code.

::

    config.yaml        the resolved settings
    run.json           kind, seed, time, code, libraries, machine, data
    split.json         the bulletins of every fold
    metrics.json       figures at three levels, of thresholds, and of cost
    out_of_fold.npz    scores by models that did not see the bulletin, page furniture left out; test.npz likewise
    sentences.jsonl    what the scores are of, and the furniture between
    curves.jsonl       loss and figures, step by step
    model/             the model folder

It is written beside its place and renamed when the run is over.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tagger.corpus.examples import Examples
from tagger.errors import OutputError
from tagger.evaluation.summary import to_json
from tagger.training.config import TrainConfig, config_to_dict

FILE = "run.json"
#: Raised when a folder written before can no longer be read.
FORMAT = 1
_NAMES = {"config.yaml", FILE, "split.json", "metrics.json", "out_of_fold.npz", "test.npz", "sentences.jsonl",
          "curves.jsonl", "model"}  # fmt: skip


@dataclass(frozen=True)
class Scored:
    """Examples with their scores.

    Attributes
    ----------
    examples : Examples
    y_proba : ndarray of shape (n_texts, n_domains)
        float32 in [0, 1].
    """

    examples: Examples
    y_proba: np.ndarray

    def take(self, rows: np.ndarray) -> Scored:
        """Those where a boolean mask is true."""
        return Scored(self.examples.take(rows), self.y_proba[rows])

    @property
    def text(self) -> Scored:
        """Those that are no page furniture: what a model answers, and what figures are of.

        Furniture is answered by rule, with no domain. As texts of no domain, hundreds of such lines
        would be as many easy exact matches, and scores of 0 that are always right.
        """
        return self.take(~self.examples.noise)


def refuse_foreign_run(folder: str | Path) -> None:
    """An `OutputError` if a run may not be written here: the place holds something else."""
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise OutputError("is a file, expected a place for a run folder", where=folder, hint="Choose another output.")
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if not names or (names <= _NAMES and is_run_folder(folder)):
        return
    foreign = sorted(names - _NAMES)
    found = f"holds {foreign[0]}, which is no part of a run" if foreign else "holds something that is not a run"
    raise OutputError(found, where=folder, hint="Choose another output.")


def is_run_folder(folder: Path) -> bool:
    """Whether a folder has the record of a run."""
    try:
        return json.loads((folder / FILE).read_text(encoding="utf-8"))["format"] == FORMAT
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


def write_json(path: Path, data: Any) -> None:
    """Write strict JSON, a key a line down to the second level."""
    text = json.dumps(to_json(data), ensure_ascii=False, indent=1, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def write_config(path: Path, config: TrainConfig) -> None:
    """Write the resolved settings, as `tagger train` composes them."""
    import yaml

    text = yaml.safe_dump(config_to_dict(config), allow_unicode=True, sort_keys=False)
    path.write_text(text, encoding="utf-8")


def write_jsonl(path: Path, records: Iterable[dict[str, Any]]) -> None:
    """Write one JSON object a line."""
    lines = (json.dumps(to_json(record), ensure_ascii=False, allow_nan=False) for record in records)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def write_scores(path: Path, scored: Scored, thresholds: np.ndarray, ids: tuple[str, ...]) -> None:
    """Write scores with what they are of and their labels, without pickle."""
    examples = scored.examples
    with path.open("wb") as file:
        np.savez_compressed(
            file, ids=np.array(examples.ids), bulletins=examples.bulletins, paragraphs=examples.paragraphs,
            y_true=examples.y_true, y_proba=scored.y_proba.astype(np.float32), thresholds=np.asarray(thresholds),
            domains=np.array(ids),
        )  # fmt: skip


def write_sentences(path: Path, parts: Iterable[Examples]) -> None:
    """Write the texts of examples, so that a report can show where a model errs and an audit find their tasks."""
    write_jsonl(path, (row for part in parts for row in _sentence_rows(part)))


def _sentence_rows(part: Examples) -> Iterator[dict[str, Any]]:
    """A row a text; ``uid`` only where it was labelled in a task."""
    columns = (part.ids, part.bulletins, part.paragraphs, part.texts, part.uids)
    for id, bulletin, paragraph, text, uid in zip(*columns, strict=True):
        task = {"uid": uid} if uid else {}
        yield {"id": id, "bulletin": str(bulletin), "paragraph": int(paragraph), "text": text.text,
               "title": text.title, **task}  # fmt: skip
