"""What the tests of models, prediction and commands share: a corpus of a few pages and two small models.

Nothing here reads the shipped corpus or the shipped models, so that no test moves when they do.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tagger.bulletins.bulletin import parse_bulletin
from tagger.corpus.authored import load_corpus
from tagger.corpus.examples import Examples, examples_from_corpus
from tagger.domains import Domain, DomainSet
from tagger.models.combiner import fit_combiner
from tagger.models.features import TextFeatures
from tagger.models.lexicon import LexiconClassifier
from tagger.models.linear_head import LinearHead
from tagger.models.storage import Model, load_model, save_model
from tagger.models.tfidf import TfidfClassifier
from tagger.models.thresholds import choose_thresholds
from tagger.predict.tagging import TaggedBulletin, tag_bulletin

_HEADER = "# genre: work_report\n# year: 2019\n# province: 云南\n# unit: 县局\n# script: simplified\n\n"

#: Labels -> sentences; each bulletin of the small corpus takes one sentence of every kind.
_SENTENCES = {
    "traffic": (
        "交警大队在国道设卡查处酒驾十一起。", "民警上路疏导拥堵车辆，劝离违停三十台次。",
        "对骑电动车不戴头盔的行为逐一教育处罚。", "大队夜查酒驾醉驾，查获超速超载货车六辆。",
        "在学校门前增设标线和信号灯，疏导接送车辆。", "集中整治农村道路违停，查处三轮车载人。",
        "民警在路口纠正不戴头盔、闯红灯等违法行为。", "对事故多发路段开展隐患排查，设置限速标牌。",
    ),
    "patrol": (
        "巡特警每晚在夜市开展武装巡逻。", "在车站广场设立执勤点，实行屯警街面。",
        "民警带领巡防队员徒步巡逻背街小巷。", "城区划分八个巡区，警车亮灯巡逻。",
        "节日期间在景区增派警力，开展安保执勤。", "检查站逢车必查，盘查可疑人员四十名。",
        "夜间巡逻队沿商圈巡查，提高见警率。", "组织群防群治队伍开展治安巡防。",
    ),
    "propaganda": (
        "向群众发放宣传单两千余份。", "走进校园开展法治讲座，播放警示短片。",
        "在集市悬挂横幅、摆放展板进行宣传。", "利用微信公众号推送防范知识。",
        "举办警营开放日，邀请学生参观警用装备。", "民警入户宣传，张贴提示海报三百张。",
        "通过村村响广播循环播放宣传录音。", "制作短视频在抖音平台发布，向市民宣讲。",
    ),
    "traffic,propaganda": (
        "向驾驶人发放拒绝酒驾宣传单。", "在客运站举办交通安全讲座。", "张贴佩戴头盔宣传海报。",
        "向货车司机宣讲超载危害并发放手册。", "播放交通事故警示短片，向学生宣传骑车戴头盔。",
        "推送违停曝光信息，宣传文明停车。", "悬挂文明驾驶横幅，进行交通安全宣传。", "向外卖骑手宣讲闯红灯危害。",
    ),
    "-": (
        "局党委召开会议学习文件精神。", "全年立刑事案件三百起，破获二百一十起。", "法制大队评查案卷八十份。",
        "看守所开展安全大检查，消除隐患两处。", "调解邻里纠纷十二起，群众送来锦旗。",
        "组织民警进行体能测试。", "禁毒大队查获吸毒人员九名。", "完成年度财务审计工作。",
    ),
}  # fmt: skip

PAGE = (
    "某县公安局多措并举守护平安\n"
    "发布时间：2021-05-06　来源：某县公安局\n"
    "\n"
    "强化巡控保稳定。巡特警每晚在夜市开展武装巡逻。向商户发放宣传单二百份。\n"
    "严查严管保畅通。对骑电动车不戴头盔的行为逐一教育。局党委召开会议学习文件精神。\n"
    "打印本页\n"
)


def _corpus_file(number: int) -> str:
    lines = [f"{row[number]}\t{labels}\n" for labels, row in _SENTENCES.items()]
    title = f"第{'一二三四五六七八'[number]}季度公安工作总结\t-\tlead_in\n"
    return f"{_HEADER}{title}\n{''.join(lines[:3])}\n{''.join(lines[3:])}"


#: What a test may be skipped for where NO_SKIPS is 1: what no registry has, or the machine cannot do.
_MAY_BE_MISSING = (
    "held-out bulletins", "the real bulletins are not", "the engine does not load here", "SCIPY_ARRAY_API is not set",
    "this system cannot exchange two folders",
)  # fmt: skip


def _refuse_skip(report: Any) -> None:
    """Where everything should be there, as in continuous integration, a skip would hide what is missing."""
    is_required = os.environ.get("NO_SKIPS") == "1" and report.outcome == "skipped" and not hasattr(report, "wasxfail")
    if is_required and not any(reason in str(report.longrepr) for reason in _MAY_BE_MISSING):
        report.outcome, report.longrepr = "failed", f"NO_SKIPS is 1, and skipped: {report.longrepr}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    """See `_refuse_skip`."""
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, Any, Any]:
    """See `_refuse_skip`: modules are skipped when they are collected."""
    report = yield
    _refuse_skip(report)
    return report


@pytest.fixture(scope="session")
def domains() -> DomainSet:
    """Three domains."""
    return DomainSet(
        [
            Domain("traffic", "交通管理", "Traffic", color="#1f77b4", hotkey="1"),
            Domain("patrol", "巡逻防控", "Patrol", color="#2ca02c", hotkey="2"),
            Domain("propaganda", "宣传", "Propaganda", color="#ff7f0e", hotkey="3"),
        ]
    )


@pytest.fixture(scope="session")
def corpus_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight authored bulletins of six sentences."""
    folder = tmp_path_factory.mktemp("corpus")
    for number in range(8):
        (folder / f"0{number}.txt").write_text(_corpus_file(number), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def examples(corpus_folder: Path, domains: DomainSet) -> Examples:
    """The sentences of the small corpus in context."""
    return examples_from_corpus(load_corpus(corpus_folder, domains), domains)


def fitted_tfidf(examples: Examples) -> TfidfClassifier:
    """A TF-IDF classifier fitted on the small corpus, its signals weighed on the same."""
    classifier = TfidfClassifier(
        TextFeatures(min_df=1), LinearHead(C=10.0), signals=("text", "clauses", "lead_in", "previous")
    )
    classifier.fit(examples.texts, examples.y_true)
    classifier.combiner = fit_combiner(examples.y_true, classifier.compute_signals(examples.texts), C=100.0)
    return classifier


@pytest.fixture(scope="session")
def train_small(examples: Examples, domains: DomainSet) -> Callable[[Path], TfidfClassifier]:
    """Trains the small TF-IDF model, writes it to a folder and returns the classifier."""

    def train(folder: Path) -> TfidfClassifier:
        classifier = fitted_tfidf(examples)
        thresholds = choose_thresholds(examples.y_true, classifier.predict_proba(examples.texts))
        data = {"hash": examples.hash, "n_bulletins": 8, "n_texts": len(examples)}
        save_model(folder, classifier, domains, thresholds, config={"seed": 1}, name="small", seed=1, data=data)
        return classifier

    return train


@pytest.fixture(scope="session")
def tfidf_folder(tmp_path_factory: pytest.TempPathFactory, train_small: Callable[[Path], TfidfClassifier]) -> Path:
    """Folder of the small TF-IDF model; read only."""
    folder = tmp_path_factory.mktemp("models") / "small"
    train_small(folder)
    return folder


@pytest.fixture(scope="session")
def tfidf(tfidf_folder: Path) -> Model:
    """The small TF-IDF model."""
    return load_model(tfidf_folder)


@pytest.fixture(scope="session")
def lexicon_folder(tmp_path_factory: pytest.TempPathFactory, domains: DomainSet) -> Path:
    """Folder of a lexicon model, which opens without scikit-learn; read only."""
    folder = tmp_path_factory.mktemp("models") / "words"
    words = [["酒驾", "头盔", "违停"], ["巡逻", "巡控"], ["宣传", "讲座", "宣传单"]]
    excluded = [["虚拟头盔"], [], ["宣传部"]]
    classifier = LexiconClassifier(words, excluded)
    save_model(folder, classifier, domains, np.full(3, 0.5), config={}, name="words")
    return folder


@pytest.fixture(scope="session")
def lexicon(lexicon_folder: Path) -> Model:
    """The lexicon model: 酒驾 头盔 违停, 巡逻 巡控, 宣传 讲座 宣传单."""
    return load_model(lexicon_folder)


@pytest.fixture(scope="session")
def page(lexicon: Model) -> TaggedBulletin:
    """A page with a title, a byline, two measures and a print button, tagged by the lexicon."""
    return tag_bulletin(parse_bulletin(PAGE, id="0312", source="pages/0312.txt"), lexicon)
