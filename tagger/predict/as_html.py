"""One self-contained HTML page: bulletins with their measures highlighted."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from tagger.bulletins.bulletin import Paragraph, Sentence
from tagger.domains import DomainSet
from tagger.predict.tagging import TaggedBulletin, Tags
from tagger.predict.units import units

_STYLE = """
:root{color-scheme:light}
body{font:16px/1.9 "Noto Sans SC","PingFang SC","Microsoft YaHei","WenQuanYi Zen Hei",sans-serif}
body{max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}
h1{font-size:1.4rem;line-height:1.4;margin:2.5rem 0 .3rem}.facts{color:#666;margin:0 0 1rem;font-size:.9rem}
table{border-collapse:collapse;margin:1rem 0;font-size:.9rem}
th,td{border-bottom:1px solid #ddd;padding:.25rem .9rem .25rem 0;text-align:left;vertical-align:top}
td.n{text-align:right;font-variant-numeric:tabular-nums}
.d{display:inline-block;border-radius:.25rem;padding:0 .4em;margin-right:.3em}
.d{color:#fff;font-size:.75rem;line-height:1.5}
.s{border-radius:.2rem;padding:.1em 0;box-decoration-break:clone;-webkit-box-decoration-break:clone}
.s.l{font-weight:600}.noise{color:#aaa;font-size:.85em}
p{margin:.5rem 0}footer{color:#888;font-size:.8rem;margin:3rem 0 1rem;border-top:1px solid #ddd}
"""


#: For pages of an asking model alone: a question has an outline where a tag is filled.
_ASK_STYLE = (
    ".d.q{background:none;color:#222;border:1.5px dashed;padding:0 .3em}.d.q::after{content:'？'}"
    ".s.q{border-bottom:2px dashed #666}"
)


def page_start(domains: DomainSet, *, ask: bool = False) -> str:
    """Everything before the first bulletin; for an asking model with the look of its questions."""
    colors = "".join(
        f".c-{d.id}{{background:{d.color}}}.s.b-{d.id}{{background:{d.color}22;border-bottom:3px solid {d.color}}}"
        for d in domains
    )
    legend = "".join(f'<span class="d c-{d.id}">{escape(d.zh or d.id)}</span>' for d in domains)
    if ask:
        colors += _ASK_STYLE + "".join(f".d.q.c-{d.id}{{background:none;border-color:{d.color}}}" for d in domains)
        legend += '<span class="d q">待人工审核 a person should look</span>'
    return (
        '<!doctype html>\n<html lang="zh"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1"><title>tagger</title>'
        f"<style>{_STYLE}{colors}</style></head><body>\n<p>{legend}</p>\n"
    )


def page_end(model: str) -> str:
    """Everything after the last bulletin."""
    return f"<footer>{escape(model)}</footer>\n</body></html>\n"


def bulletin_section(tagged: TaggedBulletin, *, explain: bool = False) -> str:
    """One bulletin: heading, summary by domain, highlighted text; everything escaped."""
    bulletin = tagged.bulletin
    facts = [bulletin.date, bulletin.issuer, bulletin.source]
    return (
        f"<section>\n<h1>{escape(bulletin.title or bulletin.id)}</h1>\n"
        f'<p class="facts">{escape(" · ".join(f for f in facts if f))}</p>\n'
        f"{_summary(tagged)}\n" + "".join(_paragraph(tagged, p, explain) for p in bulletin.paragraphs) + "</section>\n"
    )


def _summary(tagged: TaggedBulletin) -> str:
    rows = [unit for unit in units(tagged, "measure") if not unit.noise]
    sentences = list(tagged.tags.values())
    top_scores = tagged.bulletin_tags.scores
    body = "".join(
        f'<tr><td><span class="d c-{d.id}">{escape(d.zh or d.id)}</span> {escape(d.id)}</td>'
        f'<td class="n">{sum(d.id in u.tags.domains for u in rows)}</td>'
        f'<td class="n">{sum(d.id in tags.domains for tags in sentences)}</td>'
        f"{_asked(tagged, d.id)}"
        f'<td class="n">{top_scores[i]:.2f}</td></tr>'
        for i, d in enumerate(tagged.model.domains)
    )
    asked = "<th>待审 to be looked at</th>" if tagged.model.is_asking else ""
    return (
        f"<table><thead><tr><th>领域 domain</th><th>举措 measures</th><th>句 sentences</th>{asked}"
        f"<th>最高分 top score</th></tr></thead><tbody>{body}</tbody></table>"
    )


def _asked(tagged: TaggedBulletin, id: str) -> str:
    """How many sentences a person should look at; no cell unless the model is asking."""
    if not tagged.model.is_asking:
        return ""
    return f'<td class="n">{sum(id in tags.ask for tags in tagged.tags.values())}</td>'


def _paragraph(tagged: TaggedBulletin, paragraph: Paragraph, explain: bool) -> str:
    parts = list(_sentences(tagged, paragraph, explain))
    noise = ' class="noise"' if paragraph.noise else ""
    return f"<p{noise}>{''.join(parts)}</p>\n"


def _sentences(tagged: TaggedBulletin, paragraph: Paragraph, explain: bool) -> Iterator[str]:
    end = paragraph.start
    for sentence in paragraph.sentences:
        yield escape(tagged.bulletin.original[end : sentence.start])
        yield _sentence(tagged, paragraph, sentence, explain)
        end = sentence.end


def _sentence(tagged: TaggedBulletin, paragraph: Paragraph, sentence: Sentence, explain: bool) -> str:
    text = escape(sentence.text)
    if sentence.noise:
        return f'<span class="noise" title="页面杂项 page furniture">{text}</span>'
    tags = tagged.sentence_tags(paragraph, sentence)
    hover = _hover(tagged, paragraph, sentence, tags, explain)
    lead = " l" if sentence.lead_in else ""
    badges = "".join(_badge(tagged.model.domains, id, id in tags.ask) for id in tags.shown)
    if not tags.domains:
        look = " q" if tags.ask else ""
        return f'<span class="s{lead}{look}" title="{escape(hover)}">{text}</span>{badges}'
    return f'<span class="s t{lead} b-{tags.domains[0]}" title="{escape(hover)}">{text}</span>{badges}'


def _badge(domains: DomainSet, id: str, is_asked: bool) -> str:
    return f'<span class="d {"q " if is_asked else ""}c-{id}">{escape(domains.name(id))}</span>'


def _hover(tagged: TaggedBulletin, paragraph: Paragraph, sentence: Sentence, tags: Tags, explain: bool) -> str:
    domains = tagged.model.domains
    lines = [f"{domains.name(id)} {score:.2f}" for id, score in zip(domains.ids, tags.scores, strict=True)]
    if explain:
        for id in tags.shown:
            found = tagged.explain(paragraph.index, sentence.index, id)
            lines.append(f"{domains.name(id)}: " + ", ".join(f"{e.ngram} {e.weight:+.2f}" for e in found))
        for precedent in tagged.precedents(paragraph.index, sentence.index):
            labels = ", ".join(map(domains.name, precedent.domains)) or "—"
            lines.append(f"≈ {precedent.similarity:.2f} [{labels}] {precedent.text}")
    return "\n".join(lines)
