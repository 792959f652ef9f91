"""A hostile page, for the writers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tagger.bulletins.bulletin import parse_bulletin
from tagger.bulletins.metadata import PageFacts
from tagger.domains import Domain, DomainSet
from tagger.models.storage import Model
from tagger.predict.records import Record, TaggedRecord
from tagger.predict.tagging import TaggedBulletin, tag_bulletin

HOSTILE = (
    "<script>alert(1)</script>公安局\n\n"
    "民警巡逻</span><img src=x onerror=alert(2)>。\x1b[31m开展宣传&amp;讲座\u202e。\x07\n"
    '=HYPERLINK("http://evil.example","巡逻")。\n'
)


@pytest.fixture(scope="session")
def hostile(lexicon: Model) -> TaggedBulletin:
    """A page whose id, title, text, source and domain names try to get out of every format."""
    names = [replace(d, zh=f"<b>{d.zh}</b>[/red]") for d in lexicon.domains]
    model = replace(lexicon, domains=DomainSet([Domain(**vars(d)) for d in names]))
    id = '"><script>alert(3)</script>'
    facts = PageFacts(title="<script>alert(1)</script>公安局")
    return tag_bulletin(parse_bulletin(HOSTILE, id=id, source="-1+1|cmd<i>.txt", facts=facts), model)


@pytest.fixture(scope="session")
def tag_fields(lexicon: Model):  # type: ignore[no-untyped-def]
    """A function that makes a tagged record of fields; of an error, a bad one."""

    def tag(fields: dict[str, object], error: str = "", fieldnames: tuple[str, ...] = ()) -> TaggedRecord:
        text = "" if error else str(fields["text"])
        tagged = None if error else tag_bulletin(parse_bulletin(text, id="4"), lexicon)
        return TaggedRecord(Record(4, fields, text, error), tagged, "in.jsonl", fieldnames)

    return tag
