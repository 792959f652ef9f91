"""Damaged copies keep labels, are seeded, and are what the normaliser has to face."""

from __future__ import annotations

import pytest

from tagger.bulletins.normalize import normalize
from tagger.corpus.authored import LabelledBulletin, LabelledSentence
from tagger.corpus.damage import DamageConfig, damaged_copies

_SENTENCES = (
    LabelledSentence("严格规范执勤纪律，民警在夜市开展武装巡逻：劝阻（违停）车辆。", ("traffic", "patrol")),
    LabelledSentence("向群众发放宣传单两千余份，群众满意度达100％！", ("propaganda",)),
)
_HEADING = LabelledSentence("织密巡防网络", ("patrol",), ("lead_in",))


@pytest.fixture
def corpus() -> list[LabelledBulletin]:
    return [LabelledBulletin(f"0{i}", {}, ((_HEADING,), _SENTENCES)) for i in range(60)]


def _only(corpus: list[LabelledBulletin], **config: float) -> list[LabelledBulletin]:
    return damaged_copies(corpus, DamageConfig(share=1.0, **config), seed=3)


def test_nothing_is_copied_unless_asked(corpus: list[LabelledBulletin]) -> None:
    assert damaged_copies(corpus, DamageConfig(traditional=1.0), seed=1) == []


def test_about_the_share_is_copied_under_its_id(corpus: list[LabelledBulletin]) -> None:
    copies = damaged_copies(corpus, DamageConfig(share=0.5), seed=1)
    assert 20 <= len(copies) <= 40
    assert {copy.id for copy in copies} <= {bulletin.id for bulletin in corpus}


def test_the_same_seed_gives_the_same_copies(corpus: list[LabelledBulletin]) -> None:
    config = DamageConfig(0.5, 0.5, 0.5, 0.5, 0.5, 0.5)
    assert damaged_copies(corpus, config, seed=1) == damaged_copies(corpus, config, seed=1)
    assert damaged_copies(corpus, config, seed=1) != damaged_copies(corpus, config, seed=2)


@pytest.mark.parametrize("kind", ["traditional", "pinyin", "half_width"])
def test_what_the_normaliser_undoes_is_undone(corpus: list[LabelledBulletin], kind: str) -> None:
    for copy in _only(corpus, **{kind: 1.0}):
        for damaged, original in zip(copy.sentences, [_HEADING, *_SENTENCES], strict=True):
            assert normalize(damaged.text).text == normalize(original.text).text
            assert damaged.domains == original.domains
    texts = {s.text for copy in _only(corpus, **{kind: 1.0}) for s in copy.sentences}
    assert texts - {s.text for s in (_HEADING, *_SENTENCES)}


def test_mojibake_stays_in_its_place(corpus: list[LabelledBulletin]) -> None:
    damaged = [s for copy in _only(corpus, mojibake=1.0) for s in copy.sentences if s.domains == ("propaganda",)]
    changed = [s.text for s in damaged if s.text != _SENTENCES[1].text]
    assert 0 < len(changed) < len(damaged)
    assert all(text[:2] == "向群" and text[-1] == "！" for text in changed)


def test_a_heading_runs_into_the_next_sentence_with_both_labels(corpus: list[LabelledBulletin]) -> None:
    copy = _only(corpus, lost_breaks=1.0)[0]
    assert [len(p) for p in copy.paragraphs] == [2]
    assert copy.sentences[0].text == _HEADING.text + _SENTENCES[0].text
    assert copy.sentences[0].domains == ("patrol", "traffic")
