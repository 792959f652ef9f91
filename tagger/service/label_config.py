"""Label Studio's labelling interface (XML), as far as it says where tags go.

The interface comes with every request and belongs to the project: names of tags, the field
that is shown, and what each choice is called are read from it, never assumed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING

from tagger.domains import Domain, DomainSet
from tagger.errors import InputError
from tagger.tasks import NO_DOMAIN

if TYPE_CHECKING:
    from lxml.etree import _Element

#: What a choice that stands for "no domain" may be called, by value or alias, in lower case.
NONE_NAMES = frozenset({
    NO_DOMAIN, "no_domain", "no domain", "none of them", "none of the above",
    "无", "无领域", "以上都不属于", "以上都不是", "以上皆非", "都不属于", "都不是", "不属于任何领域",
})  # fmt: skip
_WHERE = "label config"
#: Tags that show a text; spans of characters are told in the first only, in the others by XPath or line.
_SPANNABLE, _TEXTS = ("Text",), ("Text", "HyperText", "Paragraphs")
_MAX_CHARS = 1_000_000


@dataclass(frozen=True)
class Control:
    """A tag of the interface that takes our tags.

    Attributes
    ----------
    kind : str
        ``choices`` for the whole paragraph, ``labels`` for spans.
    from_name, to_name : str
        As every result must name them.
    field : str
        The field of a task's data that the text stands in.
    labels : dict
        Domain id -> what a result calls it: the choice's alias, else its value. `NO_DOMAIN`
        stands for "none of them", where the control offers it.
    multiple : bool
        Whether a result may hold several.
    """

    kind: str
    from_name: str
    to_name: str
    field: str
    labels: dict[str, str]
    multiple: bool = False


@dataclass(frozen=True)
class Interface:
    """Where tags of paragraphs and of sentences go; at least one of the first two is there.

    `none` is the control that says "no domain applies": one of its own, or `choices` itself.
    """

    choices: Control | None
    spans: Control | None
    none: Control | None

    @property
    def field(self) -> str:
        """The field of a task's data that holds the text."""
        control = self.choices or self.spans
        assert control is not None
        return control.field

    def missing(self, domains: DomainSet) -> list[str]:
        """Domains that no choice stands for: their tags cannot be shown."""
        offered = {id for control in (self.choices, self.spans) if control for id in control.labels}
        return [id for id in domains.ids if id not in offered]


@lru_cache(maxsize=32)
def read_interface(config: str, domains: DomainSet) -> Interface:
    """What a labelling interface offers for the domains of a model.

    Parameters
    ----------
    config : str
        The XML, as Label Studio sends it; from a stranger as far as we know.
    domains : DomainSet

    Raises
    ------
    InputError
        Not XML, or without a choice for any of the domains.
    """
    root = _parse(config)
    texts = {text.get("name"): text for text in root.iter(*_TEXTS) if _field(text)}
    boxes = list(_controls(root, "Choices", "Choice", texts, domains))
    choices = _best(boxes, domains)
    spans = _best(_controls(root, "Labels", "Label", texts, domains), domains)
    if choices is None and spans is None:
        raise InputError(
            f"found no <Choices> or <Labels> on a <Text> that names one of {', '.join(domains.ids)}", where=_WHERE,
            hint="Name the choices (value or alias) by the domains' ids, Chinese or English names. "
            "Nothing was pre-annotated.",
        )  # fmt: skip
    none = next((box for box in boxes if NO_DOMAIN in box.labels and box.field == (choices or box).field), None)
    return Interface(choices, spans, none if choices else None)


def _parse(config: str) -> _Element:
    from lxml import etree

    if len(config) > _MAX_CHARS or "<!DOCTYPE" in config.upper() or "<!ENTITY" in config.upper():
        raise InputError("holds a document type or is too long, expected a labelling interface", where=_WHERE)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
    try:
        return etree.fromstring(config.encode("utf-8", "replace"), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise InputError(f"not XML ({error})", where=_WHERE) from None


def _controls(
    root: _Element, tag: str, option: str, texts: dict[str | None, _Element], domains: DomainSet
) -> Iterator[Control]:
    kind = tag.lower()
    for element in root.iter(tag):
        text = texts.get(element.get("toName"))
        shows = text is not None and (kind == "choices" or text.tag in _SPANNABLE)
        if not element.get("name") or not shows or element.get("perRegion") == "true":
            continue
        names = [_names(child) for child in element.iter(option)]
        labels = {domain.id: name for domain in domains if (name := _find(names, _known_as(domain)))}
        if kind == "choices" and (none := _find(names, NONE_NAMES)):
            labels[NO_DOMAIN] = none
        if labels:
            multiple = element.get("choice", "single").startswith("multiple")
            yield Control(kind, element.get("name"), element.get("toName"), _field(text), labels, multiple)


def _best(controls: Iterable[Control], domains: DomainSet) -> Control | None:
    """The control that offers most domains, and at least one; the first of several such."""
    offers = {i: (control, len(control.labels.keys() & set(domains.ids))) for i, control in enumerate(controls)}
    control, n_offered = max(offers.values(), key=itemgetter(1), default=(None, 0))
    return control if n_offered else None


def _names(option: _Element) -> tuple[str, ...]:
    """What results call an option, then what else it is called: the alias stands for the value where there is one."""
    return tuple(name for name in (option.get("alias"), option.get("value")) if name)


def _find(names: list[tuple[str, ...]], known: frozenset[str]) -> str | None:
    return next((own[0] for own in names for name in own if name.strip().casefold() in known), None)


def _known_as(domain: Domain) -> frozenset[str]:
    return frozenset(name.strip().casefold() for name in (domain.id, domain.zh, domain.en) if name.strip())


def _field(text: _Element) -> str:
    """The task's field behind ``value="$text"``; "" for a text that stands in the interface itself."""
    value = text.get("value") or ""
    return value[1:] if value.startswith("$") and text.get("valueType", "text") != "url" else ""
