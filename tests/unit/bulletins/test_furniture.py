"""Page furniture: what is, what only looks like it, and that no line takes long to tell."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagger.bulletins import furniture
from tagger.bulletins.furniture import is_furniture, is_garbled, is_person_line, is_signature, is_signed
from tagger.bulletins.normalize import normalize


@pytest.mark.parametrize(
    "line",
    [
        "首页 > 警务公开 > 警务动态",
        "当前位置：网站首页 » 新闻中心 » 正文",
        "您现在的位置：首页",
        "警务动态 >> 基层在线",
        "【打印】 【字体：大 中 小】",
        "【打印】 【字体:",
        "[打印本页] [关闭窗口]",
        "返回顶部",
        "打印 | 关闭",
        "大 中 小",
        "无障碍浏览",
        "设为首页 加入收藏",
        "打印 关闭",
        "登录 注册 无障碍浏览",
        "[作者：县局管理员 发布时间：2022-02-18 15:08 来源：云岭县人民政府]",
        "时间 : 2020-11-04 10:23:06 来源 : 云岭网",
        "信息来源：云岭县公安局 发布日期：2021年3月5日 浏览次数：128",
        "文章来源：本站原创 责任编辑：小周",
        "发布时间：2019/7/1 9:30",
        "来源：云岭县公安局",
        "文/图 周小满",
        "图/文：周小满 编辑：李一凡",
        "/     陈立德  编辑/周小满",
        "责编：李一凡",
        "记者：李一凡",
        "电话：0871-1234567",
        "    2016-08-19 13:10:10",
        "2023年7月14日",
        "2023-07-14 星期五",
        "（县公安局 供稿）",
        "（李一凡 摄）",
        "【来源：云岭日报，李一凡】",
        "夜巡现场.jpg",
        "附件：行动方案.docx",
        "Baidu",
        "map",
        "请输入验证码",
        "上一篇：云岭县公安局召开会议",
        "下一条：没有了",
        "原标题：云岭公安护航丰收节",
        "滇ICP备12345678号 版权所有：云岭县公安局",
        "滇公网安备 53012302000001号",
        "扫一扫在手机打开当前页",
        "长按二维码关注我们",
        "分享到：微信 新浪微博",
        "浏览次数：1024",
        "点击：845次",
        "阅读 1.2万",
        "共12人评论",
        "未经本站授权不得转载",
        "本文转载自云岭发布",
        "投稿邮箱：tougao@example.cn",
        "- END -",
        "（完）",
        "····",
        "———",
        "|",
        "12345",
        "AbC xyz",
        "",
        " ",
        "\u200b",
        "ç™½é¹¿åŒºå…¬å®‰åˆ†å±€",
        "锟斤拷锟斤拷□□锟斤拷",
        "□□□◆◇ÀÁÂÃ",
    ],
)
def test_page_furniture_is_told(line):
    assert is_furniture(normalize(line).text)


@pytest.mark.parametrize(
    "line",
    [
        "强化巡控保稳定。",
        "一、强化巡逻防控",
        "图为民警在夜市巡逻",
        "县公安局打好组合拳",
        "民警在首页发布提示，提醒群众防范诈骗。",
        "时间就是生命，民警火速出警。",
        "记者从县公安局获悉，今年警情下降两成。",
        "编辑短信三百条，提醒群众防范电信诈骗。",
        "来源于群众的线索，民警逐条核查。",
        "群众扫码关注后，还能领取一份纪念品。",
        "墙上贴着二维码，扫一扫就能申领犬证。",
        "反诈短视频浏览量20万次。",
        "▲疫情防控筑牢屏障。",
        "●加强群防群治队伍建设",
        "2023年7月14日，民警在国道设卡查处酒驾。",
        "气温升至35℃，民警仍坚守岗位。",
        "警情同比下降12.5%、38起",
        "“1+3+N”巡防机制",
        "2月份以来发案±0起",
        "打印证件当场领取",
        "大力推行警务公开",
        "确定更多便民举措",
        "关闭黑网吧三家",
        "相关链接：今年以来该局上门办证412件，平均用时缩短到17天。",
    ],
)
def test_content_is_not(line):
    assert not is_furniture(normalize(line).text)


@pytest.mark.parametrize(
    ("text", "garbled"),
    [
        ("鐧介箍鍖哄叕瀹夊垎灞┚澶滄煡", True),
        ("ÀÁÂÃÄ", True),
        ("民警在街面巡逻", False),
        ("民警气温35°时坚守岗位", False),
        ("◆鼗鼙", False),
        ("", False),
    ],
)
def test_broken_encoding_is_odd_signs_among_characters_nobody_uses(text, garbled):
    assert is_garbled(text) is garbled


@pytest.mark.parametrize("line", ["李一凡", "陈思远 刘晓雨", "周小满、李一凡", "廖张延", "赵钱/孙李"])
def test_names_alone_are_a_person_line(line):
    assert is_person_line(line)


@pytest.mark.parametrize(
    "line", ["民警", "强化巡控", "李一凡说", "陈思远 刘晓雨 周小满 李一凡 赵德柱", "a", "", "的一凡"]
)
def test_other_lines_are_not(line):
    assert not is_person_line(line)


@pytest.mark.parametrize("line", ["云岭县公安局 2023年7月14日", "云岭县公安局2023-7-14", "县局办公室 2023/7/14 9:30"])
def test_an_office_with_a_date_is_a_signature(line):
    assert is_signature(line)


@pytest.mark.parametrize("line", ["云岭县公安局", "2023年7月", "2023年7月14日，民警在国道设卡。"])
def test_a_line_without_a_date_at_its_end_is_not(line):
    assert not is_signature(line)


@given(
    st.one_of(st.text(), st.text(st.sampled_from("作者来源编辑信息:/|[]【】()> 大中小字号打印0-9年月日。,；巡逻é●ñ")))
)
@settings(max_examples=400, deadline=None)
def test_any_line_is_one_or_the_other(line):
    line = normalize(line).text
    assert is_furniture(line) in (True, False)
    assert is_person_line(line) in (True, False)
    assert is_signature(line) in (True, False)


def test_no_field_can_be_read_in_two_ways():
    fields = set(furniture._FIELD.split("|")) | set(furniture._SHORT_FIELD.split("|"))
    twice = {p + f for p in ("本文", "文章", "信息", "稿件") for f in fields} & fields
    assert twice == set()


@pytest.mark.parametrize("prefix", ["", "本文", "文章", "信息", "稿件"])
def test_time_to_tell_a_byline_grows_with_its_length(prefix, assert_linear):
    for field in f"{furniture._FIELD}|{furniture._SHORT_FIELD}".split("|"):
        assert_linear(is_furniture, f"{prefix}{field}:", around=("", "甲。"), top=3_000)


@pytest.mark.parametrize(
    "unit",
    [
        "作者:",
        "来源:甲",
        "信息来源:甲",
        "编辑",
        "编辑/",
        "时间:1,",
        "图/文:",
        "【来源:",
        "(供稿",
        "(",
        "[",
        ">",
        "»",
        "甲>",
        "首页>",
        "位置:",
        "浏览1",
        "浏览1,",
        "1,",
        "1:",
        "2023-7-14",
        "20",
        "周",
        "大|",
        "打印",
        "打印|",
        "关闭窗口",
        "字号:",
        "未经",
        "授权",
        "本文",
        "转载",
        "-—",
        "—",
        "·",
        "é",
        "Ã甲",
        "张三、",
        "张三/",
        "。",
        ";",
        "甲,",
        ".jpg",
        "分享到:",
        "警",
        "讯(记者",
        "转发(1)",
        "评论",
        "二〇一〇年七月六日",
        "点个赞",
        "@甲",
        "供图",
        "(张三",
        "记者张",
        "相关新闻",
        "2023-7-1 9:30 ",
    ],
)
@pytest.mark.parametrize("around", [("", "。"), ("【", "甲"), ("信息来源:", "!")])
def test_time_to_tell_a_line_grows_with_its_length(unit, around, assert_linear):
    assert_linear(is_furniture, unit, around=around)


def test_lines_of_arrows_are_told_at_once():
    # Three stretches of up to 40 characters each, tried in every way, took 10 ms a line.
    start = time.process_time()
    assert not any(is_furniture(f"{'>甲' * 50}{i}。") for i in range(500))
    assert time.process_time() - start < 0.5


@pytest.mark.parametrize(
    "line",
    [
        "民警指导群众扫描二维码下载国家反诈中心APP",
        "交警大队2023年7月13日20:00在城区设卡查处酒驾12起",
        "扫一扫二维码即可网上办理身份证",
        "审核：办理户籍业务120件",
        "电话：户籍窗口办证可预约",
        "图：交警在路口疏导交通",
    ],
)
def test_a_line_that_reports_work_is_content_whatever_it_looks_like(line: str) -> None:
    assert not is_furniture(normalize(line).text)


@pytest.mark.parametrize("line", ["首页 > 反诈宣传 > 正文", "来源：巡逻警察大队", "相关阅读：全县开展禁毒宣传"])
def test_navigation_and_offices_are_furniture_whatever_they_name(line: str) -> None:
    assert is_furniture(normalize(line).text)


@pytest.mark.parametrize(
    "line",
    [
        "编辑丨陈静", "审核︱李涛", "校对┃王海", "监制│周敏", "撰稿人:李大勇", "供图:元江交警", "图源:元江交警",
        "素材来源:元江公安", "转自:平安元江", "(审核:王静;", "编辑李大勇审核王海", "责任编辑 张磊 校对 陈静",
        "发文日期:2022-12-20", "公开方式:主动公开", "时效性:有效", "往期推荐", "喜欢此内容的人还喜欢",
        "预览时标签不可点", "轻触阅读原文", "以下文章来源于平安元江", "收录于合集", "#反诈宣传#平安元江#",
        "微信号 pingan_yj",
        "平安元江微信公众号", "抖音号:yjga110", "长按上方二维码,关注我们", "文章不代表本平台立场",
        "关注\"元江交警\",了解更多资讯",
        "您当前的位置:首页>工作动态", "来源:柳河县公安局&nbsp;&nbsp;浏览:45", "警务要闻 警务公告 政府信息公开",
    ],
)  # fmt: skip
def test_what_accounts_and_portals_hang_around_a_text_is_furniture(line: str) -> None:
    assert is_furniture(line)


@pytest.mark.parametrize(
    "line",
    [
        "本报讯(记者 李娜)民警深夜破获盗窃案。", "■文明养犬 从我做起", "◆文明交通进校园",
        "主动公开办事指南,接受群众监督。",
        "记者跟访交警夜查酒驾", "王某 云A12345 2023-07-04 21:30 人民路与龙泉路口",
        "关注\"平安元江\"公众号,即可预约办证",
        "元江公安深夜守护高考考生平安回家发布时间:2023-06-08 来源:元江县公安局【字体:大 中 小】",
        "编辑、印发防骗手册三千册。", "您当前的位置:首页>工作动态>正文 1月11日晚,民警在夜市开展武装巡逻。",
    ],
)  # fmt: skip
def test_content_that_looks_like_it_stays(line: str) -> None:
    assert not is_furniture(line)


@pytest.mark.parametrize("line", ["元江县公安局2023年5月6日", "2023年5月6日", "元江县公安局交警大队2023-05-06"])
def test_an_office_with_a_date_signs(line: str) -> None:
    assert is_signature(line)


@pytest.mark.parametrize(
    "line", ["张某 云A12345 解放路2023年7月4日", "有效期至2025年12月31日", "管制时间:即日起至2023年7月8日"]
)
def test_a_row_of_a_table_and_a_term_do_not_sign(line: str) -> None:
    assert not is_signature(line)


@pytest.mark.parametrize("sentence", ["(元江县公安局 张磊)", "(张磊 李涛)", "(澧江派出所)"])
def test_an_author_in_brackets_signs(sentence: str) -> None:
    assert is_signed(sentence)


@pytest.mark.parametrize("sentence", ["(民警提醒)", "(略)", "(图为民警在夜市巡逻)", "(见附件)"])
def test_other_brackets_do_not_sign(sentence: str) -> None:
    assert not is_signed(sentence)
