"""Another task altogether, by settings alone: 24 labels of a citizens' hotline, grouped by digest.

The data (tests/data/foreign) have fields and labels with names of their own; no line of code knows them.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]

_FOLDER = Path(__file__).parents[1] / "data" / "foreign"
_NAMES = ["data.fields.text=内容", "data.fields.labels=标签", "data.fields.bulletin=工单", "data.fields.paragraph=段",
          "data.fields.source=区县", "data.domains=infer"]  # fmt: skip
_DATA = ["data=jsonl", f"data.path={_FOLDER}/requests.jsonl", *_NAMES]
_TEST = ["data=jsonl", f"data.path={_FOLDER}/requests_test.jsonl", *_NAMES]
_PAGE = (
    "南山区市民热线诉求摘要\n\n市民李女士来电称火车站广场公交等了四十分钟不来一趟，希望尽快处理。\n\n"
    "住户联名反映阳光新村路灯一闪一闪像要坏了，而且井盖破了一角差点崴脚。\n"
)


@pytest.fixture
def model(run: Run, tmp_path: Path) -> Path:
    """A run trained on the foreign task."""
    done = run("train", "model=tfidf", *_DATA, "split.n_folds=3", "output=foreign")
    assert done.returncode == 0, done.stderr
    assert "no lexicon for these domains" in done.stderr
    figures = dict(line.split()[:2] for line in done.stdout.splitlines()[1:])
    assert float(figures["f1_micro"]) > 0.6  # by chance about 0.1
    return tmp_path / "foreign"


def test_the_data_are_what_the_script_makes(tmp_path: Path) -> None:
    (tmp_path / "make.py").write_bytes((_FOLDER / "make.py").read_bytes())
    subprocess.run([sys.executable, str(tmp_path / "make.py")], check=True, capture_output=True)
    for name in ("requests.jsonl", "requests_test.jsonl"):
        assert (tmp_path / name).read_bytes() == (_FOLDER / name).read_bytes()


def test_the_data_are_well_and_counted_by_their_own_names(run: Run) -> None:
    checked = run("data", "check", *_DATA, f"data.test={_FOLDER}/requests_test.jsonl")
    assert (checked.returncode, checked.stderr) == (0, "")
    assert checked.stdout.splitlines()[0] == "538 texts of 48 bulletins, 24 domains; there are no problems"
    counted = run("data", "stats", *_DATA)
    assert (counted.returncode, counted.stderr) == (0, "")
    lines = counted.stdout.splitlines()
    assert lines[0].startswith("48 bulletins, 538 sentences, ")
    assert lines[2].startswith("domain: 供电停电 ")
    assert lines[-1] == "source: 南山区 10, 东桥区 10, 西林区 10, 云溪县 9, 北湖区 9"


def test_it_is_trained_evaluated_and_predicted(run: Run, tmp_path: Path, model: Path) -> None:
    assert run("data", "export", *_TEST, "-o", "gold.jsonl").returncode == 0
    measured = run("evaluate", "gold.jsonl", "--model", "foreign", "-o", "figures.json")
    assert measured.returncode == 0, measured.stderr
    (levels,) = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8")).values()
    assert len(levels["sentence"]["domains"]) == 24
    assert levels["sentence"]["f1_micro"] > 0.6

    (tmp_path / "digest.txt").write_text(_PAGE, encoding="utf-8")
    tagged = json.loads(run("predict", "digest.txt", "--model", "foreign").stdout)
    assert set(tagged["domains"]) >= {"gong_jiao_xian_lu", "jing_gai_que_shi"}
    for format, expected in (("table", "公交线路"), ("csv", "score_zao_sheng_rao_min"), ("label-studio", "jing_gai")):
        done = run("predict", "digest.txt", "--model", "foreign", "--format", format)
        assert (done.returncode, expected in done.stdout) == (0, True), done.stderr
    assert run("predict", "digest.txt", "--model", "foreign", "--explain", "-o", "digest.html").returncode == 0
    page = (tmp_path / "digest.html").read_text(encoding="utf-8")
    assert all(f".c-{id}{{background:#" in page for id in levels["sentence"]["domains"])

    split = json.loads((model / "split.json").read_text(encoding="utf-8"))
    assert sorted(id for fold in split["folds"] for id in fold["held_out"]) == [f"{i:03}" for i in range(1, 49)]


@pytest.mark.usefixtures("model")
def test_it_is_reported_under_its_own_names(run: Run, tmp_path: Path) -> None:
    done = run("experiments", "report", "foreign", "-o", "report.html", "--no-evidence", "--errors", "0")
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "噪声扰民" in page
    assert "欠薪维权" in page


def test_a_source_is_left_out_and_a_label_that_training_does_not_know_is_told(run: Run, tmp_path: Path) -> None:
    settings = ["model=tfidf", "split=leave_one_source_out", "model.signals=[text]", "output=by_source"]
    done = run("train", *settings, *_DATA)
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stderr.splitlines() if line.startswith("fold 5 of ")] == ["fold 5 of 5"]
    row = {"工单": "1", "内容": "x", "标签": ["没有的"]}
    (tmp_path / "测试.jsonl").write_text(json.dumps(row, ensure_ascii=False), encoding="utf-8")
    broken = run("data", "check", *_DATA, "data.test=测试.jsonl")
    assert broken.returncode == 1
    assert broken.stderr.startswith("tagger: 测试.jsonl:1: unknown domain '没有的'.")
