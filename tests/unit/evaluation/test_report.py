"""The report: it asks nothing of the network, data stay text, and its figures are those of the runs."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from tagger.errors import InputError, UsageError
from tagger.evaluation.agreement import read_agreement
from tagger.evaluation.report.as_html import write_page
from tagger.evaluation.report.as_markdown import plain, write_markdown, write_pictures
from tagger.evaluation.report.blocks import ErrorCase, Note, Picture, Report, Section, Span, Table
from tagger.evaluation.report.content import build_report
from tagger.evaluation.report.gallery import find_errors
from tagger.evaluation.report.overview import say_verdict
from tagger.evaluation.report.words import _WORDS, Words
from tagger.evaluation.runs import read_run, read_runs

MakeRun = Callable[..., Path]
_HOSTILE = '<img src=x onerror="alert(1)"> & $x$ | `a` [b](javascript:c)'


class _Page(HTMLParser):
    """What a browser would find: tags with attributes, and text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def _tables(report: Report) -> list[Table]:
    return [block for section in report.sections for block in section.blocks if isinstance(block, Table)]


def _notes(report: Report) -> str:
    return "\n".join(b.text for section in report.sections for b in section.blocks if isinstance(b, Note))


def test_two_runs_and_their_verdict(make_run: MakeRun) -> None:
    runs = [read_run(make_run("good")), read_run(make_run("bad", noise=0.9, seed=2))]
    report = build_report(runs, lang="en", n_errors=2)
    keys = [section.key for section in report.sections]
    assert keys == ["overview", "comparison", "domains", "precision-recall", "reliability", "confusions", "thresholds",
                    "review", "cost", "training", "errors", "provenance"]  # fmt: skip
    rows = _tables(report)[0].rows
    assert [row[0] for row in rows] == ["good", "bad"]
    figures = runs[0].figures()
    low, high = figures["interval_95"]["f1_micro"]
    assert rows[0][4] == f"{figures['f1_micro']:.3f} [{low:.3f}, {high:.3f}]"
    assert "good is better than bad by " in _notes(report)
    assert "Fewer than 20 bulletins" in _notes(report)
    html = write_page(report, "tagger 1")
    page = _Page(html)
    assert ("section", {"id": "comparison"}) in page.tags
    assert {a["href"] for tag, a in page.tags if tag == "a"} == {f"#{key}" for key in keys}


def test_costs_stand_in_the_table_where_any_run_tells_them(make_run: MakeRun) -> None:
    told, plain = make_run("told"), make_run("plain")
    metrics = json.loads((told / "metrics.json").read_text(encoding="utf-8"))
    metrics["cost"] |= {"peak_memory_mib": 3018, "seconds_per_1000_sentences": 40.25}
    (told / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
    report = build_report([read_run(told), read_run(plain)], lang="en", n_errors=0)
    [section] = [section for section in report.sections if section.key == "cost"]
    [table] = [block for block in section.blocks if isinstance(block, Table)]
    assert table.head[-2:] == ["seconds of training, 1,000 sentences and epoch", "peak memory in MiB"]
    assert table.rows[0][-2:] == ["40.2", "3,018.0"]
    assert not any("GPU" in name for name in table.head)


def test_a_report_states_what_no_threshold_could_fit_and_whether_the_folds_are_the_same(make_run: MakeRun) -> None:
    good = read_run(make_run("good", noise=0.2))
    other = read_run(make_run("other", noise=0.5, split_hash="another"))
    report = build_report([good, other], lang="en", n_errors=0)
    table = next(table for table in _tables(report) if table.head[1] == "micro-F1, thresholds of other bulletins")
    own = good.figures()["f1_micro"]
    assert table.rows[0][:2] == ["good", "0.830"]
    assert table.rows[0][3] == f"{100 * (own - 0.83):+.1f}"
    assert "thresholds were chosen on the very scores that are measured" in _notes(report)
    assert "Mind: other: not of the same folds as good." in _notes(report)
    assert "not of the same folds" not in _notes(build_report([good], lang="en", n_errors=0))
    test = build_report([read_run(make_run("t", test=True))], lang="en", part="test", n_errors=0)
    assert "thresholds of other bulletins" not in write_page(test)


def test_the_page_asks_for_nothing_and_runs_nothing(make_run: MakeRun) -> None:
    domains = {"version": 1, "domains": [{"id": id, "zh": _HOSTILE} for id in ("traffic", "patrol", "propaganda")]}
    folder = make_run("a<b>", domains=domains, config={"note": "</pre><script>alert(2)</script>"})
    text = (folder / "sentences.jsonl").read_text(encoding="utf-8").replace("民警巡逻", "<script>alert(3)</script>")
    (folder / "sentences.jsonl").write_text(text, encoding="utf-8")
    html = write_page(build_report([read_run(folder)], n_errors=1))
    page = _Page(html)
    assert {tag for tag, _ in page.tags}.isdisjoint({"script", "link", "iframe", "object", "svg", "form", "base"})
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    for tag, attributes in page.tags:
        if tag == "img":
            assert attributes["src"].startswith("data:image/svg+xml;base64,")
        if tag == "a":
            assert attributes["href"].startswith("#")
    assert "<script>alert(3)</script>" in page.text
    assert _HOSTILE in page.text
    assert re.findall(r"url\((?!data:)", html) == []
    policy = next(a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:"


def test_pictures_are_well_formed_and_hold_no_links(make_run: MakeRun) -> None:
    html = write_page(build_report([read_run(make_run("a"))], n_errors=0))
    pictures = [base64.b64decode(found) for found in re.findall(r"svg\+xml;base64,([^\"]+)", html)]
    assert len(pictures) >= 5
    for picture in pictures:
        root = ElementTree.fromstring(picture)
        for element in root.iter():
            assert element.tag.split("}")[-1] not in ("script", "foreignObject", "a", "text")
            links = [value for name, value in element.attrib.items() if name.endswith("href")]
            assert all(link.startswith(("#", "data:image/png;base64,")) for link in links)


def test_the_same_runs_give_the_same_page(make_run: MakeRun) -> None:
    make_run("a")
    folder = make_run("b", noise=0.7, seed=4).parent
    one, other = (write_page(build_report(read_runs([folder]), n_errors=1)) for _ in range(2))
    assert one == other


def test_evidence_is_marked_where_it_stands(make_run: MakeRun) -> None:
    run = read_run(make_run("a", noise=0.9))
    asked: list[tuple[str, int]] = []

    def explain(_: object, wanted: list[tuple[str, int]]) -> list[tuple[Span, ...]]:
        asked.extend(wanted)
        return [(Span(0, 1, 1.5), Span(1, 3, -0.5))] * len(wanted)

    page = _Page(write_page(build_report([run], explain=explain, n_errors=1)))
    marks = [attributes for tag, attributes in page.tags if tag == "mark"]
    assert len(marks) == 2 * len(asked)
    assert marks[:2] == [{"title": "+1.50"}, {"class": "against", "title": "-0.50"}]
    scores = run.out_of_fold
    for id, column in asked:
        row = scores.ids.tolist().index(id)
        assert scores.y_true[row, column] != scores.y_pred[row, column]


def test_errors_come_with_the_farthest_from_the_threshold_first(make_run: MakeRun) -> None:
    scores = read_run(make_run("a", noise=0.9)).out_of_fold
    for kind, label in (("false_positive", 0), ("false_negative", 1)):
        rows = find_errors(scores, 1, kind)
        assert (scores.y_true[rows, 1] == label).all()
        assert (scores.y_pred[rows, 1] == 1 - label).all()
        assert (np.diff(np.abs(scores.y_proba[rows, 1] - 0.5)) <= 0).all()


def test_spans_that_overlap_or_stick_out_leave_the_text_whole() -> None:
    case = ErrorCase("1", "民警巡逻", "", (Span(0, 3, 0.2), Span(2, 9, -0.9), Span(-2, 0, 5.0)))
    assert list(case.pieces()) == [("民警", 0.2), ("巡逻", -0.9)]
    assert list(ErrorCase("1", "", "", (Span(0, 1, 1.0),)).pieces()) == []


def test_people_are_the_ceiling(make_run: MakeRun, tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    between = {"n_texts": 50, "f1_micro": 0.97, "f1_macro": 0.96, "domains": {"traffic": {"f1": 0.98}}}
    path.write_text(json.dumps({"between": between}))
    report = build_report([read_run(make_run("a"))], lang="en", agreement=read_agreement(path), n_errors=0)
    assert ["people’s agreement", "50", "0.970", "0.960"] in [row for table in _tables(report) for row in table.rows]
    bars = next(b for s in report.sections for b in s.blocks if isinstance(b, Picture) and b.name == "f1")
    assert "people’s agreement" in [text.get_text() for text in bars.figure.legends[0].get_texts()]


@pytest.mark.parametrize("text", [None, "{}", '{"between": {"n_texts": 1, "f1_micro": 2}}', '{"between": 1}', "["])
def test_a_file_without_agreement_is_an_error(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "a.json").write_text(text)
    with pytest.raises(InputError, match=r"a\.json: (no such file|no agreement in it|not JSON)"):
        read_agreement(tmp_path / "a.json")


def test_shares_of_the_data_make_a_learning_curve_and_seeds_a_spread(make_run: MakeRun) -> None:
    for share, noise in ((0.25, 0.9), (0.5, 0.6)):
        make_run(f"a-{share}", noise=noise, config={"data": {"share": share}, "model": {}})
    make_run("a-1", config={"data": {"share": 1.0}, "model": {}})
    folder = make_run("a-2", seed=2, config={"data": {"share": 1.0}, "model": {}}).parent
    report = build_report(read_runs([folder]), lang="en", n_errors=0)
    learning = next(s for s in report.sections if s.key == "learning")
    (picture,) = [block for block in learning.blocks if isinstance(block, Picture)]
    (line,) = picture.figure.axes[0].lines
    assert line.get_xdata().tolist() == [3, 6, 12]
    seeds = next(s for s in report.sections if s.key == "seeds")
    assert seeds.blocks[0].rows[0][:3] == ["a-1 (2 seeds)", "micro-F1", "2"]


def test_runs_that_cannot_be_compared_are_shown_all_the_same(make_run: MakeRun) -> None:
    runs = [read_run(make_run("a")), read_run(make_run("b", noise=0.5, data_hash="cd" * 32))]
    assert "Not compared: " in _notes(build_report(runs, lang="en", n_errors=0))


def test_glyphs_that_no_font_has_are_said(make_run: MakeRun) -> None:
    report = build_report([read_run(make_run("a𠮷"))], n_errors=0)
    assert report.sections[0].blocks[0] == Note("图中字体缺少以下字符，图内以编码代替：𠮷 U+20BB7。")


def test_a_report_needs_runs_and_test_scores(make_run: MakeRun) -> None:
    with pytest.raises(UsageError, match="no runs"):
        build_report([])
    with pytest.raises(UsageError, match="has no test scores"):
        build_report([read_run(make_run("a"))], part="test")


def test_markdown_has_its_pictures_beside_it_and_data_stay_text(make_run: MakeRun) -> None:
    report = build_report([read_run(make_run("a|b<c>"))], n_errors=1)
    text = write_markdown(report, "my report_files")
    pictures = write_pictures(report)
    assert set(re.findall(r"\]\(my%20report_files/([^)]+)\)", text)) == set(pictures)
    assert all(data.startswith(b"<?xml") for data in pictures.values())
    assert "| a\\|b&lt;c&gt; |" in text
    widths = {len(re.findall(r"(?<!\\)\|", line)) for line in text.split("\n\n")[5].splitlines()}
    assert len(widths) == 1


@pytest.mark.parametrize("text", [_HOSTILE, "# no heading", "1. no list", "- no list", "a\nb", "\\*", "<b>"])
def test_plain_text_stays_plain_in_markdown(text: str) -> None:
    found = plain(text)
    assert "<" not in found
    assert "\n" not in found
    assert not re.match(r"[#\-]|\d+[.)]", found)
    assert not re.search(r"(?<!\\)(\\\\)*[`*_\[\]|]", found)


def test_every_word_is_there_in_both_languages_with_the_same_parts() -> None:
    for key, (zh, en) in _WORDS.items():
        assert zh, key
        assert en, key
        assert set(re.findall(r"{(\w+)}", zh)) <= set(re.findall(r"{(\w+)}", en)) | {"n_bulletins"}, key
    assert not re.search(r"[\u4e00-\u9fff]", "".join(en for _, en in _WORDS.values()))
    with pytest.raises(KeyError):
        Words("zh")("no such word")


@pytest.mark.parametrize(
    ("interval", "n", "zh"),
    [
        ((0.01, 0.03), 100, "a 优于 b：micro-F1 高 2.0 个百分点 [1.0, 3.0]，0.920 对 0.900。"),
        ((-0.01, 0.03), 100, "分不出高下：a 比 b 的 micro-F1 高 2.0 个百分点 [-1.0, 3.0]，0.920 对 0.900。"),
        ((0.01, 0.03), 4, "分不出高下：4 篇通报太少；a 比 b 的 micro-F1 高 2.0 个百分点，0.920 对 0.900。"),
    ],
)
def test_the_verdict_in_chinese(interval: tuple[float, float], n: int, zh: str) -> None:
    entry = {"a": 0.92, "b": 0.9, "difference": 0.02, "interval": interval, "p_value": 0.01}
    pair = {"a": "a", "b": "b", "comparison": {"n_bulletins": n, "level": 0.95, "f1_micro": entry}}
    assert say_verdict(Words("zh"), pair) == zh
    swapped = {**entry, "a": 0.9, "b": 0.92, "difference": -0.02, "interval": (-interval[1], -interval[0])}
    pair = {"a": "b", "b": "a", "comparison": {**pair["comparison"], "f1_micro": swapped}}
    assert say_verdict(Words("zh"), pair) == zh


def test_a_table_cell_is_text_whatever_it_holds() -> None:
    table = Table(["<h>"], [["<td>"]], title="<t>")
    html = write_page(Report("en", "<title>", "<c>", [Section("a", "<s>", [table])]), "<f>")
    assert "&lt;h&gt;" in html
    assert not re.search(r"<(h|t|s|f|c)>", html)
