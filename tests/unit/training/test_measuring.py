"""Measuring a model on labelled sentences, by sentence, paragraph and bulletin."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tagger.bulletins.bulletin import parse_bulletin
from tagger.corpus.examples import Examples, examples_from_jsonl
from tagger.errors import CorpusError
from tagger.models.storage import Model
from tagger.predict.tagging import tag_bulletin
from tagger.training.measuring import measure, predict_examples

_ROWS = [
    {"bulletin": "a", "paragraph": 0, "text": "强化巡控保平安。", "domains": ["patrol"]},
    {"bulletin": "a", "paragraph": 0, "text": "民警上街。", "domains": ["patrol"]},
    {"bulletin": "a", "paragraph": 1, "text": "发放宣传单。", "domains": ["propaganda", "traffic"]},
    {"bulletin": "a", "paragraph": 2, "text": "来源：县局宣传科", "domains": []},
    {"bulletin": "b", "paragraph": 0, "text": "开展宣传。", "domains": []},
]


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    """`_ROWS` as a file."""
    path = tmp_path / "gold.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in _ROWS), encoding="utf-8")
    return path


def test_page_furniture_is_never_tagged(gold: Path, lexicon: Model) -> None:
    examples = examples_from_jsonl(gold, lexicon.domains)
    assert predict_examples(lexicon, examples).tolist() == [[0, 1, 0], [0, 0, 0], [0, 0, 1], [0, 0, 0], [0, 0, 1]]


def test_figures_worked_out_by_hand_at_every_level(gold: Path, lexicon: Model) -> None:
    figures = measure(lexicon, gold)
    # Sentences: 2 hits of 3 tags and 4 labels. Paragraphs: the missed 民警上街 is hit by its lead-in.
    assert {level: f["n_texts"] for level, f in figures.items()} == {"sentence": 5, "paragraph": 4, "bulletin": 2}
    assert {level: f["f1_micro"] for level, f in figures.items()} == {
        "sentence": pytest.approx(4 / 7), "paragraph": pytest.approx(4 / 6), "bulletin": pytest.approx(4 / 6)
    }  # fmt: skip
    assert figures["sentence"]["exact_match"] == pytest.approx(2 / 5)
    assert figures["sentence"]["n_furniture"] == 1
    assert figures["paragraph"]["exact_match"] == pytest.approx(2 / 4)
    assert figures["bulletin"]["exact_match"] == 0.0
    assert figures["sentence"]["domains"]["traffic"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 1}


def test_every_level_has_an_interval(gold: Path, lexicon: Model) -> None:
    for level in measure(lexicon, gold).values():
        low, high = level["interval_95"]["f1_micro"]
        assert 0 <= low <= level["f1_micro"] <= high <= 1


def test_measuring_tags_like_predicting(examples: Examples, tfidf: Model, corpus_folder: Path) -> None:
    y_pred = predict_examples(tfidf, examples)
    is_first = examples.bulletins == "00"
    rows = [line.split("\t")[0] for line in (corpus_folder / "00.txt").read_text(encoding="utf-8").splitlines()[6:]]
    tagged = tag_bulletin(parse_bulletin("\n".join(_joined(rows))), tfidf)
    domain_sets = [tags.domains for tags in tagged.tags.values()]
    assert np.array_equal(tfidf.domains.encode(domain_sets), y_pred[is_first])
    assert y_pred[is_first].any()


def _joined(rows: list[str]) -> list[str]:
    """Paragraphs of the sentences of a corpus file, which blank lines part."""
    return "\n".join(rows).replace("\n\n", "\r").replace("\n", "").split("\r")


def test_an_unknown_domain_is_told_with_its_line(tmp_path: Path, lexicon: Model) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_text('{"text": "a", "domains": []}\n{"text": "b", "domains": ["trafic"]}\n')
    with pytest.raises(CorpusError) as error:
        measure(lexicon, path)
    assert str(error.value) == f"{path}:2: unknown domain 'trafic'. Did you mean 'traffic'?"
