"""Labels that were found make domains: ids that can be columns, names kept, the same every time."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger.corpus.labels import LabelNames, infer_domains
from tagger.domains import Domain, DomainSet
from tagger.errors import CorpusError


def test_an_identifier_is_its_own_id_and_another_label_becomes_one() -> None:
    domains = infer_domains(["噪声扰民", "noise", "Road-Works", "2号线", "噪声扰民", "！！"])
    assert {d.id: d.zh for d in domains} == {
        "road_works": "Road-Works", "noise": "", "zao_sheng_rao_min": "噪声扰民",
        "label_2_hao_xian": "2号线", "label": "！！",
    }  # fmt: skip


def test_labels_that_sound_alike_are_numbered_and_never_take_the_id_of_another() -> None:
    domains = infer_domains(["实事", "时势", "shi_shi"])
    assert [(d.id, d.zh) for d in domains] == [("shi_shi", ""), ("shi_shi_2", "实事"), ("shi_shi_3", "时势")]


def test_colours_differ_and_are_dark_enough_for_white_writing() -> None:
    colors = [d.color for d in infer_domains(f"label{i}" for i in range(30))]
    assert len(set(colors)) == 30
    for color in colors:
        red, green, blue = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (red, green, blue)]
        luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
        assert 1.05 / (luminance + 0.05) >= 2.2  # WCAG contrast with white


@given(st.sets(st.text(min_size=1, max_size=8).filter(lambda t: t.isprintable()), min_size=1, max_size=12))
def test_any_labels_make_domains_in_which_each_is_found_again(labels: set[str]) -> None:
    domains = infer_domains(labels)
    assert len(domains) == len(labels)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", id) for id in domains.ids)
    names = LabelNames(domains)
    assert sorted(names(label) for label in labels) == sorted(domains.ids)
    assert infer_domains(sorted(labels, reverse=True)) == domains


def test_without_labels_there_are_no_domains() -> None:
    with pytest.raises(CorpusError, match=r"no label in any text.+data\.fields\.labels"):
        infer_domains([])


def test_a_name_of_two_domains_stands_for_neither() -> None:
    names = LabelNames(DomainSet([Domain("a", "甲"), Domain("b", "甲"), Domain("c", "a")]))
    assert names("a") == "a"
    with pytest.raises(CorpusError, match="unknown domain '甲'"):
        names("甲")
