"""The model card: complete, true to the run, the same for the same model, and deaf to what it quotes."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tagger.domains import Domain, DomainSet
from tagger.models.card import model_card
from tagger.models.manifest import Manifest
from tagger.models.markdown import escape
from tagger.models.selective import Selective
from tagger.models.storage import load_model, save_model
from tagger.models.tfidf import TfidfClassifier

_FIGURES = {"precision": 0.9, "recall": 0.8, "f1": 0.847}
METRICS: dict[str, Any] = {
    "n_texts": 1234, "f1_micro": 0.9088, "f1_macro": 0.9107, "precision_micro": 0.91, "recall_micro": 0.905,
    "exact_match": 0.88,
    "domains": {
        "traffic": {**_FIGURES, "support": 350}, "patrol": {**_FIGURES, "f1": 0.6, "support": 12},
        "propaganda": {**_FIGURES, "support": 400},
    },
    "interval_95": {"f1_micro": [0.8985, 0.9189], "f1_macro": (0.899, 0.922), "domains": {"patrol": (0.4, 0.75)}},
    "average_precision": {"macro": 0.95, "domains": {"traffic": 0.961, "patrol": None, "propaganda": 0.944}},
    "calibration_error": {"macro": 0.0123, "domains": {"traffic": 0.01}},
    "levels": {"paragraph": {"f1_micro": 0.933, "interval_95": {"f1_micro": [0.92, 0.94]}}},
    "cost": {"seconds_per_1000_sentences": 51.14, "peak_memory_mib": 3018},
}  # fmt: skip
_CONFIG = {
    "model": {"kind": "onnx", "encoder": {"name": "packaged"}, "signals": ["text", "title"]},
    "split": {"n_folds": 5}, "seed": 7,
}  # fmt: skip
_HOSTILE = (
    "</td><script>alert(1)</script> | [x](javascript:alert(2)) ![i](http://e.example/i.png) `c` **b** <!-- \n# h\u202e"
)


def _manifest(**changes: Any) -> Manifest:
    data = {"hash": "abc123", "n_texts": 12727, "n_bulletins": 568, "source": "/home/me/secret/bulletins.jsonl"}
    base = Manifest(
        kind="onnx", name="mine", version="0123456789ab", normalizer_version=1, domains_version=1,
        tagger_version="0.1.0", seed=7, data=data, libraries={"numpy": "2.4.6"}, metrics=METRICS,
        files={"model.onnx": {"sha256": "0", "bytes": 31_000_000}},
    )  # fmt: skip
    return replace(base, **changes)


def _selective() -> Selective:
    load = {"sentence": {"share_asked": 0.277, "precision": 0.973, "found": 0.776, "asked": 0.195, "lost": 0.029}}
    bounds = np.array([[0.12, 0.81], [0.0, math.inf], [0.1, 0.74]])
    return Selective(bounds, 0.95, 0.95, 0.1, (350, 12, 400), 114, load)


@pytest.fixture
def card(domains: DomainSet) -> str:
    return model_card(
        _manifest(), domains, np.array([0.39, 0.46, 0.465]), config=_CONFIG, selective=_selective(), n_precedents=12054
    )


class _Page(HTMLParser):
    """Which tags a page has, with what they point at, and its text."""

    def __init__(self, markdown: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.targets: list[str | None] = []
        self.text = ""
        body = markdown.split("---\n", 2)[2]
        # HTML is let through, as on a hub's page before it is cleaned.
        self.feed(MarkdownIt("commonmark", {"html": True}).enable("table").render(body))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.targets += [value for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        self.text += data


def _header(card: str) -> dict[str, Any]:
    return yaml.safe_load(card.split("---\n")[1])


def test_the_header_is_what_a_hub_reads(card: str) -> None:
    header = _header(card)
    assert card.startswith("---\n")
    assert (header["language"], header["library_name"]) == (["zh"], "tagger")
    assert header["base_model"] == "intfloat/multilingual-e5-small"
    assert header["model-index"][0]["results"][0]["metrics"][0] == {
        "type": "f1", "name": "f1_micro, sentences, out of fold", "value": 0.9088
    }  # fmt: skip


@pytest.mark.parametrize(
    "said",
    [
        "`patrol` | 巡逻防控 | Patrol",
        "version `0123456789ab`",
        "12,727 sentences of 568 bulletins from bulletins.jsonl.",
        "`abc123`",
        "`n_folds` 5, `seed` 7",
        "0.909 [0.898, 0.919]",
        "| paragraph | 0.933 [0.920, 0.940]",
        "| `patrol` | 0.900 | 0.800 | 0.600 [0.400, 0.750] |  |  | 12 |",
        "| `propaganda` | 0.465 |",
        "expected calibration error is 0.012",
        "| `traffic` | 0.120 | 0.810 | 350 |",
        "| `patrol` | — | — | 12 | always asks |",
        "with 90% confidence: at least 95% of what is answered yes is right",
        "Expected by sentence: 27.7% go to a person.",
        "The label told worst is `patrol` (F1 0.600).",
        "Fewer than 50 labelled sentences: `patrol`.",
        "31.0 MB on disk",
        "Encoder: intfloat/multilingual-e5-small, licence MIT.",
        "carries 12,054 of them as precedents",
        "tagger predict bulletin.txt --model FOLDER --ask",
        "put together from the sentence itself, the bulletin's title.",
    ],
)
def test_the_card_says_what_the_run_found(card: str, said: str) -> None:
    assert said in card


def test_neither_seconds_nor_somebodys_folders_stand_in_it(card: str) -> None:
    assert "51" not in re.sub(r"&#\d+;", "", card)
    assert "/home" not in card
    assert "secret" not in card


def test_the_card_says_what_the_kept_model_was_fitted_on(domains: DomainSet) -> None:
    data = {"n_texts": 12727, "n_fitted": 9666, "split": {"kind": "grouped", "n_folds": 3, "seed": 4}}
    page = model_card(_manifest(data=data), domains, np.full(3, 0.5), config=_CONFIG)
    assert "The model that is kept was fitted on 9,666 of the sentences." in page
    assert "Split: `kind` grouped, `n_folds` 3, `seed` 4. A bulletin is never" in page


def test_a_model_that_nothing_was_fitted_for_is_not_said_to_be_trained(domains: DomainSet) -> None:
    page = model_card(_manifest(data={"n_texts": 12727, "n_fitted": 0}), domains, np.full(3, 0.5), config=_CONFIG)
    assert "It was measured on all of them: nothing in the model was fitted on labelled text." in page
    assert "Split" not in page


def test_what_was_not_measured_is_left_out(domains: DomainSet) -> None:
    bare = _manifest(kind="lexicon", metrics={}, data={}, files={})
    card = model_card(bare, domains, np.full(3, 0.5), config={})
    assert "None were measured." in card
    assert "It was not trained on labelled text." in card
    for absent in ("Encoder", "--ask", "precedents", "Split", "None |", "nan"):
        assert absent not in card
    assert "model-index" not in _header(card)


@pytest.mark.parametrize(
    ("name", "shown", "is_known"),
    [
        ("hfl/chinese-macbert-base", "hfl/chinese-macbert-base, licence Apache-2.0", True),
        ("somebody/else", "somebody/else, licence not known: see where it is from", False),
        ("/home/me/encoders/macbert", "macbert, licence not known: see where it is from", False),
        ("C:\\models\\mine", "mine, licence not known: see where it is from", False),
    ],
)
def test_an_encoder_is_told_with_its_licence_where_that_is_known(
    domains: DomainSet, name: str, shown: str, is_known: bool
) -> None:
    card = model_card(_manifest(), domains, np.full(3, 0.5), config={"model": {"encoder": {"name": name}}})
    assert f"Encoder: {shown}." in card
    assert ("base_model" in _header(card)) is is_known


def test_names_and_definitions_cannot_break_out(domains: DomainSet) -> None:
    named = DomainSet([replace(d, zh=_HOSTILE, en=_HOSTILE, definition=_HOSTILE) for d in domains])
    hostile = _manifest(name=_HOSTILE, kind=_HOSTILE, version=_HOSTILE, tagger_version=_HOSTILE,
                        data={"hash": _HOSTILE, "n_texts": 1, "source": _HOSTILE, "split": {_HOSTILE: _HOSTILE}},
                        libraries={_HOSTILE: _HOSTILE}, files={_HOSTILE: {"bytes": 3}})  # fmt: skip
    config = {"model": {"encoder": {"name": _HOSTILE}, "signals": ["text", _HOSTILE]}}
    card = model_card(hostile, named, np.full(3, 0.5), config=config, selective=_selective())
    page = _Page(card)
    assert page.tags <= {"h1", "h2", "p", "table", "thead", "tbody", "tr", "th", "td", "code", "pre", "ul", "li"}
    assert page.targets == []
    assert "<script>alert(1)</script>" in page.text
    assert "\u202e" not in card
    # The tables kept their shape: four cells a label.
    rows = [line for line in card.split("## How")[0].splitlines() if line.startswith("| `")]
    assert len(rows) == 3
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 5 for row in rows)
    assert isinstance(_header(card)["model-index"][0]["name"], str)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40))
def test_any_text_is_shown_as_it_is_and_does_nothing(text: str) -> None:
    page = _Page(f"---\n---\n| a | b |\n| --- | --- |\n| x {escape(text)} | y |\n")
    assert page.tags <= {"table", "thead", "tbody", "tr", "th", "td"}
    assert page.targets == []
    # Markdown writes a NUL, and HTML an invalid character, as another.
    cells = page.text.split()
    assert (cells[0], cells[1], cells[2], cells[-1]) == ("a", "b", "x", "y")


@pytest.mark.parametrize(
    "damaged",
    [
        {"f1_micro": "high"}, {"f1_micro": float("nan")}, {"f1_micro": 0.5, "domains": 3},
        {"f1_micro": 0.5, "interval_95": [1, 2]}, {"f1_micro": 0.5, "interval_95": {"f1_micro": "ab"}},
        {"f1_micro": 0.5, "levels": {"x": 1}}, {"f1_micro": 0.5, "parity": {"changed": None}}, {"f1_micro": True},
    ],
)  # fmt: skip
def test_odd_figures_of_a_stranger_are_left_out_rather_than_fatal(domains: DomainSet, damaged: dict[str, Any]) -> None:
    card = model_card(_manifest(metrics=damaged), domains, np.full(3, 0.5), config={"model": 3, "split": []})
    assert "nan" not in card
    assert "## Figures" in card


def test_every_saved_model_has_its_card(
    tmp_path: Path, train_small: Callable[[Path], TfidfClassifier], tfidf_folder: Path
) -> None:
    train_small(tmp_path / "again")
    card = (tmp_path / "again" / "README.md").read_bytes()
    assert card == (tfidf_folder / "README.md").read_bytes()
    assert f"version `{load_model(tfidf_folder).version}`" in card.decode()
    assert "README.md" in load_model(tfidf_folder).manifest.files


def test_a_model_folder_without_a_card_still_loads(
    tmp_path: Path, tfidf_folder: Path, train_small: Callable[[Path], TfidfClassifier]
) -> None:
    train_small(tmp_path / "old")
    (tmp_path / "old" / "README.md").unlink()
    manifest = load_model(tfidf_folder).manifest
    files = {name: entry for name, entry in manifest.files.items() if name != "README.md"}
    replace(manifest, files=files).write(tmp_path / "old")
    assert load_model(tmp_path / "old").version == manifest.version


def test_a_card_of_odd_names_is_saved_whole(tmp_path: Path, tfidf_folder: Path) -> None:
    model = load_model(tfidf_folder)
    named = DomainSet([Domain(d.id, zh="领域\ud800\x00", definition=_HOSTILE) for d in model.domains])
    with pytest.raises(UnicodeEncodeError):
        "\ud800".encode()
    card = model_card(model.manifest, named, model.thresholds, config=model.config)
    assert card.encode()
    save_model(tmp_path / "m", model.classifier, model.domains, model.thresholds, config={"seed": 1}, name=_HOSTILE)
    assert load_model(tmp_path / "m").name == _HOSTILE
