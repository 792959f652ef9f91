"""A bulletin cut from a text: units, spans, noise, lead-ins and measures; the sample bulletins."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagger.bulletins.bulletin import Bulletin, bulletin_from_sentences, parse_bulletin
from tagger.bulletins.metadata import PageFacts
from tagger.bulletins.normalize import normalize
from tagger.bulletins.reading import read_bulletin

_RICH = st.text(
    st.sampled_from(
        '一二三强化巡控公安局青石县民警说来源编辑:：。！；，、"“”()（）[]【】'
        "jìde\u0301\n\n\r \u3000\u200b首页>2023-07-14éÃ�\ue000"
    ),
    max_size=200,
)


def _contents(bulletin: Bulletin) -> list[str]:
    return [s.normalized for p in bulletin.paragraphs for s in p.content]


def _noise(bulletin: Bulletin) -> list[str]:
    return [s.text for p in bulletin.paragraphs for s in p.sentences if s.noise]


def _lead_ins(bulletin: Bulletin) -> list[str]:
    return [bulletin.sentence(*measure.sentences[0]).normalized for measure in bulletin.measures]


def test_page_furniture_is_noise_and_nothing_else(samples):
    bulletin = read_bulletin(samples / "furniture.txt")
    assert _contents(bulletin) == [
        '青石县公安局"三个到位"守护夏夜平安',
        "入夏以来,青石县公安局针对夜间警情多发的特点,把警力往街面摆、往广场摆,夜市周边秩序明显好转。",
        "每晚八时起,三个巡逻组沿河滨路步行巡逻,盘查可疑车辆四十余辆。",
        "图为民警在夜市向摊主讲解用火安全。",
    ]
    assert _noise(bulletin) == [
        "首页 > 警务公开 > 警务动态 > 基层在线",
        "时间：2023-07-14 09:26:31  来源：青石县公安局  作者：县局宣传中心",
        "【打印】 【字体：大 中 小】",
        "夜巡现场.jpg",
        "（青石县公安局 供稿）",
        "责编：李一凡",
        "编辑/周小满",
        "陈思远 刘晓雨",
        "请输入验证码",
        "上一篇：青石县公安局召开队伍管理工作会",
        "【关闭窗口】 【返回顶部】",
        "Baidu",
        "map",
    ]
    assert bulletin.title == "青石县公安局“三个到位”守护夏夜平安"
    assert (bulletin.date, bulletin.issuer) == ("2023-07-14", "青石县公安局")
    assert bulletin.measures == ()


def test_traditional_script_is_read_as_simplified_and_kept_as_written(samples):
    bulletin = read_bulletin(samples / "traditional.txt")
    assert _lead_ins(bulletin) == ["强化巡控保平安。", "优化服务暖民心。"]
    assert _contents(bulletin)[-1] == (
        '户籍窗口节日期间不打烊,为返乡群众办理身份证六十张,民警冒着严寒上门送证,群众连声说"没什么比这更贴心"。'
    )
    assert bulletin.title == "白鹿區公安分局多點發力守護節日平安"
    assert bulletin.issuer == "白鹿區公安分局"


def test_inserted_pinyin_is_out_of_what_a_model_sees(samples):
    bulletin = read_bulletin(samples / "pinyin.txt")
    assert _contents(bulletin) == [
        "为切实加强纪律作风建设,云岭县公安局组织全警开展集中学习,把规矩意识落实到每一个执勤岗位。",
        "强化警力稳秩序。",
        "针对赶集日人车混行的实际,民警分时段在乡镇路口疏导交通,劝导违停车辆三十余台。",
        "加强宣传聚合力。",
        "民警走进村组院坝,用方言讲解反诈知识,发放宣传资料五百余份,指导群众下载国家反诈中心(APP)。",
    ]
    assert _lead_ins(bulletin) == ["强化警力稳秩序。", "加强宣传聚合力。"]


def test_bracketed_latin_stays(samples):
    assert _contents(read_bulletin(samples / "latin.txt")) == [
        '临江区公安分局推广"民生e警通"(APP),群众足不出户即可申领居住证。',
        "分局特勤中队(PTU)在商圈定点值守,巡逻车(SUV)每两小时绕行一圈,单程约12公里(km)。",
        '新增的(LED)屏滚动播放反诈提示,"110"接警台同步升级(V2.0)。',
    ]


def test_width_and_white_space_are_folded(samples):
    assert _contents(read_bulletin(samples / "spaces.txt")) == [
        "云岭县公安局强化夜间巡逻,出动警力120人次,检查车辆36辆。",
        "各派出所联合保安、联防队员,在A区、B区设置5个执勤点,见警率提升25%。",
        '民警告诉记者:"今晚的街面很平静!"',
    ]


def test_mojibake_is_noise_and_does_not_spread(samples):
    bulletin = read_bulletin(samples / "mojibake.txt")
    assert _contents(bulletin) == [
        "白鹿区公安分局夜查酒驾",
        "民警在迎宾大道设卡,当晚查处酒后驾驶六起。",
        "对现场查获的驾驶人,民警依法扣留车辆并开具凭证。",
    ]
    assert len(_noise(bulletin)) == 4


def test_measures_are_lead_ins_with_the_sentences_that_carry_them_out(samples):
    bulletin = read_bulletin(samples / "comprehensive.txt")
    assert _lead_ins(bulletin) == [
        "强化巡控保稳定。",
        "一是疏导交通保畅通。",
        "(二)反诈宣传进会场",
        "文明养犬入人心",
        "便民服务零距离",
    ]
    assert [measure.sentences for measure in bulletin.measures] == [
        ((2, 0), (2, 1), (2, 2)),
        ((3, 0), (3, 1), (3, 2)),
        ((4, 0), (5, 0), (6, 0)),
        ((7, 0), (8, 0)),
        ((9, 0), (10, 0), (10, 1), (10, 2), (10, 3)),
    ]
    first = bulletin.measures[0]
    assert bulletin.original[first.start : first.end] == bulletin.paragraphs[2].text
    assert _noise(bulletin) == []
    assert bulletin.title == "云岭县公安局多措并举护航丰收节"


def test_a_hard_wrapped_page_is_two_paragraphs_of_whole_sentences(samples):
    bulletin = read_bulletin(samples / "hard_wrapped.txt")
    assert [len(paragraph.sentences) for paragraph in bulletin.paragraphs] == [1, 1, 2]
    assert _contents(bulletin)[2] == (
        "在护学岗上,民警手把手教孩子们看红绿灯、走斑马线,并向接送孩子的家长发放交通安全提示卡,提醒骑乘电动自行车务必佩戴头盔。"
    )
    assert bulletin.measures == ()


def _check(bulletin: Bulletin) -> None:
    end = 0
    for p, paragraph in enumerate(bulletin.paragraphs):
        assert paragraph.index == p
        assert bulletin.original[paragraph.start : paragraph.end] == paragraph.text
        assert paragraph.sentences
        for s, sentence in enumerate(paragraph.sentences):
            assert sentence.index == s
            assert bulletin.original[sentence.start : sentence.end] == sentence.text
            assert not bulletin.original[end : sentence.start].strip()
            assert end <= sentence.start < sentence.end <= paragraph.end
            assert sentence.normalized == normalize(sentence.text).text
            assert not (sentence.noise and sentence.lead_in)
            end = sentence.end
    assert not bulletin.original[end:].strip()
    _check_measures(bulletin)


def _check_measures(bulletin: Bulletin) -> None:
    places = [place for measure in bulletin.measures for place in measure.sentences]
    assert places == sorted(set(places))
    led = [measure.sentences[0] for measure in bulletin.measures]
    assert led == [(p.index, s.index) for p in bulletin.paragraphs for s in p.sentences if s.lead_in]
    for i, measure in enumerate(bulletin.measures):
        assert measure.index == i
        assert measure.start == bulletin.sentence(*measure.sentences[0]).start
        assert measure.end == bulletin.sentence(*measure.sentences[-1]).end


@pytest.mark.parametrize(
    "sample", sorted(path.name for path in (Path(__file__).parents[2] / "data/bulletins").glob("*"))
)
def test_the_units_of_a_sample_lead_back_to_its_text(samples, sample):
    _check(read_bulletin(samples / sample))


@given(st.text())
@settings(max_examples=400, deadline=None)
def test_the_units_of_any_text_lead_back_to_it(text):
    _check(parse_bulletin(text))


@given(_RICH)
@settings(max_examples=400, deadline=None)
def test_the_units_of_a_text_like_a_page_lead_back_to_it(text):
    _check(parse_bulletin(text))


@given(st.text(st.characters(categories=["Cs", "Lo", "Zs", "Cc"])))
@settings(max_examples=100, deadline=None)
def test_lone_surrogates_crash_nothing(text):
    _check(parse_bulletin(text))


def test_a_blank_text_has_no_paragraphs():
    bulletin = parse_bulletin(" \n\u3000\r\n", id="a", source="a.txt")
    assert bulletin == Bulletin("a", "a.txt", " \n\u3000\r\n", ())


def test_names_and_signatures_are_furniture_at_the_foot_alone():
    text = "李一凡\n云岭县公安局 2023年7月14日\n民警在夜市巡逻。\n陈思远 刘晓雨\n【打印】\n云岭县公安局 2023年7月14日\n"
    assert [p.noise for p in parse_bulletin(text).paragraphs] == [False, False, False, True, True, True]


def test_a_name_written_with_spaces_or_in_traditional_script_is_an_editor_too():
    assert parse_bulletin("民警在夜市巡逻。\n張 三　李一凡\n").paragraphs[1].noise is False
    assert parse_bulletin("民警在夜市巡逻。\n陳思遠　李一凡\n").paragraphs[1].noise is True
    assert parse_bulletin("民警在夜市巡逻。\n張　三\n").paragraphs[1].noise is True


def test_the_title_its_repetition_and_a_subtitle_open_no_measure():
    text = "强化巡控守平安\n强化巡控守平安\n——云岭县公安局工作纪实\n优化服务\n民警上门办证。\n"
    assert _lead_ins(parse_bulletin(text)) == ["优化服务"]


@pytest.mark.parametrize("title", ["\u200b", "", None])
def test_a_stated_title_without_characters_hides_no_heading(title):
    text = "民警在夜市巡逻。\n优化服务\n民警上门办证。\n"
    assert _lead_ins(parse_bulletin(text, facts=PageFacts(title=title))) == ["优化服务"]


def test_a_measure_opened_within_a_paragraph_ends_with_it():
    text = "强化巡控保稳定。民警步行巡逻。\n群众纷纷点赞。\n"
    assert [m.sentences for m in parse_bulletin(text).measures] == [((0, 0), (0, 1))]


def test_a_measure_under_a_heading_runs_to_the_next_and_skips_furniture():
    text = "守护夏夜\n强化巡控\n民警步行巡逻。\n夜巡.jpg\n群众点赞。\n优化服务\n民警上门办证。\n"
    assert [m.sentences for m in parse_bulletin(text).measures] == [((1, 0), (2, 0), (4, 0)), ((5, 0), (6, 0))]


def test_labelled_sentences_are_not_cut_again():
    bulletin = bulletin_from_sentences([["强化巡控。民警巡逻。", "群众点赞。"], ["优化服务"]], id="a")
    assert bulletin.original == "强化巡控。民警巡逻。群众点赞。\n优化服务\n"
    assert [[s.text for s in p.sentences] for p in bulletin.paragraphs] == [
        ["强化巡控。民警巡逻。", "群众点赞。"],
        ["优化服务"],
    ]
    _check(bulletin)


@pytest.mark.parametrize(
    ("paragraphs", "message"),
    [
        ([["民警巡逻。", " \u3000"]], "blank sentence in bulletin 'a'"),
        ([[""]], "blank sentence in bulletin 'a'"),
        ([["民警巡逻。"], []], "paragraph without sentences in bulletin 'a'"),
    ],
)
def test_labelled_data_without_text_is_refused(paragraphs, message):
    with pytest.raises(ValueError, match=message):
        bulletin_from_sentences(paragraphs, id="a")


@pytest.mark.parametrize(
    "unit", ["强化巡控。", "强化巡控\n", "一、强化\n", "首页>正文\n", "陈思远\n", "民警说，", "风(fēng)", "李一凡。\n"]
)
def test_time_grows_with_the_length_of_a_text(unit, assert_linear):
    assert_linear(parse_bulletin, unit, around=("守护夏夜平安\n", "\n民警巡逻。"), top=20_000)


def test_a_long_stated_title_costs_its_length_once(assert_linear):
    def parse(text: str) -> None:
        parse_bulletin("强化巡控\n" * (len(text) // 20), facts=PageFacts(title=text))

    assert_linear(parse, "守护夏夜平安", top=20_000)


def test_what_the_document_shows_to_be_links_is_noise_and_states_nothing():
    text = "警务公开 队伍建设\n护航夜市\n民警巡逻。群众点赞。\n召开会议 2020-01-02"
    bulletin = parse_bulletin(text, furniture=[[0, 9], [26, 41]])
    assert (_noise(bulletin), bulletin.title, bulletin.date) == (
        ["警务公开 队伍建设", "召开会议 2020-01-02"],
        "护航夜市",
        None,
    )
    assert not parse_bulletin(text, furniture=[[0, 8]]).paragraphs[0].noise


def _furniture_of(text: str) -> list[str]:
    return [s.text for p in parse_bulletin(text).paragraphs for s in p.sentences if s.noise]


_PROSE = "民警在夜市开展武装巡逻。巡逻中劝离违停车辆十二台。"


def test_an_author_behind_the_last_full_stop_is_furniture() -> None:
    page = f"元江县公安局强化夜间巡逻\n{_PROSE}\n护送老人回家（老人姓李）。（元江县公安局 张磊）\n"
    assert _furniture_of(page) == ["（元江县公安局 张磊）"]
    assert _furniture_of(page + "下一步，继续强化巡逻。\n") == [], "it is so at the foot alone"


def test_the_office_that_signs_is_furniture_at_the_foot_alone() -> None:
    assert _furniture_of(f"关于交通管制的通告\n{_PROSE}\n元江县公安局\n2023年5月6日\n") == [
        "元江县公安局",
        "2023年5月6日",
    ]
    assert _furniture_of(f"元江县公安局\n{_PROSE}\n{_PROSE}\n") == []


def test_above_a_breadcrumb_there_is_only_the_site() -> None:
    frame = "元江县人民政府\n便民热线\n首页 > 公安工作 > 正文\n"
    page = parse_bulletin(f"{frame}元江县公安局强化夜间巡逻\n{_PROSE}\n")
    assert [p.text for p in page.paragraphs if p.noise] == frame.splitlines()
    assert page.title == "元江县公安局强化夜间巡逻"
    above = parse_bulletin(f"元江县公安局强化夜间巡逻\n首页 > 公安工作 > 正文\n{_PROSE}\n")
    assert above.title == "元江县公安局强化夜间巡逻", "no title below: it is above"
    assert [p.text for p in above.paragraphs if p.noise] == ["首页 > 公安工作 > 正文"]


def test_titles_of_other_pages_below_the_text_are_furniture() -> None:
    others = "相关新闻\n元江县公安局开展货车整治\n元江县公安局召开党委会议\n"
    assert _furniture_of(f"元江县公安局强化夜间巡逻\n{_PROSE}\n{others}") == others.splitlines()
    assert _furniture_of(f"元江县公安局强化夜间巡逻\n相关新闻\n元江县公安局开展货车整治\n{_PROSE}\n") == ["相关新闻"]


def test_a_title_may_hold_an_exclamation() -> None:
    assert parse_bulletin(f"暖心！民警雨中护送学生\n{_PROSE}\n").title == "暖心！民警雨中护送学生"
