"""Main text and stated facts of HTML pages, usual and hostile ones."""

from __future__ import annotations

import pytest

from tagger.bulletins.html import extract_html
from tagger.errors import LimitError

FIRST = "进入七月，青石县公安局把巡防力量摆上街面，夜间警情同比下降两成。"
LAST = "下一步，该局将继续把警力摆在群众最需要的地方。"
PAGE = f"""<!DOCTYPE html>
<html><head><meta charset="utf-8">
<meta name="ArticleTitle" content="青石县公安局织密夏夜巡防网">
<meta name="PubDate" content="2023-07-14 09:12"><meta name="ContentSource" content="青石县公安局">
<title>警务动态 - 青石警方</title><style>p {{color: red}}</style><script>var hidden = "脚本里的话。";</script></head>
<body><div class="nav"><a href="/">首页</a> &gt; <a href="/a">警务动态</a></div>
<div class="content"><h1>青石县公安局织密夏夜巡防网</h1>
<p>{FIRST}</p>
<h3>一、强化巡控</h3>
<p>每晚八点起，三个巡逻组沿河滨路、集市街步巡，<b>盘查</b>可疑车辆四十余辆。</p>
<ul><li>一是屯警广场。两台警车驻守人民广场。</li><li>二是武装联勤。与武警联合巡逻六次。</li><li>三是群防群治</li></ul>
<table><tr><th>所队</th><th>出动警力</th></tr><tr><td>城关派出所</td><td>38人次</td></tr></table>
<p>{LAST}<br>换行之后的一句。</p></div>
<div class="footer">版权所有 青石县公安局 ICP备12345号</div></body></html>"""


def _page(body: str, head: str = "") -> str:
    return f"<html><head>{head}</head><body>{body}</body></html>"


def test_every_block_of_the_text_is_a_line_without_added_marks():
    assert extract_html(PAGE)["text"].split("\n") == [
        "青石县公安局织密夏夜巡防网",
        FIRST,
        "一、强化巡控",
        "每晚八点起，三个巡逻组沿河滨路、集市街步巡，盘查可疑车辆四十余辆。",
        "一是屯警广场。两台警车驻守人民广场。",
        "二是武装联勤。与武警联合巡逻六次。",
        "三是群防群治",
        "所队\t出动警力",
        "城关派出所\t38人次",
        LAST,
        "换行之后的一句。",
    ]


def test_the_facts_are_those_of_the_metadata():
    facts = extract_html(PAGE)
    assert (facts["title"], facts["date"], facts["issuer"]) == (
        "青石县公安局织密夏夜巡防网",
        "2023-07-14",
        "青石县公安局",
    )


@pytest.mark.parametrize(
    ("head", "body", "title"),
    [
        ('<meta property="og:title" content=" 守护夏夜 ">', "<h1>别的</h1>", "守护夏夜"),
        ("<title>别的</title>", "<h1> 守护\n<b>夏夜</b> </h1>", "守护 夏夜"),
        ("<title>守护夏夜 - 青石警方_首页</title>", "", "守护夏夜"),
        ("<title>\n</title>", "<h1></h1>", None),
        ('<meta name="ArticleTitle" content="">', "", None),
        ("", "", None),
    ],
)
def test_the_title_is_stated_or_the_first_heading_or_the_page_title(head, body, title):
    assert extract_html(_page(f"{body}<p>{FIRST}</p>", head))["title"] == title


@pytest.mark.parametrize(
    ("content", "date"),
    [
        ("2023-07-14 09:12", "2023-07-14"), ("2023年7月4日", "2023-07-04"), ("2023/7/14", "2023-07-14"),
        ("2023-07-14T09:12:00+08:00", "2023-07-14"), ("2023-02-30", None), ("2023-13-01", None), ("昨天", None),
        ("", None),
    ],
)  # fmt: skip
def test_the_date_is_iso_and_in_the_calendar(content, date):
    page = _page(f"<p>{FIRST}</p>", f'<meta name="PubDate" content="{content}">')
    assert extract_html(page)["date"] == date


@pytest.mark.parametrize(
    "page", ["<p>{}</p>", "<div>{}</div>", "<div>{}<br><br>{}</div>", "<table><tr><td>{}</td></tr></table>"]
)
def test_a_bold_word_or_a_link_breaks_no_sentence_of_a_short_page(page):
    sentence = '近日，民警在<a href="/a">夜市</a>巡逻，<b>查获</b>车辆<font color="red">三</font>台。'
    text = extract_html(_page(page.replace("{}", sentence)))["text"]
    assert set(text.split("\n")) == {"近日，民警在夜市巡逻，查获车辆三台。"}


def test_a_page_whose_main_text_is_mistaken_gives_all_its_lines():
    aside = "".join(f"<aside><p>{FIRST}</p></aside>" for _ in range(3))
    page = _page(f"<article><p>短。</p></article>{aside}")
    assert extract_html(page)["text"].count(FIRST) == 3


def test_scripts_styles_comments_and_forms_are_no_text():
    page = _page(
        "<!-- 注释。 --><script>脚本。</script><style>样式。</style>"
        f"<select><option>选项。</option></select><textarea>输入。</textarea><p>{FIRST}</p>"
    )
    assert extract_html(page)["text"] == FIRST


def test_entities_are_characters_and_white_space_is_one_space():
    page = _page(f"<p>巡逻&amp;防控&nbsp;&lt;夜间&gt;\n\n  &#24033;查&mdash;&ldquo;好&rdquo;。{FIRST}</p>")
    assert extract_html(page)["text"].replace("\xa0", " ") == f"巡逻&防控 <夜间> 巡查—“好”。{FIRST}"


@pytest.mark.parametrize(
    "page", ["<html></html>", "<html><body></body></html>", "<!-- 注释 -->", "<p> </p>", "<script>1</script>", "\n"]
)
def test_a_page_without_text_gives_none(page):
    assert extract_html(page) == {"text": "", "title": None, "date": None, "issuer": None, "links": []}


def test_a_page_of_headings_alone_is_text():
    assert extract_html(_page("<p>强化巡控</p><p>优化服务</p>"))["text"] == "强化巡控\n优化服务"
    assert extract_html(_page("<div>" * 300 + "强化巡控"))["text"] == "强化巡控"


@pytest.mark.parametrize("depth", [100, 300, 1500])
def test_text_is_not_lost_in_nested_elements(depth):
    page = _page(f"<p>{FIRST}</p>" + "<div>" * depth + f"<p>{LAST}</p>" + "</div>" * depth + "<p>收尾的一句。</p>")
    assert extract_html(page)["text"].split("\n") == [FIRST, LAST, "收尾的一句。"]


@pytest.mark.parametrize("closed", ["", "</div>"], ids=["unclosed", "closed"])
def test_a_hundred_thousand_nested_elements_are_too_many(closed):
    page = _page(f"<p>{FIRST}</p>" + "<div>" * 100_000 + f"<p>{LAST}</p>" + closed * 100_000)
    with pytest.raises(LimitError) as caught:
        extract_html(page)
    assert str(caught.value) == "nested more than 2048 elements deep. Save the page as text."


def test_many_broken_tags_do_not_hide_that_it_is_too_deep():
    page = _page("</x></y><z" * 2_000 + "<div>" * 3_000 + f"<p>{LAST}</p>")
    with pytest.raises(LimitError, match="nested more than 2048"):
        extract_html(page)


def test_two_hundred_thousand_unclosed_paragraphs_are_lines():
    text = extract_html(_page("<p>巡逻" * 200_000))["text"]
    assert text.count("巡逻\n") == 199_999


@pytest.mark.parametrize(
    "unit", ["甲", "甲。", " ", "甲 - ", "&nbsp;", "<", "<b>甲</b>", "&#24033;", "甲<br>", "| 甲 |", "- "]
)
def test_time_grows_with_the_length_of_a_paragraph(unit, assert_linear):
    assert_linear(lambda text: extract_html(_page(f"<p>{text}</p>", f"<title>{text}</title>")), unit, top=12_000)


def _fallback(body: str) -> dict:
    """What a page gives that trafilatura mistakes: it takes the article for the whole."""
    asides = "".join(f"<aside><p>{FIRST}</p></aside>" for _ in range(3))
    answer = extract_html(_page(f"<article><p>短。</p></article>{body}{asides}", "<title>夏夜巡防</title>"))
    assert answer["text"].count(FIRST) == 3
    return answer


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        (
            "<table><tr><td><p>反诈</p></td><td><p>宣传</p> <p>12场</p></td></tr>"
            "<tr><td>巡逻<br>夜间</td><th>9次</th></tr></table>",
            ["反诈\t宣传 12场", "巡逻 夜间\t9次"],
        ),
        (
            "<table><tr><td>栏目</td><td><p>甲来了。</p><p>乙来了。</p></td></tr></table>",
            ["栏目", "甲来了。", "乙来了。"],
        ),
        (
            "<table><tr><td><p>左</p><p>右</p></td><td><table><tr><td>一</td><td>二</td></tr></table></td></tr></table>",
            ["左", "右", "一\t二"],
        ),
        ("<pre>强化巡控\n  疏导<b>交</b>通\r\n优化</pre>服务", ["强化巡控", "疏导交通", "优化", "服务"]),
        ("<p>甲\n乙</p>", ["甲 乙"]),
        ("<p><ruby>缉<rp>(</rp><rt>jī</rt><rp>)</rp></ruby>毒</p>", ["缉毒"]),
        ("<p hidden>藏</p><p aria-hidden='true'>藏</p>留<span style='color:red; Display : NONE'>藏</span>下", ["留下"]),
        ("<div style='visibility:hidden'><p>藏</p></div><p style='display:block'>见</p>", ["见"]),
    ],
    ids=["cells", "layout", "nested", "pre", "paragraph", "ruby", "hidden", "style"],
)
def test_every_visible_line_is_read_as_the_page_shows_it(body, lines):
    found = _fallback(body)["text"].split("\n")
    assert [line for line in found if line not in ("短。", FIRST)] == lines


def test_a_body_hidden_until_its_script_has_run_is_read():
    assert extract_html(f"<html><body style='display:none'><p>{FIRST}</p></body></html>")["text"] == FIRST


@pytest.mark.parametrize(
    ("body", "links"),
    [
        ("<div><a href='/'>首页</a> | <a href='/a'>警务动态</a></div>", ["首页 | 警务动态"]),
        ("<ul><li><a href='/1'>一则通报</a></li><li><a href='/2'>二则通报</a></li></ul>", ["一则通报", "二则通报"]),
        ("<h1><a href='/1'>织密巡防网</a></h1><p><a href='/1'>织密巡防网</a></p>", []),
        ("<p><a href='/1'>夏夜巡防</a></p>", []),
        ("<p><a href='/1'>民警在夜市巡逻。</a></p>", []),
        ("<p>详见<a href='/1'>通报</a></p>", []),
        ("<p><a name='m1'>一、强化巡控</a></p>", []),
    ],
    ids=["menu", "list", "heading", "title", "sentence", "half", "anchor"],
)
def test_lines_of_links_are_told(body, links):
    answer = _fallback(body)
    assert [answer["text"][start:end] for start, end in answer["links"]] == links


def test_a_page_of_nothing_but_links_keeps_them():
    page = _page("<h1>巡防</h1><p><a href='/1'>强化巡控</a></p>" + "<div>" * 300)
    assert extract_html(page)["links"] == []
    assert extract_html(PAGE)["links"] == []


@pytest.mark.parametrize(
    "unit", ["<tr><td>甲<td>乙", "<table><tr><td>甲<td>", "<td> ", "<a href=x>甲", "<pre>甲\n", "\t "]
)
def test_time_grows_with_the_length_of_a_table(unit, assert_linear):
    assert_linear(lambda text: extract_html(_page(f"<table>{text}</table>")), unit, top=12_000)
