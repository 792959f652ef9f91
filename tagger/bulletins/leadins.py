"""Which sentences open a measure: numbered points, slogans that announce, headings.

All functions take normalised text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_NUMERAL = "[一二三四五六七八九十百0-9]{1,3}"
_ENUMERATOR = re.compile(
    rf"(?:第?{_NUMERAL}[、.,:](?!\d)|\({_NUMERAL}\)|第{_NUMERAL}[,、]|{_NUMERAL}是|{_NUMERAL}要|其[一二三四五六七八九十][,是]"
    r"|[①-⑳⑴-⒇㈠-㈩❶-❿]|首先[,是]|其次[,是]|再次[,是]|最后[,是]|——|[●◆■▲★◎○•·]\s*)"
)
_OPENING_VERB = re.compile(
    r"[\"']?(?:强化|加强|深化|优化|细化|聚焦|紧盯|紧扣|紧抓|抢抓|狠抓|严抓|突出|坚持|夯实|织密|织牢|筑牢|严管|严查|严打|严厉|严把|严守|规范|综合|创新|提升|推进|拓展|拓宽|做实"
    r"|做强|做优|做细|做活|做好|全力|全面|全员|全警|同步|主动|着力|大力|深入|积极|统一|有效|化解|消除|服务|围绕|立足|依托|健全|完善|建立|构建|落实|压实|加大|扩大|丰富|注重|打造"
    r"|打好|打防|高压|重拳|快速|精准|科学|广泛|靶向|多措|多方|多维|以|把|让|抓|护|守|亮|当好|守好|盯紧|盯牢|开展|组织|管好|抓好|办好|用好|建好|守住|管住|筑好|打牢|统筹|破解|严防|整合|活用|巧用|擦亮|宣传|巡逻|巡防|防控|疏导|整治|便民|延伸|畅通|树牢|凝聚|党建|防范)"
)
_SPEECH = re.compile(r"(?:说|表示|介绍|告诉记者|称|指出|强调|回忆)[道到]?[。!]?$")
#: Longest lead-in at a paragraph's start, within a paragraph, and longest heading, in characters.
_MAX_OPENING, _MAX_INNER, _MAX_HEADING = 26, 24, 48


def is_enumerated(sentence: str) -> bool:
    """Whether a sentence opens with a number, a bullet or a dash of a list."""
    return bool(_ENUMERATOR.match(sentence))


def is_heading(paragraph: Sequence[str]) -> bool:
    """Whether a paragraph is a heading: one short sentence without a closing full stop."""
    if len(paragraph) != 1 or len(paragraph[0]) > _MAX_HEADING:
        return False
    unquoted = paragraph[0].rstrip("\"')")
    return unquoted[-1:] not in "。!?;,、:" or is_enumerated(paragraph[0])


def is_lead_in(paragraph: Sequence[str], position: int) -> bool:
    """Whether a sentence of a paragraph opens a measure.

    Parameters
    ----------
    paragraph : sequence of str
        The sentences of one paragraph, furniture left out.
    position : int
        Which of them is asked about.
    """
    sentence = paragraph[position]
    if is_enumerated(sentence):
        return True
    if position == len(paragraph) - 1 or _SPEECH.search(sentence):
        return False
    return _announces(sentence, opening=position == 0)


def _announces(sentence: str, opening: bool) -> bool:
    """A short sentence that states a line of work and no fact: no figure, few clauses."""
    if sentence[-1:] not in "。!:" or re.search(r"\d", sentence):
        return False
    if len(sentence) > (_MAX_OPENING if opening else _MAX_INNER):
        return False
    return bool(_OPENING_VERB.match(sentence)) and sentence.count(",") <= 1
