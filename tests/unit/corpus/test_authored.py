"""The authored corpus: what a file means, and that every breach is told with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from tagger.corpus.authored import LabelledSentence, load_corpus, load_labelled_bulletin
from tagger.domains import DomainSet
from tagger.errors import CorpusError

_HEADER = "# genre: plan\n# year: 2021\n# province: 贵州\n# unit: 派出所\n# script: simplified\n"
_BODY = (
    "\n青山派出所夏季工作打算\t-\tlead_in\n"
    "\n强化巡防。\tpatrol\tlead_in\n每晚步巡夜市，向摊主发放传单。\tpropaganda, patrol\timplicit,list\n"
    "\n审核：李明\t-\tnoise\n"
)


def _write(folder: Path, text: str, name: str = "07-01.txt") -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path


def test_a_file_is_read_as_it_is_written(tmp_path: Path, domains: DomainSet) -> None:
    bulletin = load_labelled_bulletin(_write(tmp_path, _HEADER + _BODY), domains)
    assert bulletin.id == "07-01"
    assert bulletin.header == {
        "genre": "plan", "year": "2021", "province": "贵州", "unit": "派出所", "script": "simplified"
    }  # fmt: skip
    assert [[s.text for s in paragraph] for paragraph in bulletin.paragraphs] == [
        ["青山派出所夏季工作打算"], ["强化巡防。", "每晚步巡夜市，向摊主发放传单。"], ["审核：李明"]
    ]  # fmt: skip


def test_labels_come_in_column_order_whatever_order_they_are_written_in(tmp_path: Path, domains: DomainSet) -> None:
    bulletin = load_labelled_bulletin(_write(tmp_path, _HEADER + _BODY), domains)
    assert bulletin.sentences[2] == LabelledSentence(
        "每晚步巡夜市，向摊主发放传单。", ("patrol", "propaganda"), ("implicit", "list"), line=10
    )


def test_a_dash_is_no_domain_and_noise_is_page_furniture(tmp_path: Path, domains: DomainSet) -> None:
    title, lead_in, _, furniture = load_labelled_bulletin(_write(tmp_path, _HEADER + _BODY), domains).sentences
    assert (title.domains, title.noise) == ((), False)
    assert (lead_in.domains, lead_in.marks) == (("patrol",), ("lead_in",))
    assert (furniture.domains, furniture.noise) == ((), True)


def test_windows_line_ends_are_read_alike(tmp_path: Path, domains: DomainSet) -> None:
    text = _HEADER + _BODY
    unix = load_labelled_bulletin(_write(tmp_path, text), domains)
    windows = load_labelled_bulletin(_write(tmp_path, text.replace("\n", "\r\n")), domains)
    assert windows == unix


def _replaced(old: str, new: str) -> str:
    text = _HEADER + _BODY
    assert text.count(old) == 1
    return text.replace(old, new)


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        (_replaced("# genre", "# genere"), 1, "found header line '# genere: plan', expected # key: value with"),
        (_replaced("# year: 2021", "# year 2021"), 2, "found header line '# year 2021', expected # key: value"),
        (_replaced("# unit: 派出所\n", ""), 1, "found header without unit, expected all of"),
        (_replaced("# script: simplified", "# script:"), 1, "found header without script"),
        (_BODY.lstrip(), 1, "found header without genre, year, province, unit, script"),
        (_replaced("genre: plan", "genre: poem"), 1, "found genre 'poem', expected one of work_report, "),
        (_replaced("贵州", "贵洲"), 1, "found province '贵洲', expected one of 北京, "),
        (_replaced("simplified", "latin"), 1, "found script 'latin', expected one of simplified, traditional"),
        (_replaced("2021", "21"), 1, "found year '21', expected four digits"),
        (_replaced("2021", "²⁰²¹"), 1, "found year '²⁰²¹', expected four digits"),
        (_replaced("强化巡防。\tpatrol\tlead_in", "强化巡防。"), 9, "found 1 tab-separated fields, expected text, "),
        (_replaced("\tpatrol\tlead_in", "\tpatrol\tlead_in\tx"), 9, "found 4 tab-separated fields"),
        (_replaced("强化巡防。", " "), 9, "found an empty sentence, expected text before the tab"),
        (_replaced("步巡", "步\x07巡"), 10, "found a control or unassigned character, expected plain text"),
        (_replaced("步巡", "步\ue000巡"), 10, "found a control or unassigned character, expected plain text"),
        (_replaced("\tpatrol\t", "\tpatrl\t"), 9, "unknown domain 'patrl'. Did you mean 'patrol'? Use - for none."),
        (_replaced("\tpatrol\t", "\t\t"), 9, "unknown domain ''"),
        (_replaced("\tpatrol\t", "\t-,patrol\t"), 9, "unknown domain '-'"),
        (
            _replaced("propaganda, patrol", "patrol, patrol"),
            10,
            "found a repeated domain in 'patrol, patrol', expected",
        ),
        (_replaced("implicit", "implicite"), 10, "found unknown mark 'implicite', expected one of implicit, trap"),
        (_replaced("李明\t-", "李明\tpatrol"), 12, "found page furniture with domains, expected - for a sentence"),
        (_replaced("强化巡防。", "强化巡防。守护平安。"), 9, "found '强化巡防。守护平安。' is cut at '强化巡防。'"),
        (
            _replaced("强化巡防。", "强化巡防，"),
            9,
            "expected one sentence a line, ended by 。!?; unless it is the last",
        ),
    ],
)
def test_a_breach_is_told_with_file_and_line(
    tmp_path: Path, domains: DomainSet, text: str, line: int, problem: str
) -> None:
    path = _write(tmp_path, text)
    with pytest.raises(CorpusError) as error:
        load_labelled_bulletin(path, domains)
    assert str(error.value).startswith(f"{path}:{line}: ")
    assert problem in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "header without genre"),
        (_HEADER.rstrip("\n").encode(), "only a header, no sentences"),
        ((_HEADER + "\n\n").encode(), "no sentences below the header"),
        ((_HEADER + _BODY).encode("gb18030"), "cannot be read as UTF-8"),
    ],
    ids=["empty", "header_only", "blank_body", "gb18030"],
)
def test_a_file_without_usable_text_is_told_by_name(
    tmp_path: Path, domains: DomainSet, data: bytes, problem: str
) -> None:
    path = tmp_path / "07-02.txt"
    path.write_bytes(data)
    with pytest.raises(CorpusError, match=problem) as error:
        load_labelled_bulletin(path, domains)
    assert str(error.value).startswith(str(path))


def test_a_corpus_is_read_in_name_order_below_all_folders(tmp_path: Path, domains: DomainSet) -> None:
    (tmp_path / "more").mkdir()
    for name in ("02.txt", "more/01.txt", "10.txt"):
        _write(tmp_path, _HEADER + _BODY, name)
    (tmp_path / "notes.md").write_text("not a bulletin")
    assert [b.id for b in load_corpus(tmp_path, domains)] == ["02", "10", "01"]


def test_two_files_of_one_name_are_refused(tmp_path: Path, domains: DomainSet) -> None:
    (tmp_path / "more").mkdir()
    for name in ("01.txt", "more/01.txt"):
        _write(tmp_path, _HEADER + _BODY, name)
    with pytest.raises(CorpusError, match=r"two files are called 01\.txt"):
        load_corpus(tmp_path, domains)


def test_a_folder_without_bulletins_is_refused(tmp_path: Path, domains: DomainSet) -> None:
    with pytest.raises(CorpusError, match=r"no bulletins \(\*\.txt\) here\. Give the folder that holds the corpus"):
        load_corpus(tmp_path, domains)
