"""Frequent characters, in both scripts."""

from __future__ import annotations

import pytest

from tagger.bulletins.frequency import common_characters, is_han, share_common


@pytest.mark.parametrize("char", "一〇警鿿㐀䶿𠀀𱍊")
def test_ideographs_of_all_planes_are_hanzi(char):
    assert is_han(char)


@pytest.mark.parametrize("char", "aＡ。，、々あ한é0１\ue000")
def test_letters_signs_and_private_characters_are_not(char):
    assert not is_han(char)


def test_frequent_characters_are_there_in_both_scripts():
    assert set("警务宣传") | set("務宣傳") <= common_characters()


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("民警巡逻", 1.0),
        ("民警巡邏", 1.0),
        ("民警, 110, ok!", 1.0),
        ("的鼗", 0.5),
        ("鼗鼙", 0.0),
        ("", 0.0),
        ("abc", 0.0),
    ],
)
def test_the_share_counts_hanzi_alone(text, share):
    assert share_common(text) == share
