"""`tagger evaluate`: figures on the screen and as JSON, and data that cannot be used."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

Call = Callable[..., tuple[int | str | None, str, str]]

_ROWS = [
    {"bulletin": "a", "text": "民警巡逻。", "domains": ["patrol"]},
    {"bulletin": "a", "text": "民警上街。", "domains": ["patrol"]},
    {"bulletin": "b", "text": "发放宣传单。", "domains": ["propaganda"]},
    {"bulletin": "b", "text": "查处酒驾。", "domains": []},
]


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    """Labelled sentences of two bulletins."""
    path = tmp_path / "gold.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in _ROWS), encoding="utf-8")
    return path


@pytest.mark.usefixtures("gold")
def test_figures_are_shown_by_level_and_domain(call: Call, lexicon_folder: Path) -> None:
    code, out, err = call("evaluate", "gold.jsonl", "--model", lexicon_folder)
    assert (code, err) == (0, "")
    name, sentence, paragraph, bulletin, *domains = out.splitlines()
    assert name.startswith("words ")
    assert sentence.split()[:3] == ["sentence", "f1_micro", "0.667"]
    assert sentence.endswith("precision 0.667  recall 0.667  exact 0.500  n 4")
    assert paragraph.split()[:3] == ["paragraph", "f1_micro", "0.800"]
    assert bulletin.split()[:3] == ["bulletin", "f1_micro", "0.800"]
    assert [(line.split()[0], line.split()[-1]) for line in domains] == [
        ("traffic", "0"), ("patrol", "2"), ("propaganda", "1")
    ]  # fmt: skip


@pytest.mark.usefixtures("gold")
def test_several_models_are_written_as_json(
    call: Call, tmp_path: Path, lexicon_folder: Path, tfidf_folder: Path
) -> None:
    models = ("--model", lexicon_folder, "--model", tfidf_folder)
    assert call("evaluate", "gold.jsonl", *models, "-o", "figures.json")[0] == 0
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert [name.split()[0] for name in figures] == ["words", "small"]
    for levels in figures.values():
        assert {level: f["n_texts"] for level, f in levels.items()} == {"sentence": 4, "paragraph": 2, "bulletin": 2}


@pytest.mark.usefixtures("gold")
def test_a_threshold_is_measured(call: Call, tmp_path: Path, lexicon_folder: Path) -> None:
    call("evaluate", "gold.jsonl", "--model", lexicon_folder, "--threshold", "0.9", "-o", "figures.json")
    (levels,) = json.loads((tmp_path / "figures.json").read_text()).values()
    assert levels["sentence"]["recall_micro"] == 0.0


def test_a_threshold_outside_the_unit_interval_is_wrong_use(call: Call, gold: Path, lexicon_folder: Path) -> None:
    code, _, err = call("evaluate", gold, "--model", lexicon_folder, "--threshold", "1.5")
    assert (code, err) == (2, "tagger: --threshold: found 1.5, expected a number between 0 and 1.\n")


def test_figures_never_overwrite_the_data(call: Call, gold: Path, lexicon_folder: Path) -> None:
    code, _, err = call("evaluate", gold, "--model", lexicon_folder, "-o", gold)
    assert code == 2
    assert err == f"tagger: --output {gold}: is also an input; it would be overwritten. Choose another name.\n"
    assert gold.read_text(encoding="utf-8").count("\n") == 4


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, "gold.jsonl: no such file. Check the name."),
        ("", "gold.jsonl: no records in it. Expected JSON lines."),
        ('{"text": "a", "domains": []}\n{\n', "gold.jsonl:2: not a labelled record (JSONDecodeError: "),
        ('{"text": "a"}\n', "gold.jsonl:1: no field 'domains' in it, found 'text'."),
        ('{"text": "a", "domains": ["trafic"]}\n', "gold.jsonl:1: unknown domain 'trafic'. Did you mean 'traffic'?"),
    ],
    ids=["missing", "empty", "broken", "unlabelled", "unknown_domain"],
)
def test_data_that_cannot_be_used_are_an_error(
    call: Call, tmp_path: Path, lexicon_folder: Path, text: str | None, problem: str
) -> None:
    if text is not None:
        (tmp_path / "gold.jsonl").write_text(text)
    code, out, err = call("evaluate", "gold.jsonl", "--model", lexicon_folder, "-o", "figures.json")
    assert (code, out) == (1, "")
    assert err.startswith(f"tagger: {problem}")
    assert err.count("\n") == 1
    assert not (tmp_path / "figures.json").exists()
