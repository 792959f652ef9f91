"""`tagger data`: breaches named with their lines, counts of what is there, the same in other forms."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

Call = Callable[..., tuple[int | str | None, str, str]]


def test_a_corpus_without_breaches_is_well(call: Call, corpus_folder: Path) -> None:
    assert call("data", "check", corpus_folder) == (0, "8 of 8 files are well\n", "")


def test_every_breach_is_named_with_its_line(call: Call, tmp_path: Path, corpus_folder: Path) -> None:
    folder = Path(shutil.copytree(corpus_folder, tmp_path / "corpus"))
    for name, old, new in (("01.txt", "\tpatrol", "\tpatrl"), ("05.txt", "# year: 2019", "# year: soon")):
        text = (folder / name).read_text(encoding="utf-8")
        (folder / name).write_text(text.replace(old, new), encoding="utf-8")
    code, out, err = call("data", "check", "corpus")
    assert (code, out) == (1, "6 of 8 files are well\n")
    assert err.splitlines() == [
        "tagger: corpus/01.txt:10: unknown domain 'patrl'. Did you mean 'patrol'? Use - for none.",
        "tagger: corpus/05.txt:1: found year 'soon', expected four digits.",
    ]


@pytest.mark.parametrize("command", ["check", "stats"])
def test_a_folder_without_a_corpus_is_an_error(call: Call, command: str) -> None:
    code, out, err = call("data", command, "nowhere")
    assert (code, out) == (1, "")
    assert err.startswith("tagger: nowhere: no bulletins (*.txt) here.")
    assert err.count("\n") == 1


def test_a_corpus_is_counted(call: Call, corpus_folder: Path) -> None:
    code, out, err = call("data", "stats", corpus_folder)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith("8 bulletins, 48 sentences, ")
    assert lines[1:4] == [
        "no domain 33.3%, two or more 16.7%",
        "domain: traffic 16, propaganda 16, patrol 8",
        "mark: lead_in 8",
    ]
    assert lines[4:] == [
        "genre: work_report 8",
        "year: 2019 8",
        "province: 云南 8",
        "unit: 县局 8",
        "script: simplified 8",
        "label set: (none) 16, traffic 8, patrol 8, propaganda 8, traffic+propaganda 8",
        "together: traffic+propaganda 8",
        "characters a sentence: median 16.5, p90 20, longest 22",
        "sentences a bulletin: median 6, p90 6, longest 6",
        "source: 00 1, 01 1, 02 1, 03 1, 04 1, 05 1, 06 1, 07 1",
    ]


def test_the_projects_own_corpus_is_well(call: Call) -> None:
    code, out, err = call("data", "check")
    assert (code, err) == (0, "")
    n_well, n_files = out.split(" files")[0].split(" of ")
    assert n_well == n_files


_ROWS = [
    {"body": "路灯不亮，井盖也不见了。", "tags": ["路灯", "井盖"], "doc": "a"},
    {"body": "电钻吵得人睡不着。", "tags": ["噪声"], "doc": "a"},
    {"body": "召开会议。", "tags": [], "doc": "b"},
]
_FOREIGN = ["data=jsonl", "data.path=数据.jsonl", "data.fields.text=body", "data.fields.labels=tags",
            "data.fields.bulletin=doc", "data.domains=infer"]  # fmt: skip


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """Labelled texts of another task, under names of their own, in the working folder."""
    path = tmp_path / "数据.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in _ROWS), encoding="utf-8")
    return path


@pytest.mark.usefixtures("foreign")
def test_data_of_anyone_are_counted_by_their_own_labels(call: Call) -> None:
    code, out, err = call("data", "stats", *_FOREIGN)
    assert (code, err) == (0, "")
    assert out.splitlines()[:5] == [
        "2 bulletins, 3 sentences, 26 characters",
        "no domain 33.3%, two or more 33.3%",
        "domain: 井盖 1, 噪声 1, 路灯 1",
        "label set: 井盖+路灯 1, 噪声 1, (none) 1",
        "together: 井盖+路灯 1",
    ]


@pytest.mark.usefixtures("foreign")
def test_every_count_is_there_as_json(call: Call) -> None:
    code, out, _ = call("data", "stats", "--json", *_FOREIGN)
    assert code == 0
    assert json.loads(out)["domains"] == {"jing_gai": 1, "zao_sheng": 1, "lu_deng": 1}


def test_every_problem_of_data_is_named_and_the_rest_is_counted(call: Call, foreign: Path) -> None:
    with foreign.open("a", encoding="utf-8") as file:
        file.write('{\n{"body": "", "tags": []}\n{"body": "x", "tags": null}\n')
    code, out, err = call("data", "check", *_FOREIGN)
    assert code == 1
    assert out.splitlines()[0] == "3 texts of 2 bulletins, 3 domains; there are 3 problems"
    told = [line.split(": ", 2)[1:] for line in err.splitlines()]
    assert [place for place, _ in told] == ["数据.jsonl:4", "数据.jsonl:5", "数据.jsonl:6"]
    assert told[1][1] == "found an empty text, expected a sentence."


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl", "datasets"])
@pytest.mark.usefixtures("foreign")
def test_an_export_is_read_back_as_the_same_data(call: Call, tmp_path: Path, kind: str) -> None:
    output = f"out.{kind}" if kind != "datasets" else "out"
    assert call("data", "export", *_FOREIGN, "-o", output, "--domains", "list.yaml") == (0, "", "")
    again = [f"data={kind}", f"data.path={output}", "data.domains=list.yaml"]
    assert call("data", "stats", "--json", *again) == call("data", "stats", "--json", *_FOREIGN)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.mark.usefixtures("foreign")
def test_an_export_without_an_output_goes_to_the_screen_or_into_the_cache(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAGGER_CACHE", str(tmp_path / "cache"))
    code, out, err = call("data", "export", *_FOREIGN)
    assert (code, err) == (0, "")
    assert [json.loads(line)["domains"] for line in out.splitlines()] == [["jing_gai", "lu_deng"], ["zao_sheng"], []]
    first = call("data", "export", "--format", "datasets", *_FOREIGN)
    assert first[0] == 0
    assert (Path(first[1].strip()) / "dataset_info.json").is_file()
    assert call("data", "export", "--format", "datasets", *_FOREIGN) == first


@pytest.mark.parametrize(
    ("args", "code", "problem"),
    [
        (["export", "-o", "x.xlsx"], 2, "--format: found 'xlsx', expected jsonl, csv, parquet, datasets."),
        (["export", "--format", "parquet"], 2, "--format parquet: found no output, expected a file."),
        (["export", *_FOREIGN, "-o", "数据.jsonl"], 2, "--output 数据.jsonl: is also an input"),
        (["export", *_FOREIGN, "--format", "datasets", "-o", "own"], 1, "own: holds something that is not a data set"),
        (["stats", "corpus", "seed=1"], 2, "tagger data: found 'corpus' among settings, expected KEY=VALUE."),
        (["stats", "data=jsonl"], 2, "data.path: found no file, expected one. Give data=jsonl data.path=..."),
        (["check", "data=csv", "data.path=no.csv"], 1, "no.csv: no such file. Check the name."),
        (["stats", "dta=csv"], 2, "configuration: Could not override 'dta'. Did you mean 'data'?"),
    ],
)
@pytest.mark.usefixtures("foreign")
def test_wrong_use_is_told_in_one_line(call: Call, tmp_path: Path, args: list[str], code: int, problem: str) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "thesis.txt").write_text("mine")
    found, out, err = call("data", *args)
    assert (found, out) == (code, "")
    assert err.startswith(f"tagger: {problem}")
    assert err.count("\n") == 1
    assert (tmp_path / "own" / "thesis.txt").read_text() == "mine"
