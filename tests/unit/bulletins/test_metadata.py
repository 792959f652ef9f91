"""Title, date and issuer: only what the page states."""

from __future__ import annotations

import pytest

from tagger.bulletins.bulletin import parse_bulletin
from tagger.bulletins.metadata import PageFacts

BODY = "\n民警在夜市巡逻，盘查可疑车辆四十余辆。\n群众安全感稳步提升。\n"


def _facts(text: str) -> PageFacts:
    bulletin = parse_bulletin(text)
    return PageFacts(bulletin.title, bulletin.date, bulletin.issuer)


@pytest.mark.parametrize("title", ["云岭县公安局护航丰收节", "強化巡邏 守護平安", "“三个到位”守夏夜"])
def test_the_first_line_of_content_is_the_title_as_written(title):
    assert _facts(f"首页 > 正文\n\u3000• {title} \n2023-07-14 09:00{BODY}").title == title


@pytest.mark.parametrize(
    "text",
    [
        f"民警在夜市巡逻。{BODY}",
        f"各位市民：{BODY}",
        f"{'长' * 61}{BODY}",
        "云岭县公安局护航丰收节",
        "",
        "首页 > 正文\n【打印】",
    ],
)
def test_prose_a_salutation_a_long_line_or_a_lone_line_is_no_title(text):
    assert _facts(text).title is None


@pytest.mark.parametrize(
    ("line", "date"),
    [
        ("2023-07-14 09:26:31", "2023-07-14"),
        ("时间：2023年7月4日 来源：云岭县公安局", "2023-07-04"),
        ("发布时间:2023/7/14", "2023-07-14"),
        ("2023.07.14", "2023-07-14"),
        ("[作者：管理员 发布时间：２０２３－０７－１４ 15:08]", "2023-07-14"),
        ("發佈時間：2023-07-14", "2023-07-14"),
        ("发布时间：2023-13-45 更新时间：2023-07-14", "2023-07-14"),
        ("发布时间：2023-02-30", None),
        ("发布时间：1823-02-03", None),
        ("字号：大 中 小", None),
    ],
)
def test_the_date_is_one_that_the_page_states_and_the_calendar_has(line, date):
    assert _facts(f"云岭县公安局护航丰收节\n{line}{BODY}").date == date


def test_a_date_in_prose_is_not_the_bulletins():
    assert _facts("云岭县公安局护航丰收节\n2023年7月14日，民警在国道设卡查处酒驾六起。\n").date is None


@pytest.mark.parametrize(
    ("line", "issuer"),
    [
        ("来源：云岭县公安局", "云岭县公安局"),
        ("信息来源：云岭县公安局 发布日期：2021年3月5日", "云岭县公安局"),
        ("文章来源：云岭县人民政府 责任编辑：小周", "云岭县人民政府"),
        ("[作者：管理员 来源：云岭彝族自治县人民政府]", "云岭彝族自治县人民政府"),
        ("來源：雲嶺縣公安局", "雲嶺縣公安局"),
        ("（青石县公安局 供稿）", "青石县公安局"),
        ("来源：云岭日报 供稿：青石县公安局", "青石县公安局"),
        ("作者：李一凡 来源：云岭网", "李一凡"),
        ("来源：云岭发布", "云岭发布"),
        ("来源：云岭县公安局2023-07-14", "云岭县公安局"),
        ("来源：云岭县公安局 点击：12次", "云岭县公安局"),
        ("字号：大 中 小", None),
    ],
)
def test_the_issuer_is_a_stated_office_before_any_other_source(line, issuer):
    assert _facts(f"护航丰收节\n{line}\n民警在夜市巡逻。\n").issuer == issuer


@pytest.mark.parametrize(
    ("prose", "issuer"),
    [
        ("今年以来，云岭县公安局组织民警巡逻。", "云岭县公安局"),
        ("近日，白鹿区公安分局查处酒驾六起。", "白鹿区公安分局"),
        ("为守护平安，临江市公安局高新区分局增设岗亭。", "临江市公安局高新区分局"),
        ("入夏以来，青石县公安局城关派出所走访商户。", "青石县公安局城关派出所"),
        ("連日來，由雲嶺縣公安局牽頭開展整治。", "雲嶺縣公安局"),
        ("民警在夜市巡逻。", None),
        ("近日，县公安局组织巡逻。", None),
        ("连日来，和县公安局组织巡逻。", "和县公安局"),
    ],
)
def test_without_a_statement_it_is_the_police_office_that_prose_names_first(prose, issuer):
    assert _facts(f"护航丰收节\n{prose}\n").issuer == issuer


def test_a_stated_office_wins_over_the_one_in_prose_and_that_over_another_source():
    prose = "近日，青石县公安局组织民警巡逻。"
    assert _facts(f"护航\n来源：云岭县公安局\n{prose}\n").issuer == "云岭县公安局"
    assert _facts(f"护航\n来源：云岭日报\n{prose}\n").issuer == "青石县公安局"


def test_a_full_name_wins_over_a_bare_one():
    assert _facts("护航\n（县公安局 供稿）\n来源：云岭县人民政府\n民警巡逻。\n").issuer == "云岭县人民政府"


def test_facts_of_the_document_win_over_those_in_its_text():
    facts = PageFacts("页面标题", "2020-01-02", "页面单位")
    bulletin = parse_bulletin(f"云岭县公安局护航丰收节\n2023-07-14{BODY}", facts=facts)
    assert PageFacts(bulletin.title, bulletin.date, bulletin.issuer) == facts


@pytest.mark.parametrize(
    "unit",
    ["来源:甲乙|", "来源:甲公安|", "2023-13-45 ", "(甲乙供稿)", "由某某县公安局", "公安局甲乙", "作者:", "2023年"],
)
def test_time_grows_with_the_length_of_a_line(unit, assert_linear):
    assert_linear(parse_bulletin, unit, around=("护航丰收节\n", "\n民警巡逻。\n"), top=30_000)
