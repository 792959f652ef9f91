"""The authored corpus: one small text file a bulletin, written and reviewed by people.

::

    # genre: work_report
    # year: 2019
    # province: 云南
    # unit: 县局
    # script: simplified

    某县公安局多措并举守平安<TAB>-<TAB>lead_in

    强化巡控保稳定。<TAB>patrol<TAB>lead_in
    每晚安排三组警力步巡。<TAB>patrol

A header, then paragraphs parted by blank lines; one sentence a line, a tab, its domain
ids joined by commas (``-`` for none), and, where wanted, a tab and marks.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tagger.bulletins.sentences import split_sentences
from tagger.domains import DomainSet
from tagger.errors import CorpusError

#: What each bulletin is; the quotas of the data card count these.
GENRES = {
    "work_report": "comprehensive county or district work report",
    "event_news": "short news of one event",
    "activity": "activity notice",
    "holiday_duty": "duty-day and holiday report",
    "traffic_story": "enforcement or crash story told by the traffic police",
    "fraud_case": "fraud case and its prevention",
    "plan": "work plan, promise or summary",
    "feature": "feature with quotes",
    "microblog": "city page or microblog",
    "inspection": "leader's inspection",
    "other_work": "police work with none of the six domains",
}
#: Hard cases, marked on the sentence.
MARKS = {
    "implicit": "a domain without its keyword",
    "trap": "a keyword with another meaning",
    "list": "a list that names several domains",
    "lead_in": "a lead-in or heading",
    "carrier": "a carrier that is not a domain (rules 9, 10, 18, 19)",
    "figures": "results and figures",
    "reminder": "a police reminder to the public",
    "old": "wording of 2008-2013",
    "new": "wording of 2021 and later",
    "quote": "quoted speech",
    "noise": "page furniture or a garbage line",
}
PROVINCES = tuple(
    (
        "北京 天津 河北 山西 内蒙古 辽宁 吉林 黑龙江 上海 江苏 浙江 安徽 福建 江西 山东 河南 "
        "湖北 湖南 广东 广西 海南 重庆 四川 贵州 云南 西藏 陕西 甘肃 青海 宁夏 新疆"
    ).split()
)
SCRIPTS = ("simplified", "traditional")
HEADER_KEYS = ("genre", "year", "province", "unit", "script")


@dataclass(frozen=True)
class LabelledSentence:
    """One sentence with its labels, as the file states them; `uid` names the task it was labelled in, "" for none."""

    text: str
    domains: tuple[str, ...]
    marks: tuple[str, ...] = ()
    line: int = 0
    uid: str = ""

    @property
    def noise(self) -> bool:
        """Whether the sentence is page furniture."""
        return "noise" in self.marks


@dataclass(frozen=True)
class LabelledBulletin:
    """One file of the corpus: header fields and paragraphs of labelled sentences."""

    id: str
    header: dict[str, str]
    paragraphs: tuple[tuple[LabelledSentence, ...], ...] = field(default=())

    @property
    def sentences(self) -> list[LabelledSentence]:
        """All sentences in order."""
        return [s for paragraph in self.paragraphs for s in paragraph]


def load_corpus(folder: str | Path, domains: DomainSet) -> list[LabelledBulletin]:
    """Read every ``*.txt`` below a folder, in name order.

    Raises
    ------
    CorpusError
        No file, or any breach of the format; the message names file and line.
    """
    return [load_labelled_bulletin(path, domains) for path in corpus_files(folder)]


def corpus_files(folder: str | Path) -> list[Path]:
    """Every ``*.txt`` below a folder, in name order; a file's name is its bulletin's id.

    Raises
    ------
    CorpusError
        No file, or two of one name.
    """
    paths = sorted(Path(folder).rglob("*.txt"))
    if not paths:
        raise CorpusError("no bulletins (*.txt) here", where=folder, hint="Give the folder that holds the corpus.")
    repeated = [name for name, count in Counter(path.name for path in paths).items() if count > 1]
    if repeated:
        raise CorpusError(f"two files are called {repeated[0]}", where=folder, hint="Rename one.")
    return paths


def load_labelled_bulletin(path: str | Path, domains: DomainSet) -> LabelledBulletin:
    """Read and check one corpus file.

    Raises
    ------
    CorpusError
        Names the file and the line.
    """
    path = Path(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CorpusError(f"cannot be read as UTF-8 ({error})", where=path) from None
    lines = [(i, line.rstrip("\r")) for i, line in enumerate(text.split("\n"), start=1)]
    header, body = _split_header(lines, path)
    paragraphs = tuple(_paragraphs(body, path, domains))
    if not paragraphs:
        raise CorpusError("no sentences below the header", where=path)
    return LabelledBulletin(path.stem, header, paragraphs)


def _split_header(lines: list[tuple[int, str]], path: Path) -> tuple[dict[str, str], list[tuple[int, str]]]:
    header: dict[str, str] = {}
    for position, (number, line) in enumerate(lines):
        if not line.startswith("#"):
            _check_header(header, path)
            return header, lines[position:]
        key, colon, value = line.lstrip("# ").partition(":")
        if not colon or key.strip() not in HEADER_KEYS:
            raise _broken(path, number, f"header line {line!r}", f"# key: value with {HEADER_KEYS}")
        header[key.strip()] = value.strip()
    raise CorpusError("only a header, no sentences", where=path)


def _check_header(header: dict[str, str], path: Path) -> None:
    missing = [key for key in HEADER_KEYS if not header.get(key)]
    if missing:
        raise _broken(path, 1, f"header without {', '.join(missing)}", f"all of {HEADER_KEYS}")
    for key, known in (("genre", GENRES), ("province", PROVINCES), ("script", SCRIPTS)):
        if header[key] not in known:
            raise _broken(path, 1, f"{key} {header[key]!r}", f"one of {', '.join(known)}")
    if not header["year"].isdecimal() or not 1990 <= int(header["year"]) <= 2100:
        raise _broken(path, 1, f"year {header['year']!r}", "four digits")


def _paragraphs(body: list[tuple[int, str]], path: Path, domains: DomainSet) -> Iterator[tuple[LabelledSentence, ...]]:
    paragraph: list[LabelledSentence] = []
    for number, line in [*body, (0, "")]:
        if line.strip():
            paragraph.append(_parse_sentence(line, number, path, domains))
        elif paragraph:
            _check_split(paragraph, path)
            yield tuple(paragraph)
            paragraph = []


def _parse_sentence(line: str, number: int, path: Path, domains: DomainSet) -> LabelledSentence:
    fields = line.split("\t")
    if len(fields) not in (2, 3):
        raise _broken(path, number, f"{len(fields)} tab-separated fields", "text, domains[, marks]")
    text = fields[0].strip()
    if not text:
        raise _broken(path, number, "an empty sentence", "text before the tab")
    if any(unicodedata.category(c) in ("Cc", "Cn", "Co", "Cs") for c in text):
        raise _broken(path, number, "a control or unassigned character", "plain text")
    labels = _parse_labels(fields[1], path, number, domains)
    marks = _parse_marks(fields[2] if len(fields) == 3 else "", path, number)
    if "noise" in marks and labels:
        raise _broken(path, number, "page furniture with domains", "- for a sentence marked noise")
    return LabelledSentence(text, labels, marks, number)


def _parse_labels(field_: str, path: Path, number: int, domains: DomainSet) -> tuple[str, ...]:
    names = [name.strip() for name in field_.split(",")]
    if names == ["-"]:
        return ()
    if len(set(names)) != len(names):
        raise _broken(path, number, f"a repeated domain in {field_!r}", "each domain once")
    try:
        return tuple(sorted(names, key=domains.column))
    except CorpusError as error:
        raise CorpusError(error.message, where=f"{path}:{number}", hint=f"{error.hint} Use - for none.") from None


def _parse_marks(field_: str, path: Path, number: int) -> tuple[str, ...]:
    marks = tuple(m.strip() for m in field_.split(",") if m.strip())
    unknown = [m for m in marks if m not in MARKS]
    if unknown:
        raise _broken(path, number, f"unknown mark {unknown[0]!r}", f"one of {', '.join(MARKS)}")
    return marks


def _check_split(paragraph: Sequence[LabelledSentence], path: Path) -> None:
    """Each line must be one sentence as the reader cuts them, or training would see other units."""
    joined = "".join(s.text for s in paragraph)
    cut = [joined[start:end] for start, end in split_sentences(joined)]
    for sentence, found in zip(paragraph, [*cut, *[""] * len(paragraph)], strict=False):
        if sentence.text != found:
            raise _broken(
                path,
                sentence.line,
                f"{sentence.text[-20:]!r} is cut at {found[-20:]!r}",
                "one sentence a line, ended by 。!?; unless it is the last of its paragraph",
            )


def _broken(path: Path, line: int, found: str, expected: str) -> CorpusError:
    return CorpusError(f"found {found}, expected {expected}", where=f"{path}:{line}")
