"""The command line as a person or a program meets it: contracts, formats, exit codes, imports."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tagger

Run = Callable[..., "subprocess.CompletedProcess[str]"]

_PAGE = (
    "某县公安局多措并举守护平安\n发布时间：2021-05-06　来源：某县公安局\n\n"
    "强化巡控保稳定。巡特警每晚在夜市开展武装巡逻。向商户发放宣传单二百份。\n打印本页\n"
)
_UNIT = {"index", "start", "end", "text", "domains", "scores", "noise"}


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    """A folder of two documents and records, with a file of an unknown type among them."""
    folder = tmp_path / "pages"
    folder.mkdir()
    (folder / "0312.txt").write_text(_PAGE, encoding="utf-8")
    (folder / "0313.html").write_text(f"<html><body><p>{'民警在夜市巡逻。' * 5}</p></body></html>", encoding="utf-8")
    (folder / "posts.jsonl").write_text('{"id": 1, "text": "查处酒驾。"}\n', encoding="utf-8")
    (folder / "photo.png").write_bytes(b"\x89PNG")
    return folder


def _lines(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert done.stderr == ""
    assert done.returncode == 0
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_bulletin_comes_out_as_the_contract_says(predict: Run, pages: Path) -> None:
    (data,) = _lines(predict("pages/0312.txt"))
    assert data.keys() >= {"id", "source", "title", "date", "issuer", "model", "domains", "paragraphs"}
    assert (data["id"], data["source"], data["title"], data["date"], data["issuer"]) == (
        "0312", "pages/0312.txt", "某县公安局多措并举守护平安", "2021-05-06", "某县公安局"
    )  # fmt: skip
    assert data["model"].keys() == {"name", "version"}
    assert data["domains"] == {"patrol": 0.5, "propaganda": 0.5}
    assert [p["noise"] for p in data["paragraphs"]] == [False, True, False, True]
    for paragraph in data["paragraphs"]:
        assert paragraph.keys() == _UNIT | {"sentences"}
        for unit in (paragraph, *paragraph["sentences"]):
            assert unit.keys() >= _UNIT
            assert _PAGE[unit["start"] : unit["end"]] == unit["text"]
            assert unit["scores"].keys() == {"traffic", "patrol", "propaganda"}
            assert not (unit["noise"] and unit["domains"])
    assert [s["domains"] for s in data["paragraphs"][2]["sentences"]] == [["patrol"], ["patrol"], ["propaganda"]]


def test_offsets_are_characters_of_the_file_whatever_its_bytes(predict: Run, tmp_path: Path) -> None:
    page = "\ufeff" + _PAGE.replace("\n", "\r\n") + "𠮷镇民警巡逻。👮\r\n末行宣传。"
    (tmp_path / "a.txt").write_bytes(page.encode("utf-8"))
    (data,) = _lines(predict("a.txt"))
    for paragraph in data["paragraphs"]:
        for unit in (paragraph, *paragraph["sentences"]):
            assert page[1:][unit["start"] : unit["end"]] == unit["text"]
    assert data["paragraphs"][-1]["text"] == "末行宣传。"


def test_records_come_out_as_the_contract_says(predict: Run, tmp_path: Path) -> None:
    rows = [{"id": i, "text": ("民警巡逻。", "开会。")[i % 2], "own": {"a": [None, "b"]}} for i in range(50)]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = _lines(predict("in.jsonl"))
    assert [{k: v for k, v in row.items() if k not in ("domains", "scores")} for row in found] == rows
    assert [row["domains"] for row in found] == [["patrol"], []] * 25
    assert found[0]["scores"] == {"traffic": 0.0, "patrol": 0.5, "propaganda": 0.0}


def test_a_bad_record_comes_out_with_its_error_and_the_rest_is_tagged(predict: Run, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"id": 1, "text": "民警巡逻。"}\n{"id": 2}\n{"id": 3, "text": "开会。"}\n')
    done = predict("in.jsonl")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 3
    assert rows[1] == {"id": 2, "line": 2, "error": "no field 'text'"}
    assert [row.get("domains") for row in rows] == [["patrol"], None, []]
    assert done.stderr == "tagger: in.jsonl:2: no field 'text'. It has an error field.\n"


def test_records_of_a_csv_come_out_with_their_columns(predict: Run, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_bytes("编号;正文\r\n1;民警在夜市开展巡逻，劝离违停。\r\n".encode("gb18030"))
    assert _lines(predict("in.csv", "--text-field", "正文")) == [
        {
            "编号": "1", "正文": "民警在夜市开展巡逻，劝离违停。", "domains": ["traffic", "patrol"],
            "scores": {"traffic": 0.5, "patrol": 0.5, "propaganda": 0.0},
        }
    ]  # fmt: skip


def test_a_folder_is_tagged_in_name_order(predict: Run, pages: Path) -> None:
    assert [row["id"] for row in _lines(predict("pages"))] == ["0312", "0313", 1]


def test_a_glob_is_tagged_in_name_order(predict: Run, pages: Path) -> None:
    assert [row["id"] for row in _lines(predict("pages/*.[th]*"))] == ["0312", "0313"]


def test_every_kind_of_document_is_read(predict: Run, tmp_path: Path, docx: bytes, pdf: bytes) -> None:
    (tmp_path / "a.docx").write_bytes(docx)
    (tmp_path / "b.pdf").write_bytes(pdf)
    word, print_ = _lines(predict("a.docx", "b.pdf"))
    assert [p["text"] for p in word["paragraphs"]] == ["强化巡控保稳定。民警每晚在夜市巡逻。", "向群众发放宣传单。"]
    assert word["domains"] == {"patrol": 0.5, "propaganda": 0.5}
    assert print_["original"].strip() == "民警每晚在夜市巡逻。"
    assert print_["domains"] == {"patrol": 0.5}


def test_a_document_is_read_from_standard_input(predict: Run) -> None:
    (data,) = _lines(predict("-", stdin=_PAGE.encode("gb18030")))
    assert (data["id"], data["source"], data["original"]) == ("stdin", "-", _PAGE)
    assert data["domains"] == {"patrol": 0.5, "propaganda": 0.5}


def test_records_are_read_from_standard_input(predict: Run) -> None:
    rows = "".join(json.dumps({"id": i, "text": "民警巡逻。"}, ensure_ascii=False) + "\n" for i in range(300))
    found = _lines(predict("-", "--records", stdin=rows.encode()))
    assert [row["id"] for row in found] == list(range(300))
    assert {tuple(row["domains"]) for row in found} == {("patrol",)}


def test_a_slow_writer_on_standard_input_does_not_part_a_character(
    environment: dict[str, str], lexicon_folder: Path
) -> None:
    command = [sys.executable, "-m", "tagger", "predict", "-", "--records", "--model", str(lexicon_folder)]
    data = json.dumps({"text": "民警巡逻。" * 9}, ensure_ascii=False).encode()
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdin is not None
        for cut in (data[:12], data[12:20], data[20:]):  # the first cut lies within a character
            process.stdin.write(cut)
            process.stdin.flush()
        out, err = process.communicate()
    assert (process.returncode, err) == (0, b"")
    assert json.loads(out)["domains"] == ["patrol"]


def test_jsonl_is_the_format_of_a_pipe(predict: Run, pages: Path) -> None:
    piped, named = predict("pages"), predict("pages", "--format", "jsonl")
    assert piped.stdout == named.stdout
    assert piped.stdout.count("\n") == 3


def test_the_csv_format(predict: Run, pages: Path) -> None:
    done = predict("pages/0312.txt", "--format", "csv", "--level", "sentence")
    assert done.returncode == 0
    assert done.stdout.startswith("\ufeffid,source,title,")
    rows = list(csv.DictReader(done.stdout.removeprefix("\ufeff").splitlines()))
    assert [(row["text"], row["domains"]) for row in rows][2:5] == [
        ("强化巡控保稳定。", "patrol"), ("巡特警每晚在夜市开展武装巡逻。", "patrol"),
        ("向商户发放宣传单二百份。", "propaganda"),
    ]  # fmt: skip


def test_the_html_format(predict: Run, pages: Path) -> None:
    done = predict("pages", "--format", "html")
    assert done.returncode == 0
    assert done.stdout.startswith("<!doctype html>")
    assert done.stdout.count("<section>") == 3
    assert done.stdout.endswith("</html>\n")


def test_the_label_studio_format(predict: Run, pages: Path) -> None:
    done = predict("pages/0312.txt", "--format", "label-studio")
    tasks = json.loads(done.stdout)
    assert [task["data"]["uid"] for task in tasks] == ["0312:paragraph:0", "0312:paragraph:2"]
    assert tasks[1]["predictions"][0]["result"][0]["value"] == {"choices": ["patrol", "propaganda"]}


def test_the_table_format(predict: Run, pages: Path) -> None:
    done = predict("pages/0312.txt", "--format", "table", "--explain")
    assert done.returncode == 0
    assert "巡逻防控 0.50" in done.stdout
    assert "宣传: 宣传单 +1.00" in done.stdout
    assert "\x1b" not in done.stdout


def test_the_format_is_told_from_the_outputs_suffix(predict: Run, pages: Path, tmp_path: Path) -> None:
    done = predict("pages/0312.txt", "-o", "o.html")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (tmp_path / "o.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_threshold_takes_the_place_of_the_models_own(predict: Run, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("开展宣传讲座。民警巡逻。", encoding="utf-8")
    (data,) = _lines(predict("a.txt", "--threshold", "0.6"))
    assert data["domains"] == {"propaganda": 0.75}


def test_evidence_is_given_where_asked(predict: Run, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("民警巡逻。", encoding="utf-8")
    (data,) = _lines(predict("a.txt", "--explain"))
    assert data["paragraphs"][0]["sentences"][0]["evidence"] == {
        "patrol": [{"ngram": "巡逻", "weight": 1.0, "field": "text", "spans": [[2, 4]]}]
    }


def test_a_trained_model_is_used_by_its_folder(run: Run, tmp_path: Path, tfidf_folder: Path) -> None:
    (tmp_path / "a.txt").write_text("巡特警每晚在夜市开展武装巡逻。", encoding="utf-8")
    (data,) = _lines(run("predict", "a.txt", "--model", tfidf_folder))
    assert list(data["domains"]) == ["patrol"]
    assert data["model"]["name"] == "small"


def test_a_file_name_that_is_not_utf_8_stops_nothing(predict: Run, tmp_path: Path) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    Path(folder, "\udcff.txt").write_text("民警巡逻。", encoding="utf-8")
    for format in ("csv", "label-studio"):
        done = predict("odd", "--format", format)
        assert (done.returncode, done.stderr) == (0, "")
        assert "民警巡逻。" in done.stdout
    (data,) = _lines(predict("odd"))
    assert (data["id"], data["domains"]) == ("\udcff", {"patrol": 0.5})


@pytest.mark.parametrize(("format", "first"), [("jsonl", "{"), ("table", " ")])
def test_the_reader_of_the_output_may_go_away(
    environment: dict[str, str], tmp_path: Path, lexicon_folder: Path, format: str, first: str
) -> None:
    (tmp_path / "in.jsonl").write_text('{"text": "民警巡逻。"}\n' * 2_000)
    options = ["--model", str(lexicon_folder), "--format", format]
    command = [sys.executable, "-m", "tagger", "predict", "in.jsonl", *options]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith(first.encode())
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_help_and_version_succeed(run: Run) -> None:
    version, help_ = run("--version"), run("--help")
    assert (version.returncode, version.stdout) == (0, f"tagger {tagger.__version__}\n")
    assert help_.returncode == 0
    assert "Exit codes: 0 done, 1 error, 2 wrong use, 3 done but some inputs failed." in help_.stdout


def test_without_a_command_help_is_shown_as_wrong_use(run: Run) -> None:
    done = run()
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Usage: tagger [OPTIONS] COMMAND")


_HEAVY = ("sklearn", "scipy", "torch", "transformers", "label_studio_sdk", "hydra", "numpy", "rich.table", "yaml",
          "optuna", "mlflow", "fastapi", "matplotlib")  # fmt: skip


def test_help_imports_nothing_heavy(environment: dict[str, str]) -> None:
    script = (
        "import sys\nfrom tagger.cli.main import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit as end:\n    assert end.code == 0\n"
        f"print([name for name in {_HEAVY} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, env=environment, check=True)
    assert done.stderr.decode().strip() == "[]"


def test_the_lexicon_is_used_without_scikit_learn(
    environment: dict[str, str], tmp_path: Path, lexicon_folder: Path
) -> None:
    (tmp_path / "a.txt").write_text("民警巡逻。", encoding="utf-8")
    script = (
        "import sys\nfrom tagger.cli.main import main\n"
        f"try:\n    main(['predict', 'a.txt', '--model', {str(lexicon_folder)!r}])\nexcept SystemExit as end:\n"
        "    assert end.code == 0\nprint('sklearn' in sys.modules, 'torch' in sys.modules, file=sys.stderr)"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, env=environment, cwd=tmp_path, check=True)
    assert done.stderr.decode().strip() == "False False"


_MEMORY = """
import sys
from tagger.cli.main import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    assert end.code == 0
# Not ru_maxrss: Linux counts into it what the parent held when it started the child.
(peak,) = (line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(peak.split()[1]) // 1024, file=sys.stderr)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_memory_does_not_grow_with_the_number_of_records(
    environment: dict[str, str], tmp_path: Path, lexicon_folder: Path
) -> None:
    peaks = []
    for n in (2_000, 20_000):
        path, output = tmp_path / f"{n}.jsonl", tmp_path / f"{n}.out.jsonl"
        row = '{"id": %d, "text": "民警在夜市巡逻，发放宣传单。"}\n'
        path.write_text("".join(row % i for i in range(n)), encoding="utf-8")
        command = [sys.executable, "-c", _MEMORY, "predict", str(path), "-o", str(output),
                   "--model", str(lexicon_folder)]  # fmt: skip
        done = subprocess.run(command, capture_output=True, env=environment, check=True)
        peaks.append(int(done.stderr))
        assert output.read_bytes().count(b"\n") == n
    assert abs(peaks[1] - peaks[0]) < 25
