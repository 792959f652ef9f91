"""Hugging Face data sets: examples survive the trip, labels are read in every form, no hub is told at once."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

datasets = pytest.importorskip("datasets")

from tagger.corpus.datasets import (  # noqa: E402
    cached_dataset,
    dataset_rows,
    features,
    from_dataset,
    save_dataset,
    to_dataset,
)
from tagger.corpus.examples import Examples  # noqa: E402
from tagger.corpus.records import Fields  # noqa: E402
from tagger.domains import Domain, DomainSet, load_domains  # noqa: E402
from tagger.errors import CorpusError, InputError  # noqa: E402


def _same(one: Examples, other: Examples) -> bool:
    arrays = ("y_true", "bulletins", "paragraphs", "noise", "sources")
    return (one.texts, one.ids, one.originals) == (other.texts, other.ids, other.originals) and all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in arrays
    )


def test_examples_survive_a_folder(tmp_path: Path, examples: Examples, domains: DomainSet) -> None:
    save_dataset(examples, domains, tmp_path / "data")
    dataset = datasets.load_from_disk(str(tmp_path / "data"))
    assert dataset.features == features(domains)
    again = from_dataset(dataset, domains)
    assert _same(again, examples)
    assert again.hash == examples.hash
    assert again.y_true.dtype == np.int8
    assert load_domains(tmp_path / "data" / "domains.json") == domains


def test_furniture_a_source_and_no_examples_survive(examples: Examples, domains: DomainSet) -> None:
    marked = Examples(
        examples.texts, examples.y_true, examples.bulletins, examples.paragraphs, np.arange(len(examples)) % 3 == 0,
        examples.ids, np.array(["河北"] * len(examples)), [f"　{text}" for text in examples.originals],
    )  # fmt: skip
    assert _same(from_dataset(to_dataset(marked, domains), domains), marked)
    none = examples.take(np.array([], dtype=int))
    assert _same(from_dataset(to_dataset(none, domains), domains), none)


def test_a_data_set_of_other_domains_is_refused(examples: Examples, domains: DomainSet) -> None:
    other = DomainSet([Domain("a"), Domain("b"), Domain("c")])
    with pytest.raises(CorpusError, match="other columns or domains"):
        from_dataset(to_dataset(examples, domains), other)


def test_the_cache_is_written_once_for_the_same_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, examples: Examples, domains: DomainSet
) -> None:
    monkeypatch.setenv("TAGGER_CACHE", str(tmp_path))
    folder = cached_dataset(examples, domains)
    written = (folder / "state.json").stat().st_mtime_ns
    assert folder.parent == tmp_path / "datasets"
    assert cached_dataset(examples, domains) == folder
    assert (folder / "state.json").stat().st_mtime_ns == written
    assert cached_dataset(examples.take(np.arange(3)), domains) != folder
    renamed = DomainSet([Domain(d.id, "另名") for d in domains])
    assert cached_dataset(examples, renamed) != folder


@pytest.mark.parametrize("kind", ["numbers", "names", "one"])
def test_labels_are_read_in_every_form(tmp_path: Path, kind: str) -> None:
    label = datasets.ClassLabel(names=["a", "b"])
    feature, values = {
        "numbers": (datasets.List(label), [[1, 0], []]),
        "names": (datasets.List(datasets.Value("string")), [["b", "a"], []]),
        "one": (label, [1, 0]),
    }[kind]
    made = datasets.Features({"text": datasets.Value("string"), "domains": feature, "more": datasets.Value("int8")})
    dataset = datasets.Dataset.from_dict({"text": ["x", "y"], "domains": values, "more": [1, 2]}, features=made)
    dataset.save_to_disk(tmp_path / "d")
    rows = list(dataset_rows(str(tmp_path / "d"), Fields()))
    assert [row.fields["domains"] for row in rows] == ([["b"], ["a"]] if kind == "one" else [["b", "a"], []])
    assert set(rows[0].fields) == {"text", "domains"}
    assert rows[1].where == f"{tmp_path}/d: row 2"


def test_an_unlabelled_text_is_told(tmp_path: Path) -> None:
    made = datasets.Features({"text": datasets.Value("string"), "domains": datasets.ClassLabel(names=["a"])})
    datasets.Dataset.from_dict({"text": ["x"], "domains": [-1]}, features=made).save_to_disk(tmp_path / "d")
    with pytest.raises(InputError, match=r"d: row 1: found labels \[-1\], expected numbers from 0 to 0"):
        list(dataset_rows(str(tmp_path / "d"), Fields()))


def test_a_part_is_chosen_by_name(tmp_path: Path) -> None:
    parts = {name: datasets.Dataset.from_dict({"text": [name], "domains": [["a"]]}) for name in ("train", "test")}
    datasets.DatasetDict(parts).save_to_disk(tmp_path / "d")
    (row,) = dataset_rows(str(tmp_path / "d"), Fields(), part="test")
    assert row.fields["text"] == "test"
    with pytest.raises(InputError, match=r"no part 'dev', it has train, test\. Give data\.part=NAME"):
        list(dataset_rows(str(tmp_path / "d"), Fields(), part="dev"))


def test_what_is_no_data_set_is_told(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    with pytest.raises(InputError, match="not a data set folder"):
        list(dataset_rows(str(tmp_path / "d"), Fields()))
    datasets.Dataset.from_dict({"text": ["x"], "tags": [["a"]]}).save_to_disk(tmp_path / "e")
    with pytest.raises(InputError, match="found the columns 'text', 'tags', expected 'domains' too"):
        list(dataset_rows(str(tmp_path / "e"), Fields()))
    with pytest.raises(InputError, match="no such folder"):
        list(dataset_rows(str(tmp_path / "no where"), Fields()))


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:9", "http://192.0.2.1", "http://nowhere.invalid"])
def test_a_hub_that_cannot_be_reached_is_told_within_a_second(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    started = time.monotonic()
    with pytest.raises(InputError, match=r"owner/name: no such folder, and .+ cannot be reached.+save_to_disk"):
        list(dataset_rows("owner/name", Fields()))
    assert time.monotonic() - started < 2.5  # a second, and what a busy machine adds
