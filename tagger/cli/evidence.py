"""Evidence for the errors of a run, from its own model: the words that carried a tag."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tagger.errors import TaggerError
from tagger.evaluation.report.blocks import Span
from tagger.evaluation.runs import Run, SentenceText

if TYPE_CHECKING:
    from tagger.bulletins.context import TextInContext
    from tagger.models.storage import Model

log = logging.getLogger(__name__)
_LIMIT = 5


def explain_run(run: Run, wanted: Sequence[tuple[str, int]]) -> list[tuple[Span, ...]]:
    """The strongest evidence in each sentence for its domain.

    Parameters
    ----------
    run : Run
        With a model in its folder; without one, or with one that does not open, there is no
        evidence, which is said on the log.
    wanted : sequence of (str, int)
        Ids of sentences, and the columns of the domains asked about.

    Returns
    -------
    list of tuple of Span
        One for each of `wanted`; spans of the sentence itself, not of its surroundings.
    """
    from tagger.models.storage import load_model

    log.info("%s: evidence for %d errors", run.name, len(wanted))
    try:
        model = load_model(run.path / "model")
        contexts = _contexts(run, {id for id, _ in wanted})
        return [_spans(model, contexts.get(id), column) for id, column in wanted]
    except TaggerError as error:
        log.warning("%s: no evidence (%s)", run.name, error)
        return [()] * len(wanted)


def _contexts(run: Run, ids: set[str]) -> dict[str, TextInContext]:
    """The sentences asked for as their pages show them, which is how the model was given them."""
    bulletins = {run.sentences[id].bulletin for id in ids if id in run.sentences}
    pages: dict[str, list[SentenceText]] = defaultdict(list)
    for sentence in run.sentences.values():
        if sentence.bulletin in bulletins:
            pages[sentence.bulletin].append(sentence)
    return {id: context for page in pages.values() for id, context in _page(page).items() if id in ids}


def _page(sentences: Sequence[SentenceText]) -> dict[str, TextInContext]:
    """Sentences of one bulletin in order; out of fold, all of them are there."""
    from tagger.bulletins.bulletin import bulletin_from_sentences
    from tagger.bulletins.context import TextInContext, sentences_in_context

    rows: dict[int, list[SentenceText]] = defaultdict(list)
    for sentence in sentences:
        rows[sentence.paragraph].append(sentence)
    bulletin = bulletin_from_sentences([[s.text for s in row] for row in rows.values()], id=sentences[0].bulletin)
    found = {(p.index, s.index): context for p, s, context in sentences_in_context(bulletin)}
    places = {s.id: (p, i) for p, row in enumerate(rows.values()) for i, s in enumerate(row)}
    return {s.id: found.get(places[s.id], TextInContext(s.text)) for s in sentences}


def _spans(model: Model, context: TextInContext | None, column: int) -> tuple[Span, ...]:
    if context is None:
        return ()
    found = model.classifier.explain(context, column, _LIMIT)
    return tuple(Span(*span, piece.weight) for piece in found if piece.field == "text" for span in piece.spans)
