"""Text of Word documents: whatever wraps it, and documents that are not what they say."""

from __future__ import annotations

import io
import zipfile

import pytest

from tagger.bulletins.docx import extract_docx
from tagger.bulletins.limits import Limits
from tagger.errors import DocumentError, LimitError

_NAMESPACES = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape"'
)
_RUN, _END = "<w:r><w:t>", "</w:t></w:r>"
_BOX = "<wps:txbx><w:txbxContent><w:p><w:r><w:t>框中</w:t></w:r></w:p></w:txbxContent></wps:txbx>"
_BOXES = f"<mc:AlternateContent><mc:Choice>{_BOX}</mc:Choice><mc:Fallback>{_BOX}</mc:Fallback></mc:AlternateContent>"


def _lines(data: bytes) -> list[str]:
    return extract_docx(data)["text"].split("\n")


def _rewritten(data: bytes, **parts: bytes) -> bytes:
    """A document with some parts replaced or added; `document` stands for word/document.xml."""
    names = {name: {"document": "word/document.xml"}.get(name, name) for name in parts}
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            if info.filename not in names.values():
                new.writestr(info.filename, old.read(info))
        for name, content in parts.items():
            new.writestr(names[name], content)
    return file.getvalue()


def _with_xml(document, xml: str) -> None:
    """Append children to the last paragraph."""
    from docx.oxml import parse_xml

    for element in parse_xml(f"<w:p {_NAMESPACES}>{xml}</w:p>"):
        document.paragraphs[-1]._p.append(element)


def test_paragraphs_are_lines_and_no_facts_are_claimed(make_docx):
    answer = extract_docx(make_docx("云岭县公安局简报", "", "强化巡控。\n盘查车辆。", "一、\t疏导交通"))
    assert answer == {
        "text": "云岭县公安局简报\n强化巡控。\n盘查车辆。\n一、\t疏导交通", "title": None, "date": None, "issuer": None,
    }  # fmt: skip


def test_lists_and_tables_keep_their_lines_and_a_merged_cell_comes_once(make_docx):
    def change(document):
        for style in ("List Bullet", "List Number"):
            document.add_paragraph("疏导交通", style=style)
        table = document.add_table(3, 2)
        for row, cells in zip(table.rows, [("所队", "警力"), ("城关所", "38人次"), ("", "")], strict=True):
            for cell, text in zip(row.cells, cells, strict=True):
                cell.text = text
        merged = document.add_table(2, 2)
        merged.cell(0, 0).merge(merged.cell(0, 1)).text = "合并\n两行"
        merged.cell(1, 0).text = "左"
        merged.cell(1, 1).add_table(1, 2).cell(0, 0).text = "表中表"

    assert _lines(make_docx("开头", change=change)) == [
        "开头", "疏导交通", "疏导交通", "所队\t警力", "城关所\t38人次", "合并 两行", "左\t表中表",
    ]  # fmt: skip


def test_headers_and_footers_are_read_once(make_docx):
    def change(document):
        document.sections[0].header.paragraphs[0].text = "云岭县公安局简报"
        document.sections[0].footer.paragraphs[0].text = "第 1 页"
        for _ in range(2):
            section = document.add_section()
            section.header.is_linked_to_previous = False
            section.header.paragraphs[0].text = "云岭县公安局简报"

    assert _lines(make_docx("正文。", change=change)) == ["云岭县公安局简报", "正文。", "第 1 页"]


@pytest.mark.parametrize(
    ("xml", "text"),
    [
        ("<w:smartTag><w:r><w:t>2023年7月1日</w:t></w:r></w:smartTag>", "前2023年7月1日"),
        ("<w:ins w:id='1'><w:r><w:t>插入</w:t></w:r></w:ins>", "前插入"),
        ("<w:del w:id='1'><w:r><w:delText>删除</w:delText></w:r></w:del>", "前"),
        ("<w:hyperlink><w:r><w:t>链接</w:t></w:r></w:hyperlink>", "前链接"),
        ("<w:fldSimple w:instr='DATE'><w:r><w:t>域</w:t></w:r></w:fldSimple>", "前域"),
        ("<w:r><w:instrText>PAGE</w:instrText></w:r>", "前"),
        ("<w:sdt><w:sdtContent><w:r><w:t>控件</w:t></w:r></w:sdtContent></w:sdt>", "前控件"),
        ("<w:r><w:tab/><w:t>表</w:t><w:noBreakHyphen/><w:br/><w:t>行</w:t></w:r>", "前\t表-\n行"),
        (f"<w:r><w:ruby><w:rt>{_RUN}jì{_END}</w:rt><w:rubyBase>{_RUN}纪{_END}</w:rubyBase></w:ruby></w:r>", "前纪"),
        (f"<w:r>{_BOXES}</w:r>", "前\n框中"),
        ("<!-- 注释 --><w:r><w:t>后</w:t></w:r>", "前后"),
    ],
    ids=["smart", "inserted", "deleted", "link", "field", "instruction", "control", "signs", "ruby", "box", "comment"],
)  # fmt: skip
def test_text_is_read_whatever_wraps_it(make_docx, xml, text):
    assert extract_docx(make_docx("前", change=lambda document: _with_xml(document, xml)))["text"] == text


def test_paragraphs_in_content_controls_are_read_in_place(make_docx):
    def change(document):
        from docx.oxml import parse_xml

        block = (
            f"<w:sdt {_NAMESPACES}><w:sdtContent><w:p><w:r><w:t>控件里的一段。</w:t></w:r></w:p></w:sdtContent></w:sdt>"
        )
        document.element.body.insert(1, parse_xml(block))

    assert _lines(make_docx("前。", "后。", change=change)) == ["前。", "控件里的一段。", "后。"]


def test_tab_stops_are_no_tabs(make_docx):
    def change(document):
        document.paragraphs[0].paragraph_format.tab_stops.add_tab_stop(914400)

    assert _lines(make_docx("强化巡控。", change=change)) == ["强化巡控。"]


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_docx_is_damaged(make_docx, share):
    data = make_docx("强化巡控。" * 100)
    with pytest.raises(DocumentError, match=r"^a damaged Word document \(File is not a zip file\)\.$"):
        extract_docx(data[: int(len(data) * share)])


def test_a_docx_with_flipped_bytes_is_damaged(make_docx):
    data = bytearray(make_docx("强化巡控。" * 100))
    start = data.index(b"word/document.xml") + 40
    data[start : start + 40] = b"\xff" * 40
    with pytest.raises(DocumentError, match=r"^a damaged Word document"):
        extract_docx(bytes(data))


def test_an_encrypted_or_old_word_file_is_told():
    with pytest.raises(DocumentError) as caught:
        extract_docx(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    assert str(caught.value) == "an encrypted or old binary Word file. Save it as .docx without a password."


def test_a_zip_that_is_no_word_document_is_told():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.txt", "巡逻")
    with pytest.raises(DocumentError, match=r"^not a readable Word document \(KeyError\)\.$"):
        extract_docx(file.getvalue())


@pytest.mark.parametrize("xml", [b"", b"<w:document", b"not xml", b"<a/>"])
def test_a_docx_whose_main_part_is_broken_is_told(make_docx, xml):
    with pytest.raises(DocumentError, match=r"^not a readable Word document \(\w+\)\.$"):
        extract_docx(_rewritten(make_docx("强化巡控。"), document=xml))


def test_a_zip_bomb_is_refused_before_it_is_parsed(make_docx):
    data = _rewritten(make_docx("强化巡控。"), bomb=bytes(3 << 20))
    assert len(data) < 1 << 20
    with pytest.raises(LimitError) as caught:
        extract_docx(data, Limits(max_expanded=2 << 20))
    assert str(caught.value) == "unpacks to more than 2 MiB."


def test_a_zip_bomb_that_lies_about_its_size_is_refused(make_docx):
    data = _rewritten(make_docx("强化巡控。"), bomb=bytes(3 << 20))
    size, lie = (3 << 20).to_bytes(4, "little"), (10).to_bytes(4, "little")
    assert data.count(size) == 2  # once before the member, once in the directory
    with pytest.raises((LimitError, DocumentError)) as caught:
        extract_docx(data.replace(size, lie), Limits(max_expanded=2 << 20))
    assert str(caught.value) == "a damaged Word document (Bad CRC-32 for file 'bomb')."


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("part", ["document", "customXml/item1.XML"])
def test_an_entity_bomb_is_refused_wherever_it_stands(make_docx, part, encoding):
    levels = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 10))
    bomb = f'<?xml version="1.0"?>{" " * (1 << 20)}<!DOCTYPE a [<!ENTITY e0 "ha">{levels}]><a>&e9;</a>'
    with pytest.raises(DocumentError) as caught:
        extract_docx(_rewritten(make_docx("强化巡控。"), **{part: bomb.encode(encoding)}))
    assert str(caught.value) == "a Word document that declares entities, which no Word writes."


@pytest.mark.parametrize(("style", "title"), [("Title", "护航夜市"), ("Heading 1", "护航夜市"), ("Heading 2", None)])
def test_the_title_is_the_first_paragraph_of_its_style(make_docx, style, title):
    def change(document):
        document.sections[0].header.paragraphs[0].text = "内部资料"
        for text in (" ", "一、强化巡控", "护航夜市", "另一个"):
            document.add_paragraph(text, style=style)

    answer = extract_docx(make_docx("青石县公安局", change=change))
    assert answer["title"] == title
    assert answer["text"].startswith("内部资料\n青石县公安局\n一、强化巡控")


def test_a_title_style_is_told_by_its_name_whatever_its_id(make_docx):
    def change(document):
        document.styles["Heading 1"].element.styleId = "2"
        document.add_paragraph("护航夜市")._p.style = "2"

    assert extract_docx(make_docx("青石县公安局", change=change))["title"] == "护航夜市"
