"""The most frequent Chinese characters, to tell Chinese text from wrongly decoded bytes.

The 500 most frequent characters of modern written Chinese (general frequency lists) and
the everyday vocabulary of administration, in both scripts.
"""

from __future__ import annotations

from functools import cache

_SIMPLIFIED = (
    "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多定行学法所民得经十三之进着等部度"
    "家电力里如水化高自二理起小物现实加量都两体制机当使点从业本去把性好应开它合还因由其些然前外天政四日那社义事平形相全表间样与关各重新线内数正心反"
    "你明看原又么利比或但质气第向道命此变条只没结解问意建月公无系军很情者最立代想已通并提直题党程展五果料象员革位入常文总次品式活设及管特件长求老头"
    "基资边流路级少图山统接知较将组见计别她手角期根论运农指几九区强放决西被干做必战先回则任取据处队南给色光门即保治北造百规热领七海口东导器压志世金"
    "增争济阶油思术极交受联什认六共权收证改清己美再采转更单风切打白教速花带安场身车例真务具万每目至达走积示议声报斗完类八离华名确才科张信马节话米整"
    "空元况今集温传土许步群广石记需段研界拉林律叫且究观越织装影算低持音众书布复容儿须际商非验连断深难近矿千周委素技备半办青省列习响约支般史感劳便团"
    "往酸历市克何除消构府称太准精值号率族维划选标写存候毛亲快效斯院查江型眼王按格养易置派层片始却专状育厂京识适属圆包火住调满县局照参红细引听该铁价"
    "严警察巡逻防控宣诈骗犬疏堵违停酒驾窗户籍辖街镇乡村居镇站岗值勤务项整顿治隐患排矛盾纠纷化解服群众平稳落实推履职责担当力量措施措举坚扎抓紧盯突出"
    "访谈座谈讲座醒示倡导督促检抽惩罚款拘留扣押缴获破案侦嫌疑犯罪盗抢毒赌黄枪爆危险品校园医院商场超市酒店旅馆网吧物业企业单位"
)


@cache
def common_characters() -> frozenset[str]:
    """The frequent characters in both scripts; made on first use, since OpenCC loads with it."""
    from opencc import OpenCC

    return frozenset(_SIMPLIFIED + OpenCC("s2t.json").convert(_SIMPLIFIED))


def share_common(text: str) -> float:
    """Share of the hanzi of a text that are frequent characters, 0 to 1; 0 without hanzi."""
    han = [char for char in text if is_han(char)]
    return sum(char in common_characters() for char in han) / len(han) if han else 0.0


def is_han(char: str) -> bool:
    """Whether a character is a Chinese ideograph."""
    return (
        "\u4e00" <= char <= "\u9fff"
        or "\u3400" <= char <= "\u4dbf"
        or char == "\u3007"
        or "\U00020000" <= char <= "\U0003ffff"
    )
