"""The domain set: order, encoding, the YAML file and its errors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tagger.domains import Domain, DomainSet, load_domains
from tagger.errors import CorpusError

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def domains() -> DomainSet:
    return DomainSet([Domain("traffic", zh="交通管理"), Domain("patrol"), Domain("propaganda")], version=3)


def test_ids_keep_the_order_of_the_list(domains):
    assert domains.ids == ("traffic", "patrol", "propaganda")
    assert [domain.id for domain in domains] == list(domains.ids)
    assert len(domains) == 3
    assert domains[0].zh == "交通管理"
    assert domains.column("propaganda") == 2


def test_a_domain_is_called_by_its_chinese_name_or_else_its_id(domains):
    assert [domains.name(id) for id in ("traffic", "patrol", "not_of_this_set")] == [
        "交通管理", "patrol", "not_of_this_set"
    ]  # fmt: skip


def test_encode_gives_one_row_a_text_and_one_column_a_domain(domains):
    y = domains.encode([["propaganda", "traffic"], [], ("patrol",)])
    assert y.dtype == np.int8
    assert y.tolist() == [[1, 0, 1], [0, 0, 0], [0, 1, 0]]


def test_encode_of_no_texts_keeps_the_columns(domains):
    assert domains.encode([]).shape == (0, 3)


def test_decode_undoes_encode_in_column_order(domains):
    assert domains.decode(domains.encode([["propaganda", "traffic"], []])) == [("traffic", "propaganda"), ()]


def test_decode_takes_booleans(domains):
    assert domains.decode(np.array([[False, True, True]])) == [("patrol", "propaganda")]


def test_an_unknown_domain_is_told_with_the_closest_one(domains):
    with pytest.raises(CorpusError) as caught:
        domains.encode([["trafic"]])
    assert str(caught.value) == "unknown domain 'trafic'. Did you mean 'traffic'?"


def test_a_domain_unlike_any_is_told_with_all_of_them(domains):
    with pytest.raises(CorpusError) as caught:
        domains.column("犬只")
    assert str(caught.value) == "unknown domain '犬只'. Known: traffic, patrol, propaganda."


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([], "a domain set needs at least one domain."),
        ([Domain("a"), Domain("a")], "repeated domain id in ['a', 'a']."),
        ([Domain("Traffic")], "domain id 'Traffic', expected lower-case letters, digits, _."),
        ([Domain("")], "domain id '', expected lower-case letters, digits, _."),
        ([Domain("a", color="red")], "colour 'red' of domain a, expected #rrggbb."),
    ],
)
def test_a_broken_domain_set_is_refused(entries, message):
    with pytest.raises(CorpusError) as caught:
        DomainSet(entries)
    assert str(caught.value) == message


def test_a_dict_and_back_is_the_same_set(domains):
    copy = DomainSet.from_dict(domains.to_dict())
    assert copy == domains
    assert hash(copy) == hash(domains)
    assert copy.version == 3


def test_another_version_is_another_set(domains):
    assert DomainSet(domains, version=4) != domains
    assert domains != "traffic"


def test_a_yaml_file_is_read_and_an_empty_key_is_no_name(tmp_path):
    path = tmp_path / "domains.yaml"
    path.write_text("version: 2\ndomains:\n- {id: patrol, zh: 巡逻防控, hotkey: 4}\n- {id: traffic, zh: }\n", "utf-8")
    assert load_domains(path) == DomainSet([Domain("patrol", zh="巡逻防控", hotkey="4"), Domain("traffic")], version=2)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"version: 1\ndomains: []\n", "a domain set needs at least one domain"),
        (b"version: 1\ndomains: [{id: a}, {id: a}]\n", "repeated domain id in ['a', 'a']"),
        (b"domains: [{id: a}]\n", "not a domain list ('version')"),
        (b"version: 1\n", "not a domain list ('domains')"),
        (b"version: one\ndomains: [{id: a}]\n", "not a domain list (invalid literal for int() with base 10: 'one')"),
        (b"version: 1\ndomains: [a]\n", "not a domain list ('str' object has no attribute 'items')"),
        (b"version: 1\ndomains: [{id: a, colour: red}]\n", "unexpected keyword argument 'colour'"),
        (b"version: 1\ndomains: [{zh: a}]\n", "missing 1 required positional argument: 'id'"),
        (b"- a\n", "not a domain list ("),
        (b"", "not a domain list ("),
        (b"a: [", "cannot be read ("),
        ("版本: 1".encode("gb18030"), "cannot be read ("),
    ],
)
def test_any_other_file_is_one_error_that_names_it(tmp_path, content, message):
    path = tmp_path / "domains.yaml"
    path.write_bytes(content)
    with pytest.raises(CorpusError) as caught:
        load_domains(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_missing_file_is_one_error_that_names_it(tmp_path):
    with pytest.raises(CorpusError, match=r"none\.yaml: cannot be read \(.*No such file"):
        load_domains(tmp_path / "none.yaml")


def test_the_shipped_domains_have_names_definitions_and_keys_of_their_own():
    domains = load_domains(REPOSITORY / "labels" / "domains.yaml")
    assert set(domains.ids) == {"traffic", "anti_fraud", "dog_management", "patrol", "service_window", "propaganda"}
    assert all(domain.zh and domain.en and domain.definition for domain in domains)
    assert len({domain.hotkey for domain in domains}) == len({domain.color for domain in domains}) == len(domains)
