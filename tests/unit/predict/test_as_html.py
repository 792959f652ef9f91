"""The HTML page: everything escaped, nothing fetched, the text all there."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser

import pytest

from tagger.models.storage import Model
from tagger.predict.as_html import bulletin_section, page_end, page_start
from tagger.predict.tagging import TaggedBulletin


class _Page(HTMLParser):
    """Tags with their attributes, and the text outside of style."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag != "meta":
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.text += data


def _html(tagged: TaggedBulletin, explain: bool = True) -> str:
    start = page_start(tagged.model.domains)
    return start + bulletin_section(tagged, explain=explain) + page_end("<words> & co")


@pytest.fixture
def hostile_page(hostile: TaggedBulletin) -> _Page:
    """The hostile bulletin, written and parsed."""
    return _Page(_html(hostile))


def test_nothing_of_a_hostile_bulletin_becomes_a_tag(hostile_page: _Page) -> None:
    known = {"html", "head", "meta", "title", "style", "body", "p", "span", "section", "h1", "table", "thead",
             "tbody", "tr", "th", "td", "footer"}  # fmt: skip
    assert {tag for tag, _ in hostile_page.tags} == known


def test_nothing_of_a_hostile_bulletin_becomes_an_attribute(hostile_page: _Page) -> None:
    names = {name for tag, attributes in hostile_page.tags if tag != "meta" for name in attributes}
    assert names == {"lang", "class", "title"}


def test_title_text_source_and_names_are_shown_as_they_stand(hostile_page: _Page, hostile: TaggedBulletin) -> None:
    bulletin = hostile.bulletin
    for text in (
        "<script>alert(1)</script>公安局",
        bulletin.source,
        "<b>巡逻防控</b>[/red]",
        "<words> & co",
        "</span><img src=x",
    ):
        assert text in hostile_page.text


def test_an_id_stands_in_for_a_missing_title_and_is_escaped(hostile: TaggedBulletin) -> None:
    untitled = dataclasses.replace(hostile, bulletin=dataclasses.replace(hostile.bulletin, title=None))
    html = bulletin_section(untitled)
    assert "<h1>&quot;&gt;&lt;script&gt;alert(3)&lt;/script&gt;</h1>" in html


def test_every_character_of_the_text_is_on_the_page(page: TaggedBulletin) -> None:
    html = bulletin_section(page).split("</table>\n")[1]
    without_badges = re.sub(r'<span class="d [^>]*>[^<]*</span>', "", html)
    assert _Page(f"<section>{without_badges}").text.rstrip() == re.sub(r"\n+", "\n", page.bulletin.original).rstrip()


def test_the_page_fetches_nothing_and_runs_nothing(page: TaggedBulletin) -> None:
    html = _html(page)
    assert not re.search(r"https?:|//|\bsrc=|\bhref=|url\(|@import|<script|<link|javascript:|\son\w+=", html)
    assert "default-src 'none'; style-src 'unsafe-inline'" in html


def test_the_page_states_its_encoding_first_and_is_closed(page: TaggedBulletin) -> None:
    html = _html(page)
    assert html.startswith('<!doctype html>\n<html lang="zh"><head><meta charset="utf-8">')
    assert html.endswith("</body></html>\n")


def test_tagged_sentences_carry_a_badge_and_furniture_is_dimmed(page: TaggedBulletin) -> None:
    html = bulletin_section(page)
    assert '>向商户发放宣传单二百份。</span><span class="d c-propaganda">宣传</span>' in html
    assert '<span class="noise" title="页面杂项 page furniture">打印本页</span>' in html
    assert html.count('<span class="s t') == 4


def test_lead_ins_are_marked(page: TaggedBulletin) -> None:
    assert re.findall(r'class="s(?: t)? l[^"]*"[^>]*>([^<]*)<', bulletin_section(page)) == [
        "强化巡控保稳定。", "严查严管保畅通。"
    ]  # fmt: skip


def test_the_summary_counts_measures_and_sentences(page: TaggedBulletin) -> None:
    rows = re.findall(r"</span> (\w+)</td>" + r'<td class="n">([\d.]+)</td>' * 3, bulletin_section(page))
    assert rows == [
        ("traffic", "1", "1", "0.50"), ("patrol", "1", "2", "0.50"), ("propaganda", "1", "1", "0.50")
    ]  # fmt: skip


def test_evidence_is_shown_where_asked(page: TaggedBulletin) -> None:
    assert "交通管理: 头盔 +1.00" in bulletin_section(page, explain=True)
    assert "头盔 +1.00" not in bulletin_section(page)


def test_domains_have_their_colours(lexicon: Model) -> None:
    start = page_start(lexicon.domains)
    assert ".c-traffic{background:#1f77b4}.s.b-traffic{background:#1f77b422;border-bottom:3px solid #1f77b4}" in start
