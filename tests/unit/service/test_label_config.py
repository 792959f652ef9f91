"""Where a labelling interface takes tags: names, fields and choices are read, never assumed."""

from __future__ import annotations

import pytest

from tagger.domains import DomainSet
from tagger.errors import InputError
from tagger.service.label_config import read_interface


def _choices(options: str, attributes: str = 'name="d" toName="t" choice="multiple"', text: str = "$body") -> str:
    return f'<View><Text name="t" value="{text}"/><Choices {attributes}>{options}</Choices></View>'


def test_names_field_and_choices_are_those_of_the_interface(config: str, domains: DomainSet) -> None:
    interface = read_interface(config, domains)
    assert interface.choices
    assert interface.spans
    assert interface.none
    assert (interface.choices.from_name, interface.choices.to_name, interface.field) == ("domains", "text", "text")
    assert interface.choices.labels == {id: id for id in domains.ids}
    assert (interface.spans.from_name, interface.spans.kind) == ("spans", "labels")
    assert (interface.none.from_name, interface.none.labels) == ("none", {"none": "none"})
    assert interface.missing(domains) == []


@pytest.mark.parametrize(
    ("options", "labels"),
    [
        ('<Choice value="patrol"/>', {"patrol": "patrol"}),
        ('<Choice value="巡逻防控"/>', {"patrol": "巡逻防控"}),
        ('<Choice value="Patrol"/>', {"patrol": "Patrol"}),
        ('<Choice value="巡逻防控" alias="P1"/>', {"patrol": "P1"}),
        ('<Choice value="Walks" alias="patrol"/>', {"patrol": "patrol"}),
        ('<Choice value="patrol"/><Choice value="dogs"/>', {"patrol": "patrol"}),
        ('<View><Choice value="patrol"/></View>', {"patrol": "patrol"}),
        ('<Choice value="patrol"/><Choice value="以上都不是"/>', {"patrol": "patrol", "none": "以上都不是"}),
    ],
)
def test_a_choice_is_told_by_id_or_name_and_called_by_its_alias(
    domains: DomainSet, options: str, labels: dict[str, str]
) -> None:
    control = read_interface(_choices(options), domains).choices
    assert control
    assert control.labels == labels
    assert control.field == "body"


def test_none_may_stand_among_the_domains(domains: DomainSet) -> None:
    interface = read_interface(_choices('<Choice value="patrol"/><Choice value="none"/>'), domains)
    assert interface.none is interface.choices


@pytest.mark.parametrize(
    ("choice", "is_multiple"),
    [('choice="multiple"', True), ('choice="single"', False), ("", False), ('choice="single-radio"', False)],
)
def test_how_many_a_control_takes(domains: DomainSet, choice: str, is_multiple: bool) -> None:
    control = read_interface(_choices('<Choice value="patrol"/>', f'name="d" toName="t" {choice}'), domains).choices
    assert control
    assert control.multiple is is_multiple


def test_the_control_that_offers_most_domains_is_the_one(domains: DomainSet) -> None:
    config = (
        '<View><Text name="t" value="$x"/>'
        '<Choices name="one" toName="t"><Choice value="patrol"/></Choices>'
        '<Choices name="two" toName="t"><Choice value="patrol"/><Choice value="traffic"/></Choices></View>'
    )
    interface = read_interface(config, domains)
    assert interface.choices
    assert interface.choices.from_name == "two"
    assert interface.missing(domains) == ["propaganda"]


@pytest.mark.parametrize(
    "config",
    [
        '<View><Text name="t" value="$x"/></View>',
        _choices('<Choice value="cats"/>'),
        _choices('<Choice value="none"/>'),
        _choices('<Choice value="patrol"/>', 'name="d" toName="elsewhere"'),
        _choices('<Choice value="patrol"/>', 'toName="t"'),
        _choices('<Choice value="patrol"/>', 'name="d" toName="t" perRegion="true"'),
        _choices('<Choice value="patrol"/>', text="patrol of the night"),
        '<View><Image name="t" value="$x"/><Choices name="d" toName="t"><Choice value="patrol"/></Choices></View>',
    ],
)
def test_an_interface_without_a_place_for_tags_is_told_in_one_line(domains: DomainSet, config: str) -> None:
    with pytest.raises(InputError) as error:
        read_interface(config, domains)
    assert str(error.value).startswith("label config: found no <Choices> or <Labels> on a <Text> that names one of ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "config",
    [
        "", "no xml", "<View>", "<View/><View/>", "\0",
        '<!DOCTYPE d [<!ENTITY a "ha">]><View>&a;</View>',
        '<!doctype d SYSTEM "file:///etc/passwd"><View/>',
        "<View>" + " " * 1_000_001 + "</View>",
    ],
    ids=["empty", "prose", "unclosed", "two roots", "nul", "entity", "external", "long"],
)  # fmt: skip
def test_what_is_no_interface_is_refused(domains: DomainSet, config: str) -> None:
    with pytest.raises(InputError, match="label config: "):
        read_interface(config, domains)


def test_spans_need_a_text_whose_characters_can_be_counted(domains: DomainSet) -> None:
    config = (
        '<View><HyperText name="t" value="$html"/><Choices name="d" toName="t"><Choice value="patrol"/></Choices>'
        '<Labels name="s" toName="t"><Label value="patrol"/></Labels></View>'
    )
    interface = read_interface(config, domains)
    assert interface.choices
    assert interface.spans is None
