"""The labelling interface, made from the domains: what annotators see, and the names that results carry.

Choices carry the domain's id as ``alias``: the screen shows Chinese, results hold the id, so
that a new Chinese name touches no annotation.
"""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree import ElementTree

from tagger.domains import Domain, DomainSet
from tagger.errors import LabellingError
from tagger.tasks import DOMAINS, NO_DOMAIN, NONE, SPANS, TEXT

#: Keys for marking passages, in the order of the domains: letters that the editor itself leaves free.
_SPAN_KEYS = "qwetasdfgzxcvb"
_NONE_KEY = "0"
_STYLE = """
.context { color: #7a7a7a; font-size: 13px; line-height: 1.6; white-space: pre-wrap; }
.paragraph { font-size: 17px; line-height: 1.9; margin: 10px 0; padding: 8px 12px; border-left: 4px solid #1f4e79; }
.note { color: #a15c00; font-size: 13px; white-space: pre-wrap; }
.domains .ant-checkbox-wrapper, .domains .ant-radio-wrapper { font-size: 15px; }
"""


def interface_xml(domains: DomainSet) -> str:
    """The labelling configuration.

    The paragraph stands between its title and its neighbours. Below it are the domains, of
    which any number may be ticked, and "none of them", which must be ticked when none is and
    cannot be beside one: Label Studio hides it then, and submits nothing that is hidden. So
    every submitted paragraph says what its annotator thought. Marking passages is optional.

    Parameters
    ----------
    domains : DomainSet
        At most 14.

    Returns
    -------
    str
        XML; the same domains give the same text.
    """
    if len(domains) > len(_SPAN_KEYS):
        raise LabellingError(
            f"found {len(domains)} domains, expected at most {len(_SPAN_KEYS)}", where="labels/domains.yaml"
        )
    view = ElementTree.Element("View")
    ElementTree.SubElement(view, "Style").text = _STYLE
    ElementTree.SubElement(view, "Header", value="$title", size="4")
    _shown(view, "note", "$note")
    _shown(view, "context", "$before")
    _spans(view, domains)
    _shown(view, "paragraph", f"${TEXT}", name=TEXT)
    _shown(view, "context", "$after")
    _domains(view, domains)
    _none(view, domains)
    ElementTree.indent(view)
    return ElementTree.tostring(view, encoding="unicode") + "\n"


def _shown(view: ElementTree.Element, kind: str, value: str, name: str | None = None) -> None:
    box = ElementTree.SubElement(view, "View", className=kind)
    ElementTree.SubElement(box, "Text", name=name or value.removeprefix("$"), value=value)


def _spans(view: ElementTree.Element, domains: DomainSet) -> None:
    labels = ElementTree.SubElement(view, "Labels", name=SPANS, toName=TEXT, choice="multiple", showInline="true")
    for domain, key in zip(domains, _SPAN_KEYS, strict=False):
        ElementTree.SubElement(
            labels, "Label", value=_name(domain), alias=domain.id, background=domain.color, hotkey=key,
            hint=f"标出句子：{_name(domain)}（可选）",
        )  # fmt: skip


def _domains(view: ElementTree.Element, domains: DomainSet) -> None:
    box = ElementTree.SubElement(view, "View", className="domains")
    ElementTree.SubElement(box, "Header", value="这一段属于哪些领域？（可多选）", size="5")
    choices = ElementTree.SubElement(box, "Choices", name=DOMAINS, toName=TEXT, choice="multiple", showInline="true")
    for domain in domains:
        ElementTree.SubElement(choices, "Choice", **_choice(domain))


def _choice(domain: Domain) -> dict[str, str]:
    shown = {
        "value": _name(domain), "alias": domain.id, "hint": domain.definition or domain.en,
        "style": f"border-bottom: 3px solid {domain.color}",
    }  # fmt: skip
    return shown | ({"hotkey": domain.hotkey} if domain.hotkey else {})


def _none(view: ElementTree.Element, domains: DomainSet) -> None:
    choices = ElementTree.SubElement(
        view, "Choices", name=NONE, toName=TEXT, choice="single", required="true",
        requiredMessage=f"请勾选一个或多个领域；若都不属于，请勾选“以上都不属于”（快捷键 {_NONE_KEY}）。",
        visibleWhen="choice-unselected", whenTagName=DOMAINS,
    )  # fmt: skip
    hint = f"不属于{'、'.join(map(_name, domains))}中的任何一个"
    ElementTree.SubElement(choices, "Choice", value="以上都不属于", alias=NO_DOMAIN, hotkey=_NONE_KEY, hint=hint)


def _name(domain: Domain) -> str:
    return domain.zh or domain.en or domain.id


def domain_ids(xml: str) -> tuple[str, ...]:
    """The domain ids that an interface offers, in order.

    Raises
    ------
    LabellingError
        It is no interface of this project: no choices called ``domains``.
    """
    for choices in _elements(xml, "Choices"):
        if choices.get("name") == DOMAINS:
            return tuple(c.get("alias") or c.get("value", "") for c in choices.iter("Choice"))
    raise LabellingError(
        f"the labelling interface has no choices called {DOMAINS!r}", hint="Set it up with tagger labels init."
    )


def offered(xml: str) -> dict[str, set[str]]:
    """Control tag -> the values it offers (aliases where there are); for checks of results."""
    found = {}
    for kind, item in (("Choices", "Choice"), ("Labels", "Label")):
        for control in _elements(xml, kind):
            found[control.get("name", "")] = {c.get("alias") or c.get("value", "") for c in control.iter(item)}
    return found


def _elements(xml: str, tag: str) -> Iterable[ElementTree.Element]:
    # The server's answer is not ours to trust: an entity could grow without end.
    if "<!DOCTYPE" in xml or "<!ENTITY" in xml:
        raise LabellingError("the labelling interface declares entities, expected plain XML")
    try:
        return list(ElementTree.fromstring(xml).iter(tag))
    except ElementTree.ParseError as error:
        raise LabellingError(
            f"the labelling interface is not XML ({error})", hint="Set it up with tagger labels init."
        ) from None
