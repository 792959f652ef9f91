"""The labelling interface: ids in results, Chinese on the screen, keys that do not clash."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from tagger.domains import Domain, DomainSet, load_domains
from tagger.errors import LabellingError
from tagger.labelling.interface import domain_ids, interface_xml, offered
from tagger.project import project_path


@pytest.fixture(scope="module")
def shipped() -> DomainSet:
    return load_domains(project_path("labels/domains.yaml"))


def test_ids_are_read_back_in_order(shipped: DomainSet) -> None:
    assert domain_ids(interface_xml(shipped)) == shipped.ids


def test_every_control_offers_the_ids(shipped: DomainSet) -> None:
    ids = set(shipped.ids)
    assert offered(interface_xml(shipped)) == {"domains": ids, "spans": ids, "none": {"none"}}


def test_names_colours_definitions_and_keys_are_shown(shipped: DomainSet) -> None:
    root = ElementTree.fromstring(interface_xml(shipped))
    keys = [e.get("hotkey") for e in root.iter() if e.get("hotkey")]
    assert len(keys) == len(set(keys)) == 2 * len(shipped) + 1
    for domain, choice in zip(shipped, root.find(".//Choices[@name='domains']"), strict=True):  # type: ignore[arg-type]
        assert (choice.get("value"), choice.get("hint"), choice.get("hotkey")) == (
            domain.zh, domain.definition, domain.hotkey,
        )  # fmt: skip
        assert domain.color in choice.get("style", "")


def test_hostile_names_stay_text() -> None:
    hostile = DomainSet([Domain("a", zh='"><Script>alert(1)</Script>', definition="&<>'\"")])
    root = ElementTree.fromstring(interface_xml(hostile))
    assert not list(root.iter("Script"))
    assert domain_ids(interface_xml(hostile)) == ("a",)


def test_the_same_domains_give_the_same_text(shipped: DomainSet) -> None:
    assert interface_xml(shipped) == interface_xml(load_domains(project_path("labels/domains.yaml")))


@pytest.mark.parametrize(
    ("xml", "told"),
    [
        ("<View/>", "no choices called 'domains'"),
        ("<View", "is not XML"),
        ("<!DOCTYPE d [<!ENTITY l 'ha'>]><View/>", "declares entities"),
    ],
)
def test_a_foreign_interface_is_an_error(xml: str, told: str) -> None:
    with pytest.raises(LabellingError, match=told):
        domain_ids(xml)


def test_more_domains_than_keys_are_refused() -> None:
    with pytest.raises(LabellingError, match="found 15 domains, expected at most 14"):
        interface_xml(DomainSet([Domain(f"d{i}") for i in range(15)]))
