"""The n-grams beside an encoder: the scores of the baseline's classifier, without scikit-learn."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger.corpus.examples import Examples
from tagger.errors import ModelError, UsageError
from tagger.models import npz_file
from tagger.models.features import TextFeatures
from tagger.models.linear_head import LinearHead
from tagger.models.ngrams import FILE, NgramScorer
from tagger.models.tfidf import TfidfClassifier
from tagger.training.model_config import NgramsConfig
from tagger.training.ngrams import fit_ngrams

_PARTS = (np.array(["酒", "酒驾"]), np.ones(2, np.float32), np.ones((2, 3), np.float16), np.zeros(3, np.float32))
_TEXTS = [
    "查获酒驾12起,扣车9台;向群众发放宣传单。",
    "民警上路",
    "Z",
    "",
    "酒驾" * 300,
    "，。！",
    "查处,巡逻,查处,巡逻。",
]


@pytest.fixture(scope="module")
def scorer(examples: Examples) -> NgramScorer:
    return fit_ngrams(NgramsConfig(min_df=1), examples.take(~examples.noise))


@pytest.fixture(scope="module")
def baseline(examples: Examples) -> TfidfClassifier:
    content = examples.take(~examples.noise)
    classifier = TfidfClassifier(TextFeatures((1, 3), None, True, 1), LinearHead())
    return classifier.fit(content.texts, content.y_true)


def test_scores_are_those_of_the_baselines_classifier(
    scorer: NgramScorer, baseline: TfidfClassifier, examples: Examples
) -> None:
    texts = [*_TEXTS, *(text.text for text in examples.texts)]
    # The weights are rounded to half precision.
    np.testing.assert_allclose(scorer.decide(texts), baseline.decide(texts), atol=2e-3)
    np.testing.assert_allclose(scorer.decide_clauses(texts), baseline._best_windows(texts), atol=2e-3)
    assert np.abs(scorer.decide(texts)).max() > 0.5


@given(st.lists(st.text(alphabet="酒驾巡逻查处，。,12aİ \n", max_size=40), min_size=1, max_size=5))
def test_a_text_scores_the_same_alone_and_beside_others(texts: list[str]) -> None:
    scorer = NgramScorer(np.array(["酒", "驾", "00", "巡逻"]), np.arange(1, 5, dtype=np.float32),
                         np.linspace(-1, 1, 8).reshape(4, 2).astype(np.float16), np.zeros(2, np.float32))  # fmt: skip
    for decide in (scorer.decide, scorer.decide_clauses):
        np.testing.assert_array_equal(decide(texts), np.concatenate([decide([text]) for text in texts]))


def test_no_texts_have_no_scores(scorer: NgramScorer) -> None:
    assert scorer.decide([]).shape == scorer.decide_clauses([]).shape == (0, 3)


def test_it_comes_back_from_its_file_as_it_was(scorer: NgramScorer, tmp_path: Path) -> None:
    scorer.save(tmp_path)
    first = (tmp_path / FILE).read_bytes()
    again = NgramScorer.load(tmp_path)
    np.testing.assert_array_equal(again.decide(_TEXTS), scorer.decide(_TEXTS))
    again.save(tmp_path)
    assert (tmp_path / FILE).read_bytes() == first


@pytest.mark.parametrize(
    "change",
    [
        {"terms": np.array([1, 2])}, {"terms": np.array(["酒"])}, {"idf": np.zeros(2, np.float32)},
        {"coef": np.full((2, 3), np.inf, np.float16)}, {"intercepts": np.zeros(2, np.float32)},
        {"terms": np.array([{}, {}], dtype=object)},
    ],
)  # fmt: skip
def test_a_file_that_is_not_ours_is_refused(tmp_path: Path, change: dict[str, np.ndarray]) -> None:
    names = ("terms", "idf", "coef", "intercepts")
    np.savez_compressed(tmp_path / FILE, **{**dict(zip(names, _PARTS, strict=True)), **change})
    with pytest.raises(ModelError, match="not the n-grams of a model"):
        NgramScorer.load(tmp_path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no archive"])
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(ModelError, match="not the n-grams of a model"):
        NgramScorer.load(tmp_path)
    (tmp_path / FILE).unlink()
    with pytest.raises(ModelError, match="not the n-grams of a model"):
        NgramScorer.load(tmp_path)


def test_whatever_byte_is_damaged_is_told(tmp_path: Path) -> None:
    NgramScorer(*_PARTS).save(tmp_path)
    whole = (tmp_path / FILE).read_bytes()
    for place in range(len(whole)):
        (tmp_path / FILE).write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        with contextlib.suppress(ModelError):  # a few bytes say nothing
            NgramScorer.load(tmp_path)


def test_a_long_text_takes_time_in_proportion(scorer: NgramScorer) -> None:
    """Clauses are looked at where they stand, not each beside all others: 40,000 characters took half a minute."""
    text = "民警巡逻," * 20_000
    started = time.process_time()
    scorer.decide_clauses([text])
    assert time.process_time() - started < 10


def test_a_file_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    NgramScorer(*_PARTS).save(tmp_path)
    with zipfile.ZipFile(tmp_path / FILE) as archive:
        size = sum(entry.file_size for entry in archive.infolist())
    monkeypatch.setattr(npz_file, "MAX_BYTES", size - 1)
    with pytest.raises(ModelError, match="unpacks to more"):
        NgramScorer.load(tmp_path)


@pytest.mark.parametrize(
    "settings",
    [
        {"loss": "other"},
        {"min_df": 10_000},
        {"C": -1.0},
        {"lengths": [2]},
        {"lengths": [3, 1]},
        {"lengths": [0, 2]},
    ],
)
def test_settings_that_fit_nothing_are_told(examples: Examples, settings: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=r"model\.ngrams"):
        fit_ngrams(NgramsConfig(**settings), examples)  # type: ignore[arg-type]


def test_ngrams_too_long_to_number_are_refused() -> None:
    terms = np.array([*map(chr, range(0x4E00, 0x4E00 + 400)), "一" * 9])
    with pytest.raises(ValueError, match="64 bits"):
        NgramScorer(terms, np.ones(401, np.float32), np.ones((401, 1), np.float16), np.zeros(1, np.float32))


def test_scores_need_no_scikit_learn() -> None:
    program = "import sys, tagger.models.onnx_bert; sys.exit('sklearn' in sys.modules or 'scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
