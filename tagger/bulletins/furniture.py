"""Page furniture: what a page carries beside its bulletin.

Navigation, print buttons, bylines, editors, share lines, captcha, lone debris and broken
encoding are recognised line by line. They stay in the output, marked as noise, and are
never tagged. All functions take normalised text (`normalize`).
"""

from __future__ import annotations

import re

from tagger.bulletins.frequency import is_han, share_common

_DATE = r"\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?"
_TIME = r"(?:T?\d{1,2}[:时]\d{1,2}(?:[:分]\d{1,2}秒?)?)"
_SURNAMES = frozenset(
    "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜戚谢邹喻柏水窦章云苏潘葛奚范彭郎鲁韦马苗凤方俞任袁柳酆鲍史唐费"
    "廉岑薛雷贺倪汤滕殷罗毕郝安常乐于时傅皮卞齐康伍余元顾孟平黄和穆萧尹姚邵汪祁毛禹狄米贝明臧计伏成戴谈宋茅庞熊纪舒屈项祝董梁杜阮蓝闵席季"
    "贾路江童颜郭梅盛林钟徐邱骆高夏蔡田樊胡凌霍虞万支柯管卢莫房裘缪解应宗丁宣邓郁单杭洪包诸左石崔吉龚程邢裴陆荣翁荀羊甄曲封储靳焦牧隗山谷"
    "车侯全班仰秋仲伊宫宁仇栾厉祖武符刘景詹束龙叶幸司韶郜黎薄印宿白怀蒲从鄂索咸籍赖卓蔺屠蒙池乔阴胥苍闻莘党翟谭贡劳逄姬申扶堵冉宰雍璩桑桂"
    "牛寿通边扈燕冀浦尚农温别庄晏柴瞿阎充慕连茹习艾鱼容向古易慎戈廖庾终暨居衡步都耿满弘匡国文寇广禄阙东欧沃利蔚越隆师巩聂晁勾敖融冷訾辛"
    "阚那简饶曾关查后红游权盖益桓公闫付肖覃韦仝佟代丛苟修税荆郏隋但阳佘佴"
)
#: One to four names of two or three characters, each led by a surname.
_PERSON = rf"[{''.join(sorted(_SURNAMES))}][\u4e00-\u9fff]{{1,2}}"
_PEOPLE = rf"{_PERSON}(?:[ 、/]?{_PERSON}){{0,3}}"
#: None of these may be another one behind 本文, 文章, 信息 or 稿件, which `_BYLINE` takes off:
#: two ways to read one field are 2^n ways to read a line of n.
_FIELD = (
    "作者|撰稿|来源|稿源|发布时间|发布日期|发表时间|更新时间|发布机构|发布单位|"
    "发布人|发布者|责任编辑|责编|编辑|美编|编审|审核|审校|校对|初审|复审|终审|一审|二审|三审|签发|监制|策划|文字|图片|"
    "摄影|摄像|图文|文图|通讯员|供稿|供稿单位|撰文|录入|录入者|信息员|浏览|浏览次数|浏览量|访问量|阅读|阅读次数|阅读量|"
    "点击|点击数|点击率|点击量|字号|字体|字体大小|索引号|文号|主题词|分类|关键词|标签|栏目|所属栏目|"
    "撰稿人|审核人|审稿|核稿|编校|责任校对|签发人|供稿人|拟稿|拟稿人|录入人|供图|图源|文案|排版|出品|总监制|"
    "素材来源|图片来源|文图来源|内容来源|资料来源|原文来源|视频来源|转自|转载自|投稿|投稿信箱|作者单位|"
    "发文日期|成文日期|生成日期|公开日期|废止日期|公开方式|公开形式|公开范围|公开目录|时效性|有效性|体裁分类|"
    "主题分类|组配分类|内容概述|发文机关|发文字号|发文单位|文件编号|语种|"
    "总编辑|总编|值班总编|主编|副主编|投稿邮箱|传真|邮编|邮箱|主办|承办|主办单位|承办单位|技术支持|版权所有|网站标识码|微信号"
)
#: Fields that also open a caption, an answer or a notice: only with a short plain value.
_SHORT_FIELD = "时间|日期|记者|电话|联系电话|地址"
#: A picture's or text's author; a longer value is a caption, which is content.
_NAME_FIELD = "图|文"
#: The name of a field of a byline, with its colon.
ANY_FIELD = rf"(?:本文|文章|信息|稿件)?(?:{_FIELD}|{_SHORT_FIELD}|{_NAME_FIELD})\s*[:/|]"
#: A line made up of nothing but `field: value` pairs (a byline in its many forms).
_BYLINE = re.compile(
    rf"[\[(【\s]*(?:(?:本文|文章|信息|稿件)?(?:(?:{_FIELD})\s*[:/|](?:(?!{ANY_FIELD})[^。!?;]){{0,40}}"
    rf"|(?:{_SHORT_FIELD})\s*[:/|](?:(?!{ANY_FIELD})[^。!?;,]){{0,22}}"
    rf"|(?:{_NAME_FIELD})\s*[:/|](?:(?!{ANY_FIELD})[^。!?;,]){{0,9}}))+"
)
#: A short line with an editor's or author's field anywhere in it.
_STAFF = re.compile(
    r"(?!\(?图为)[^。!?;,]{0,24}(?:作者|编辑|责编|美编|编审|编校|审核|审稿|核稿|校对|撰稿|撰文|供稿|供图|摄影|通讯员|监制|签发"
    r"|拟稿|录入|图源)(?:人|单位)?\s*[:/|][^。!?;,]{0,24};?"
)
#: Two or more of a role with a name: the colon between them may be gone.
_ROLE = (
    "(?:责任|文字|图片|值班|网络|执行|本期|本网)?(?:编辑|责编|校对|审核|编审|审签|主编|总编|监制|签发|供稿|撰稿|撰文"
    "|摄影|作者|初审|复审|终审|一审|二审|三审)"
)
_ROLES = re.compile(rf"(?:{_ROLE}[ /|]?{_PEOPLE}[ /|,]?){{2,5}}")
_DATELINE = re.compile(rf"[\[(【\s]*(?:{_DATE})?\s*{_TIME}?\s*(?:星期.|周.)?[\])】\s|]*")
_CREDIT = re.compile(
    r"[(\[【](?:[^()\[\]。]{0,30}?)"
    r"(?:(?:供稿|供图|摄影|摄|撰稿|文/图|图/文|记者|通讯员|编辑|责编)[^()\[\]。]{0,24}|来源[:/].*)[)\]】]"
)
_BUTTONS = (
    "打印 打印本页 打印此页 打印文章 打印正文 关闭 关闭窗口 关闭本页 返回 返回顶部 返回首页 返回列表 返回上页 "
    "回到顶部 首页 主页 网站首页 上一篇 下一篇 上一页 下一页 上一条 下一条 尾页 末页 更多 更多>> 收藏 收藏本页 "
    "加入收藏 设为首页 分享 分享到 转发 转发到 点赞 在看 评论 举报 纠错 登录 注册 退出 搜索 检索 高级搜索 "
    "站内搜索 请输入关键字 请输入关键词 请输入验证码 验证码 看不清换一张 换一张 刷新 提交 重置 确定 取消 大 中 "
    "小 大中小 字体 字号 简体 繁体 简体版 繁体版 无障碍 无障碍浏览 长者模式 适老化 适老版 无障碍阅读 移动版 "
    "手机版 网站地图 联系我们 关于我们 友情链接 相关链接 相关阅读 相关文章 相关新闻 相关附件 附件 附件下载 "
    "延伸阅读 猜你喜欢 热门推荐 热点新闻 推荐阅读 最新文章 扫一扫 扫码关注 微信 微博 新浪微博 腾讯微博 QQ空间 "
    "朋友圈 微信扫一扫 复制链接 分享到微信 语音播报 朗读 听新闻 视力保护色 正文 全文 详情 查看详情 查看原文 "
    "阅读原文 阅读全文 展开全文 原标题 原文链接 页面功能 政务公开 网站声明 隐私声明 版权声明 免责声明 法律声明 "
    "当前位置 您的位置 您当前的位置 您所在的位置 导航 菜单 目录 收起 展开 加载中 数据加载中 暂无评论 我要评论 "
    "发表评论 警方提示 map baidu 顶部 回顶部 打印本文 打印此文 收藏此页 返回列表页 返回上一页 推荐给好友 "
    "告诉好友 分享至 站点地图 关于本站 隐私保护 关注 已关注 赞 投诉 写留言 精选留言 手机看 智能机器人 用户名 "
    "密码 匿名发表 我来说两句 警务要闻 警务公告 警务资讯 警民互动 政府信息公开 办事服务 公示公告 政务服务网 "
    "互动交流 新闻中心 专题专栏 机构概况 用户反馈 知道了 打开APP 百家号 返回版面 标题导航 版面导航 上一版 下一版 "
    "政务微信 政务微博 智能问答 放大 缩小 默认 挑错 热门搜索 相关稿件 相关推荐 相关信息 条评论 版权和免责声明"
)
_BUTTON_WORDS = {word.casefold() for word in _BUTTONS.split()} - {"警方提示"}
_LONGEST_BUTTON = max(map(len, _BUTTON_WORDS))
_FURNITURE = re.compile(
    r"^.{0,20}(?:ICP备|公网安备|网站标识码|版权所有|Copyright|All Rights? Reserved).{0,80}$"
    r"|^[^。;]{0,16}(?:扫一扫|扫描二维码|长按(?:识别)?二维码|识别二维码|微信扫码|长按关注|扫码关注|点击(?:上方|下方|右上角|蓝字|阅读原文)|关注我们"
    r"|欢迎关注|点个在看|星标|分享到[:朋微]|分享给|转发给更多|戳这里)[^。;]{0,40}$"
    r"|^.{0,60}(?:字体|字号)\s*[:\[【(]?\s*(?:大|特大|小|[\[【(]).{0,40}$"
    r"|^.{0,40}(?:打印本页|打印此页|【打印】|\[打印\]|关闭窗口|【关闭】|\[关闭\]|我要纠错|返回顶部).{0,40}$"
    r"|^.{0,12}(?:浏览|点击|阅读|访问)(?:次数|量|数|率)?\s*[:(]?\s*[\d,]+\s*次?[^。;]{0,20}$"
    r"|^(?:已有|共有?)?\d*(?:人|次)(?:浏览|阅读|评论|点赞)$"
    r"|^[^。!?;]{0,30}\.(?:jpe?g|png|gif|bmp|docx?|pdf|xlsx?|mp4|html?)$"
    r"|^(?:编者按|来稿|投稿|爆料).{0,4}[:].{0,40}(?:邮箱|电话|@).{0,40}$"
    r"|^.{0,24}(?:不得转载|转载请注明|未经.{0,10}授权|仅供参考|侵权.{0,4}删).{0,40}$"
    r"|^(?:本文|本稿|以上).{0,20}(?:转载自|来源于|摘自).{0,30}$"
    r"|^(?:该|此)?(?:文章|信息|页面|网页)?已?被?(?:浏览|阅读|点击)\d+.{0,6}$"
    r"|^(?:end|the end|-+end-+|—+end—+|[(\[]?完[)\]]?)$",
    re.IGNORECASE,
)
#: Where furniture begins in a line that a title opens, and such a title.
_FIRST_BUTTON = re.compile(
    rf"{ANY_FIELD}|{_DATE}|[\[(【]|字体|字号|打印|关闭|返回|浏览|点击|阅读|访问|扫|长按|识别|微信扫码|关注|欢迎|点个|星标|分享"
    r"|转发|戳这里|未经|转载|侵权|仅供|不得|版权|Copyright|All Right|ICP|公网安备|网站标识码"
    r"|\.(?:jpe?g|png|gif|bmp|docx?|pdf|xlsx?|mp4|html?)$",
    re.IGNORECASE,
)
_LONG_TITLE = re.compile(r"[\u4e00-\u9fff\"'“”‘’《》、:]{14,60}(?<![局所队科室处站股办府])\s*$")
_CHINESE_DATE = r"[一二][〇零○0九八0-9一二三四五六七]{3}年[一二三四五六七八九十]{1,2}月[一二三四五六七八九十]{1,3}日"
_OFFICE_END = "局|所|队|科|室|处|站|股|办|中心|报|网|台|公安"
#: Short lines that a page's own machinery or its newsroom writes; each is bounded, none nests.
_NEWSROOM = re.compile(
    rf"(?:[^\d。!?;,]{{0,24}}(?<![于至自到])|(?:发布|发表|更新)于\s?|[^。!?;,]{{0,24}}[:/|]\s?){_DATE}\s?{_TIME}"
    rf"(?:[^。!?;,\d]{{0,6}}|\s?(?:[|(·:]|来自|来源|发[布表]|编辑|作者|记者|阅读|浏览|点击|已阅|听|字|星期|信息)[^。!?;,]{{0,36}})"
    rf"|[^。!?;,]{{0,24}}(?:{_DATE}|{_CHINESE_DATE})\s?[|·(]?(?:印发?|发布|第.{{1,3}}版|来源|来自|责任编辑|记者|信息员|通讯员|浏览|阅读|星期|发表)[^。!?;]{{0,40}}"
    rf"|\(?[^。!?;,]{{0,24}}{_CHINESE_DATE}\)?"
    r"|(?:[^。!?;,]{0,30}\s?)?转发\s?\(?\d+\)?[\s|·]*评论.{0,24}"
    r"|[\[(【]?[\u4e00-\u9fff]{2,10}[(\[]\d{4}[)\]]第?\d{1,4}[号期][\])】]?"
    r"|[^。!?;,]{0,10}讯\s?\([^()]{0,24}(?:记者|通讯员)[^()]{0,20}\)[\d:\s.-]{0,20}"
    r"|[□■◇◆]\s?(?:本报(?:记者|通讯员)|[文图][/:|]|(?:记者|通讯员|摄影|撰文)).{0,30}"
    rf"|[^。!?;,()]{{0,12}}(?:(?:记者|通讯员)[ /]?{_PEOPLE}[ /]?){{1,3}}(?:(?:摄影|综合)?报道|摄)?(?:\d{{4}}.{{0,12}})?"
    r"|\(?[^。!?;,]{0,12}(?:供图|图片由.{0,12}提供|图[:/|].{2,8}(?:提供|供))\)?"
    r"|(?:采写|拍摄|制图|海报|编发|文字编辑|图片编辑|剪辑)\s?[:/|].{0,40}"
    r"|[\[【(]?(?:今天是.{0,12}星期.|点击排行|热点专题|相关新闻|相关专题|新闻链接|新闻背景链接|下一则|上一则|图片新闻|信息公开选项|主动公开(?=[\]】)]|$)|阅读原文|发布者?[:]).{0,30}"
    r"|@[^\s,。!?;:]{2,20}\s?[vV]"
    r"|(?!.{0,30}提醒)[^。!?;]{0,16}(?:点个\"?(?:小?赞|关注|在看)|转评赞|左下角阅读|求转发|请加关注).{0,24}"
)
#: Work that somebody does: a line that reports it mixes furniture with content, and takes the content's side
#: (guideline, rule 16). Names of units and offices are not among the words.
_WORK = re.compile(
    r"查处|查获|抓获|设卡|盘查|步巡|巡逻(?!.{0,4}[队警])|办理|补办|补换|换领|申领|下载|安装|注册国家|指导|疏导|整治|劝导|劝阻|收容|开展|组织|走访"
    r"|发放|讲解|讲授|宣传活动|宣讲|执勤|预约|处罚|受理|止付|追回|巡查(?!.{0,3}[队警])|教育(?!局|科|处|委)|捐赠|慰问|培训|演练|调解"
)
#: Where one is on a site, and what else there is to read: never content, whatever it names.
_NAVIGATION = re.compile(
    r"^(?:您?的?(?:当前|现在|所在|您的)位置|您(?:现在|当前)?(?:所在|的)位置|您在这里|位置)\s*[:>][^。!?;]*$"
    r"|^(?:首页|主页|网站首页|本站首页)\s*(?:[>›|»/→·-]|&gt;)[^。!?;]*$"
    r"|^[^。!?;,]{0,40}[>»][^。!?;,]{0,82}$"
    r"|^(?:上一[篇条]|下一[篇条]|[上下]篇|原标题|相关链接|相关阅读|延伸阅读|相关附件|附件\d*|推荐阅读)\s*[:>][^。]{0,40}$"
)
#: What accounts on WeChat and news portals hang below a text; a line of nothing else.
_TAIL = re.compile(
    r"(?:往期|精彩|更多精彩|热门|最新|热点|精选|猜你|为你)(?:推荐|回顾|内容|喜欢|文章|排行|评论|资讯).{0,30}"
    r"|喜欢此内容的人还喜欢|大家都在看|作者最新文章|预览时标签不可点|轻触(?:阅读原文|查看原文)|(?:继续|向上)滑动看下一个"
    r"|(?:长按|扫码|已|去)?关注(?:该|我们的?)?公众号|关注\".{2,14}\",(?:了解|获取|查看).{0,24}|写下你的留言"
    r"|[^。;]{0,16}一键三连.{0,10}|[^。;]{0,10}(?:点分享|点收藏|点点赞|点在看).{0,20}"
    r"|以下文章来源于.{0,30}|收录于(?:合集|话题|专辑).{0,30}|(?:#[^#\s]{1,20}#?\s?){1,6}(?:\d{1,4}个?)?"
    r"|微信号\s?[\w-]{4,30}|功能介绍\s?.{0,40}|(?:抖音|快手|微信|视频|微博|头条|QQ)号\s?[:|].{1,24}"
    r"|官方(?:微信|微博|抖音|公众号|网站)|.{2,16}(?:官方账号|官方公众号|微信公众号)|(?:长按|扫描?|识别)[^。;]{0,12}二维码[^。;]{0,20}"
    r"|[^。;]{0,30}(?:本平台(?:立场|仅提供)|不代表(?:本|该)?(?:平台|网|站|公众号)|仅代表(?:该)?作者).{0,40}"
)
#: The heading of a list of other pages.
_OTHER_PAGES = re.compile(
    r"[\W_]*(?:(?:相关|更多|推荐|热点|热门|最新|往期|延伸|精彩)(?:信息|稿件|新闻|文章|阅读|推荐|动态|资讯|报道|内容|回顾)"
    r"|上一[篇条]|下一[篇条]|点击排行|热门排行).{0,60}"
)
_BREADCRUMB = re.compile(
    r"您?的?(?:当前|现在|所在)?位置\s*[:>]|您在这里|(?:网站|本站)?(?:首页|主页)\s*(?:[>›|»/→-]|&gt;)"
)
_BRACKETED_NAME = re.compile(rf"\((?:[\u4e00-\u9fff]{{0,20}}(?:{_OFFICE_END}))?\s?[\u4e00-\u9fff 、]{{2,9}}\)")
#: Who wrote a text, in brackets behind its last full stop: an office with its end, or names.
_SIGNED = re.compile(rf"\((?:[\u4e00-\u9fff]{{2,20}}(?:{_OFFICE_END})[ :]?(?:{_PEOPLE})?|{_PEOPLE})\)")
_SIGNING_OFFICE = re.compile(
    rf"[\u4e00-\u9fff]{{2,24}}(?:公安局|公安处|分局|派出所|大队|支队|总队|办公室|领导小组)(?:[ :]?{_PEOPLE})?"
)
#: An office or nothing, and a date; digits before it, or a word such as 至, make it a row of a table or a term.
_SIGNATURE = re.compile(rf"\(?[^\d:,。;]{{0,30}}(?<![至到于自期起从在])\s*{_DATE}\s*{_TIME}?\)?")
#: Signs that pages draw in the place of a bar, and blanks that a converter left as they were.
_BAR, _BLANK = re.compile("[丨︱┃│▏∣‖▌]"), re.compile(r"&(?:nbsp|emsp|ensp);?")
_DEBRIS_CHAR = re.compile(r"[\u00c0-\u024f\u2500-\u25ff\u0370-\u03ff\u0400-\u04ff\ufffd¤¥¦§¨¬®°±²³´µ¶¸¹¼½¾¿]")
_BULLETS = "●◆■▲○◎□◇△▪ "
_NAME = re.compile(r"[\u4e00-\u9fff]{2,3}(?:[ 、/][\u4e00-\u9fff]{2,3}){0,3}")


def is_furniture(line: str) -> bool:
    """Whether one normalised sentence or line is page furniture by its own form.

    Parameters
    ----------
    line : str
        Normalised text (`normalize`), one sentence or one line.
    """
    stripped = _BLANK.sub(" ", _BAR.sub("|", line)).strip(" |/·•*-—_=~>»<↓↑▼")
    if not stripped or not any(map(is_han, stripped)) or _is_button(stripped) or is_garbled(stripped):
        return True
    if _NAVIGATION.match(stripped) or _DATELINE.fullmatch(stripped):
        return True
    return _looks_like_furniture(stripped) and not _WORK.search(stripped)


def _looks_like_furniture(line: str) -> bool:
    is_form = any(pattern.fullmatch(line) for pattern in (_BYLINE, _STAFF, _ROLES, _CREDIT, _NEWSROOM, _TAIL))
    return (is_form or bool(_FURNITURE.match(line))) and not _opens_with_title(line)


def _opens_with_title(line: str) -> bool:
    """Whether a title stands before a line's fields and buttons: it mixes both, and is content (rule 16)."""
    first = _FIRST_BUTTON.search(line)
    return first is not None and bool(_LONG_TITLE.match(line[: first.start()]))


def _is_button(line: str) -> bool:
    words = [w for w in re.split(r"[\s|/·:\[\]【】()>»,、]+", line.casefold()) if w]
    return bool(words) and all(map(_is_made_of_buttons, words))


def _is_made_of_buttons(word: str) -> bool:
    """Whether a run of characters is button words: the space between two is gone by now."""
    ends = [0]
    for end in range(1, len(word) + 1):
        ends = [start for start in ends if end - start <= _LONGEST_BUTTON]
        if not ends:
            return False
        if any(word[start:end] in _BUTTON_WORDS for start in ends):
            ends.append(end)
    return ends[-1] == len(word)


def is_garbled(text: str) -> bool:
    """Whether a line is broken encoding: odd signs among characters nobody uses.

    Real Chinese has 55-75 % of its characters among the 1,000 most frequent ones; text
    read in a wrong encoding has fewer than 15 %.
    """
    odd = len(_DEBRIS_CHAR.findall(text.lstrip(_BULLETS)))
    if not odd or sum(map(is_han, text)) < 2:
        return odd >= 2 and odd * 3 >= len(text)
    return share_common(text) < 0.4


def is_person_line(line: str) -> bool:
    """Whether a line is nothing but names: an editor at a page's foot, an author in brackets."""
    if _BRACKETED_NAME.fullmatch(line):
        return True
    names = re.split(r"[ 、/]", line)
    return bool(_NAME.fullmatch(line)) and all(name[0] in _SURNAMES for name in names)


def is_signature(line: str) -> bool:
    """Whether a line is a signing office with a date, or a date alone."""
    return bool(_SIGNATURE.fullmatch(line))


def is_signing_office(line: str) -> bool:
    """Whether a line is a police office alone, perhaps with a name: at a page's foot it signs."""
    return bool(_SIGNING_OFFICE.fullmatch(line))


def is_signed(sentence: str) -> bool:
    """Whether a sentence is an office or names in brackets, as authors stand behind a text's last full stop."""
    return bool(_SIGNED.fullmatch(sentence))


def is_breadcrumb(line: str) -> bool:
    """Whether a line of furniture says where on its site the page is."""
    return bool(_BREADCRUMB.match(line.strip(" |/·•*-—_=~")))


def opens_other_pages(line: str) -> bool:
    """Whether a line of furniture heads a list of other pages."""
    return bool(_OTHER_PAGES.fullmatch(line))
