"""The process that judges a retrained model: ``python -m tagger.service.judging JUDGE.json``.

The new model is held against the one that serves on the annotated paragraphs, twice:

- *held out*: the new model's tags are its run's, out of fold; the old one's are its own run's, out
  of fold, where it was trained on the paragraph, and what it says of it where it was not. A
  paragraph that the old model may have learned from, and has no such score of, is left out.
- *as served*: sentence by sentence, by the very files that would serve. The new model has seen these
  paragraphs, which can only flatter it: a model that fails here is broken in its use (trained on whole
  paragraphs, say, or spoilt by its export), however good its scores out of fold.

Both must be passed (`tagger.evaluation.succession`). The thresholds of a run were chosen on its own
scores out of fold, on both sides alike where both were retrained; on this project's corpus that is
worth 0.2 points of F1 to a `tfidf` and about 0.4 to the `bert` that ships. Where the new model knows
more domains, the two are compared on those that both know. One that has lost a domain is refused:
whether that is meant, as after a migration, only a person can say.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from tagger.bulletins.bulletin import bulletin_from_sentences
from tagger.bulletins.sentences import split_sentences
from tagger.errors import InputError, TaggerError
from tagger.evaluation.metrics import union_by
from tagger.evaluation.run_files import as_dict, parse_json, read_json, read_lines
from tagger.evaluation.scores import Scores, read_scores
from tagger.evaluation.succession import Verdict, judge_successor
from tagger.models.storage import Model, load_model
from tagger.predict.tagging import tag_bulletins
from tagger.service.state import write_json

#: Characters from which on a sentence is not one that many bulletins have.
_TELLING = 10
_T = TypeVar("_T")
SCORES, SENTENCES, SPLIT = "out_of_fold.npz", "sentences.jsonl", "split.json"


@dataclass(frozen=True)
class Paragraphs:
    """The annotated paragraphs of a run, with its tags of them out of fold.

    Attributes
    ----------
    texts : list of list of str
        Each paragraph's labelled pieces: itself, or its sentences.
    bulletins : ndarray of shape (n_paragraphs,), str
    y_true, y_pred : ndarray of shape (n_paragraphs, n_domains), int8
    ids : tuple of str
        The domains in column order.
    trained_on : frozenset of str
        All bulletins of the run, those of folds without scores too.
    """

    texts: list[list[str]]
    bulletins: np.ndarray
    y_true: np.ndarray
    y_pred: np.ndarray
    ids: tuple[str, ...]
    trained_on: frozenset[str]

    def columns(self, ids: Sequence[str]) -> list[int]:
        """The columns of domains; an `InputError` where the run was of others."""
        if missing := [id for id in ids if id not in self.ids]:
            raise InputError(
                f"scores of {', '.join(self.ids)}, expected also {', '.join(missing)}", where="run",
                hint="The model is not of this run; train again.",
            )  # fmt: skip
        return [self.ids.index(id) for id in ids]

    @property
    def keys(self) -> list[str]:
        """What tells that two paragraphs are the same, however they were cut."""
        return [_key("".join(pieces)) for pieces in self.texts]


def main() -> None:
    """Judge what the file that the argument names describes; the last line on standard error says what failed."""
    task = read_json(Path(sys.argv[1]))
    try:
        verdict = judge(
            Path(task["run"]), load_model(task["model"]), load_model(task["serving"]),
            serving_run=Path(task["serving_run"]) if task["serving_run"] else None, margin=float(task["margin"]),
        )  # fmt: skip
    except TaggerError as error:
        print(f"tagger: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    write_json(Path(task["verdict"]), asdict(verdict))


def judge(run: Path, new: Model, old: Model, *, serving_run: Path | None, margin: float) -> Verdict:
    """Whether the new model may take the old one's place.

    Parameters
    ----------
    run : Path
        The run folder that the new model came from.
    new, old : Model
    serving_run : Path or None
        The run folder that the old model came from; None for one that was not retrained here.
    margin : float
        Points of F1, in [0, 100], that may be lost.

    Raises
    ------
    InputError
        A run folder is not whole.
    """
    if reason := _why_not_comparable(new, old, serving_run):
        return Verdict(False, reason)
    paragraphs, ids = read_paragraphs(run), old.domains.ids
    y_old, is_fair = _tags_of_old(old, paragraphs, serving_run)
    y_true = paragraphs.y_true[:, paragraphs.columns(ids)]

    def against_old(y_new: np.ndarray) -> Verdict:
        verdict = judge_successor(
            y_true[is_fair], y_new[is_fair], y_old[is_fair], paragraphs.bulletins[is_fair],
            ids=ids, margin=margin / 100,
        )  # fmt: skip
        some = f", in the {len(ids)} of its {len(new.domains)} domains that both know"
        return verdict if len(ids) == len(new.domains) else replace(verdict, reason=verdict.reason + some)

    held_out = against_old(paragraphs.y_pred[:, paragraphs.columns(ids)])
    if not held_out.accepted:
        return held_out
    served = against_old(as_served(new, paragraphs)[:, [new.domains.column(id) for id in ids]])
    return held_out if served.accepted else replace(served, reason=f"as it would serve, {served.reason}")


def _why_not_comparable(new: Model, old: Model, serving_run: Path | None) -> str:
    """Why the two cannot be held against each other, whatever the figures; empty if they can."""
    if lost := [id for id in old.domains.ids if id not in new.domains.ids]:
        names = ", ".join(lost)
        return f"it does not know {names}, which the one that serves does; a person must say whether that is meant"
    is_trained = old.manifest.kind != "lexicon" and bool(old.manifest.data)  # a list of words has learned no text
    if is_trained and serving_run is None and old.precedents is None:
        return (
            f"what {old.name} {old.version}, which serves, was trained on is not known, since it keeps no precedents "
            "and lies in no run folder, so that no paragraph is known to be new to both; "
            "to have them compared, start with --model and the run folder that it came from"
        )
    return ""


def read_paragraphs(run: Path) -> Paragraphs:
    """The scored paragraphs of a run folder, in the order of their first sentences.

    Raises
    ------
    InputError
        Scores, sentences or split are missing or damaged, or a scored sentence has no text.
    """
    scores, ids = read_scores(run / SCORES)
    texts = _texts(run / SENTENCES)
    pieces: dict[tuple[str, int], list[str]] = {}
    for id, place in zip(scores.ids.tolist(), _places(scores), strict=True):
        if id not in texts:
            raise InputError(
                f"no text of {id}, which has scores in {SCORES}", where=run / SENTENCES,
                hint="The run folder is damaged; train again.",
            )  # fmt: skip
        pieces.setdefault(place, []).append(texts[id])
    keys = list(_places(scores))
    return Paragraphs(
        list(pieces.values()), np.array([bulletin for bulletin, _ in pieces]), union_by(scores.y_true, keys),
        union_by(scores.y_pred, keys), ids, _bulletins_of(run / SPLIT),
    )  # fmt: skip


def _places(scores: Scores) -> list[tuple[str, int]]:
    return list(zip(scores.bulletins.tolist(), scores.paragraphs.tolist(), strict=True))


def _texts(path: Path) -> dict[str, str]:
    """The text of each sentence, by its id."""
    rows = ((as_dict(parse_json(line, where), where), where) for line, where in read_lines(path))
    return {_entry(row, "id", str, where): _entry(row, "text", str, where) for row, where in rows}


def _bulletins_of(path: Path) -> frozenset[str]:
    """The bulletins of all folds."""
    folds = [as_dict(fold, path) for fold in _entry(read_json(path), "folds", list, path)]
    names = [name for fold in folds for part in ("held_out", "set_aside") for name in _entry(fold, part, list, path)]
    return frozenset(map(str, names))


def _entry(row: Mapping[str, Any], name: str, kind: type[_T], where: object) -> _T:
    """An entry of a kind; an `InputError` where it is missing or of another."""
    if not isinstance(value := row.get(name), kind):
        raise InputError(
            f"found {type(value).__name__ if name in row else 'nothing'} as {name}, expected a {kind.__name__}",
            where=where, hint="The run folder is damaged; train again.",
        )  # fmt: skip
    return value


def as_served(model: Model, paragraphs: Paragraphs) -> np.ndarray:
    """A model's tags of the paragraphs, read sentence by sentence as a bulletin is: int8 (n_paragraphs, n_domains)."""
    pages: dict[str, list[int]] = {}
    cut = [[text[a:b] for text in pieces for a, b in split_sentences(text)] for pieces in paragraphs.texts]
    for row, bulletin in enumerate(paragraphs.bulletins.tolist()):
        if cut[row]:
            pages.setdefault(bulletin, []).append(row)
    y = np.zeros((len(cut), len(model.domains)), dtype=np.int8)
    bulletins = (bulletin_from_sentences([cut[row] for row in rows], id=id) for id, rows in pages.items())
    for rows, page in zip(pages.values(), tag_bulletins(bulletins, model), strict=True):
        tags = [page.paragraph_tags(paragraph).domains for paragraph in page.bulletin.paragraphs]
        y[rows] = model.domains.encode(tags)
    return y


def _tags_of_old(old: Model, paragraphs: Paragraphs, serving_run: Path | None) -> tuple[np.ndarray, np.ndarray]:
    """The old model's tags, and of which paragraphs they are fair: bool (n_paragraphs,)."""
    y_old = as_served(old, paragraphs)
    if serving_run is None:
        return y_old, ~_is_learned(old, paragraphs)
    before = read_paragraphs(serving_run)
    held_out = dict(zip(before.keys, before.y_pred[:, before.columns(old.domains.ids)], strict=True))
    is_fair = ~np.isin(paragraphs.bulletins, list(before.trained_on))
    for row, key in enumerate(paragraphs.keys):
        if key in held_out:
            y_old[row], is_fair[row] = held_out[key], True
    return y_old, is_fair


def _is_learned(model: Model, paragraphs: Paragraphs) -> np.ndarray:
    """Paragraphs with a sentence of some length that the model keeps as a precedent: it was trained on that.

    Any such sentence, because labelled data may have been cut otherwise than `split_sentences` cuts.
    """
    index = model.precedents
    known = {_key(text) for text in (getattr(index, "read", lambda: index)().texts if index else ())}
    sentences = ([_key(text[a:b]) for text in pieces for a, b in split_sentences(text)] for pieces in paragraphs.texts)
    return np.array([any(len(s) >= _TELLING and s in known for s in found) for found in sentences], dtype=bool)


def _key(text: str) -> str:
    return "".join(text.split())


if __name__ == "__main__":
    main()
