"""A service on the lexicon model, asked within the process; models and run folders for retraining."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tagger.corpus.examples import Examples, examples_from_jsonl
from tagger.domains import DomainSet
from tagger.models.lexicon import LexiconClassifier
from tagger.models.storage import Model, load_model, save_model
from tagger.training.run_folder import Scored, write_json, write_scores, write_sentences

if TYPE_CHECKING:
    from starlette.testclient import TestClient

    from tagger.service.workplace import Workplace

#: The extra [serve] brings what these tests are about.
collect_ignore_glob = ["test_*.py"] if find_spec("fastapi") is None or find_spec("httpx") is None else []

#: As `tagger.labelling` writes it, in short: ids as aliases, "none of them" in a control of its own.
CONFIG = """<View>
  <Header value="$title"/>
  <Text name="before" value="$before"/>
  <Labels name="spans" toName="text" choice="multiple">
    <Label value="交通管理" alias="traffic"/><Label value="巡逻防控" alias="patrol"/>
    <Label value="宣传" alias="propaganda"/>
  </Labels>
  <Text name="text" value="$text"/>
  <Choices name="domains" toName="text" choice="multiple">
    <Choice value="交通管理" alias="traffic"/><Choice value="巡逻防控" alias="patrol"/>
    <Choice value="宣传" alias="propaganda"/>
  </Choices>
  <Choices name="none" toName="text" choice="single"><Choice value="以上都不属于" alias="none"/></Choices>
</View>"""


@pytest.fixture
def config() -> str:
    """A labelling interface."""
    return CONFIG


@pytest.fixture
def workplace(lexicon: Model) -> Workplace:
    """A service without retraining."""
    from tagger.service.duty import Duty
    from tagger.service.workplace import Workplace

    return Workplace(Duty(lexicon))


@pytest.fixture
def open_client() -> Iterator[Callable[..., TestClient]]:
    """Opens clients of a workplace; options as those of `make_app`."""
    from contextlib import ExitStack

    from starlette.testclient import TestClient

    from tagger.service.app import make_app

    with ExitStack() as stack:

        def open(workplace: Workplace, **options: Any) -> TestClient:
            client = TestClient(make_app(workplace, **options), raise_server_exceptions=False)
            return stack.enter_context(client)

        yield open


@pytest.fixture
def client(workplace: Workplace, open_client: Callable[..., TestClient]) -> TestClient:
    """A client of that service."""
    return open_client(workplace)


#: Three annotated paragraphs, which a bulletin's number is put in front of.
_PARAGRAPHS = (
    ("民警查处酒驾，逐一教育。", ["traffic"]),
    ("巡特警在夜市巡逻。向商户发放宣传单。", ["patrol", "propaganda"]),
    ("局党委召开会议学习文件精神。", []),
)
#: Words of each domain: all that these paragraphs need, and wrong ones.
_WORDS = {"good": {"traffic": ["酒驾"], "patrol": ["巡逻"], "propaganda": ["宣传单"]},
          "bad": {"traffic": ["会议"], "patrol": ["商户"], "propaganda": ["民警"]}}  # fmt: skip


@pytest.fixture
def save_words(tmp_path: Path, domains: DomainSet) -> Callable[..., Model]:
    """Saves a model of good or bad words in a folder of a name, and opens it."""

    def save(name: str, words: str, of: DomainSet = domains) -> Model:
        lists = [_WORDS[words].get(id, ["巡逻"]) for id in of.ids]
        save_model(tmp_path / name, LexiconClassifier(lists, [[] for _ in lists]), of, np.full(len(of), 0.5), config={})
        return load_model(tmp_path / name)

    return save


@pytest.fixture
def good(save_words: Callable[..., Model]) -> Model:
    return save_words("good", "good")


@pytest.fixture
def bad(save_words: Callable[..., Model]) -> Model:
    return save_words("bad", "bad")


@pytest.fixture
def make_run(tmp_path: Path, domains: DomainSet) -> Callable[..., Path]:
    """Makes a run folder of some bulletins, whose scores out of fold are all right or all wrong."""

    def make(
        name: str, bulletins: Sequence[int], *, is_right: bool, cut: bool = False, trained_on: Sequence[str] = ()
    ) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        examples = _examples(folder / "examples.jsonl", domains, bulletins, cut)
        scored = Scored(examples, np.where((examples.y_true == 1) == is_right, 0.9, 0.1))
        write_scores(folder / "out_of_fold.npz", scored, np.full(3, 0.5), domains.ids)
        write_sentences(folder / "sentences.jsonl", [examples])
        held_out = sorted({*examples.bulletins.tolist(), *trained_on})
        write_json(folder / "split.json", {"folds": [{"name": "0", "held_out": held_out, "set_aside": []}]})
        return folder

    return make


def _examples(path: Path, domains: DomainSet, bulletins: Sequence[int], cut: bool) -> Examples:
    """Three annotated paragraphs a bulletin; cut: sentence by sentence, the labels at the first."""
    rows = []
    for number in bulletins:
        for paragraph, (text, labels) in enumerate(_PARAGRAPHS):
            pieces = [f"{piece}。" for piece in text.split("。") if piece] if cut else [text]
            for i, piece in enumerate(pieces):
                rows.append({
                    "text": piece if i else f"第{number}期{piece}", "domains": [] if i else labels,
                    "bulletin": f"b{number}", "paragraph": paragraph, "sentence": i,
                })  # fmt: skip
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return examples_from_jsonl(path, domains)
