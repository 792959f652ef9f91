"""Data of anyone by config alone: the same texts in any form are the same examples."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tagger.corpus.examples import Examples
from tagger.corpus.statistics import rows_of
from tagger.corpus.tables import write_csv, write_jsonl, write_parquet
from tagger.domains import DomainSet
from tagger.errors import CorpusError, InputError, TaggerError, UsageError
from tagger.training.composing import compose
from tagger.training.config import DataConfig, TrainConfig
from tagger.training.data import KINDS, describe_source, load_bulletins, load_examples, load_test

_DOMAINS = (
    "version: 1\ndomains:\n  - {id: traffic, zh: 交通管理}\n  - {id: patrol, zh: 巡逻防控}\n"
    "  - {id: propaganda, zh: 宣传}\n"
)


@pytest.fixture
def corpus(tmp_path: Path, corpus_folder: Path) -> DataConfig:
    """The small corpus as a data config."""
    (tmp_path / "domains.yaml").write_text(_DOMAINS, encoding="utf-8")
    return DataConfig(corpus=str(corpus_folder), domains=str(tmp_path / "domains.yaml"))


def _write(kind: str, folder: Path, data: DataConfig) -> str:
    domains, bulletins = load_bulletins(data)
    rows, path = rows_of(bulletins, "hand"), folder / f"x.{kind}"
    if kind == "parquet":
        write_parquet(rows, path)
    elif kind == "datasets":
        from tagger.corpus.datasets import save_dataset
        from tagger.corpus.examples import examples_from_corpus

        save_dataset(examples_from_corpus(bulletins, domains, "hand"), domains, path)
    else:
        with path.open("w", encoding="utf-8", newline="") as stream:
            (write_csv if kind == "csv" else write_jsonl)(rows, stream)
    return str(path)


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet", "datasets"])
def test_the_same_texts_in_any_form_are_the_same_examples(
    tmp_path: Path, corpus: DataConfig, examples: Examples, kind: str
) -> None:
    path = _write(kind, tmp_path, corpus)
    config = compose([f"data={kind}", f"data.path={path}", f"data.domains={corpus.domains}"])
    _, found, copies = load_examples(config)
    assert found.hash == examples.hash
    assert found.originals == examples.originals
    assert found.sources.tolist() == load_examples(TrainConfig(data=corpus))[1].sources.tolist()
    assert (found.noise == examples.noise).all()
    assert len(copies) == 0


def test_an_export_of_people_is_read(tmp_path: Path, corpus: DataConfig) -> None:
    result = {"from_name": "d", "type": "choices", "value": {"choices": ["宣传"]}}
    tasks = [{"id": 1, "data": {"text": "发放传单。", "bulletin": "a", "index": 0},
              "annotations": [{"result": [result], "completed_by": 1}]}]  # fmt: skip
    (tmp_path / "export.json").write_text(json.dumps(tasks))
    path = f"data.path={tmp_path}/export.json"
    domains, found, _ = load_examples(compose(["data=label_studio", path, f"data.domains={corpus.domains}"]))
    assert (found.ids, domains.decode(found.y_true)) == (["a.0.0"], [("propaganda",)])
    tasks[0]["annotations"][0]["result"][0]["value"]["choices"] = ["宣穿"]  # type: ignore[index]
    (tmp_path / "export.json").write_text(json.dumps(tasks))
    with pytest.raises(CorpusError, match=r"export\.json: task 1: unknown domain '宣穿'"):
        load_examples(compose(["data=label_studio", path, f"data.domains={corpus.domains}"]))


def test_domains_are_made_of_the_labels_and_test_data_have_the_same(tmp_path: Path) -> None:
    rows = [{"正文": "路灯不亮。", "类": "路灯;噪声"}, {"正文": "电钻很吵。", "类": "噪声"}]
    for name, some in (("train", rows), ("test", rows[1:])):
        with (tmp_path / f"{name}.csv").open("w", encoding="utf-8", newline="") as stream:
            write_csv(some, stream)
    config = compose([
        "data=csv", f"data.path={tmp_path}/train.csv", f"data.test={tmp_path}/test.csv", "data.domains=infer",
        "data.fields.text=正文", "data.fields.labels=类",
    ])  # fmt: skip
    domains, examples, _ = load_examples(config)
    assert [(d.id, d.zh) for d in domains] == [("zao_sheng", "噪声"), ("lu_deng", "路灯")]
    assert examples.y_true.tolist() == [[1, 1], [1, 0]]
    test = load_test(config, domains)
    assert test is not None
    assert test.y_true.tolist() == [[1, 0]]
    (tmp_path / "test.csv").write_text("正文,类\n井盖丢了。,井盖\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=r"test\.csv:2: unknown domain '井盖'"):
        load_test(config, domains)


def test_a_line_without_its_text_names_the_setting(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"正文": "路灯不亮。", "domains": []}\n', encoding="utf-8")
    config = compose(["data=jsonl", f"data.path={tmp_path}/a.jsonl", "data.domains=infer"])
    with pytest.raises(InputError, match=r"a\.jsonl:1: no field 'text' in it, .* data\.fields\.text=NAME tells"):
        load_examples(config)


def test_there_is_no_test_data_unless_named(corpus: DataConfig, domains: DomainSet) -> None:
    assert load_test(TrainConfig(data=corpus), domains) is None


def test_damage_is_done_to_data_of_anyone(tmp_path: Path, corpus: DataConfig) -> None:
    path = _write("jsonl", tmp_path, corpus)
    settings = ["data=jsonl", f"data.path={path}", f"data.domains={corpus.domains}", "augmentation=damage"]
    _, examples, copies = load_examples(compose([*settings, "augmentation.share=1.0"]))
    assert len(copies) > 0
    assert set(copies.bulletins) <= set(examples.bulletins)


def test_problems_are_collected_with_their_places(tmp_path: Path, corpus: DataConfig) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text('{"text": "a", "domains": []}\n{\n{"text": "b", "domains": ["x"]}\n{"text": "", "domains": []}\n')
    problems: list[TaggerError] = []
    config = compose(["data=jsonl", f"data.path={path}", f"data.domains={corpus.domains}"])
    _, bulletins = load_bulletins(config.data, report=problems.append)
    assert [b.id for b in bulletins] == ["1"]
    assert sorted(p.where.rsplit(":", 1)[1] for p in problems) == ["2", "3", "4"]


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        (["data=csv"], "data.path: found no file, expected one. Give data=csv data.path=..."),
        (["data.kind=cvs"], "data.kind: unknown kind 'cvs'. Did you mean 'csv'?"),
        (["data.fields.source=provnce"], "data.fields.source: unknown source 'provnce'. Did you mean 'province'?"),
        (["data.domains=infer"], "data.domains=infer: the authored corpus has ids of a domain list"),
    ],
)
def test_settings_that_name_no_data_are_told(settings: list[str], problem: str) -> None:
    with pytest.raises(UsageError) as error:
        load_bulletins(compose(settings).data)
    assert str(error.value).startswith(problem)


def test_data_without_a_text_or_a_label_are_told(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("text,domains\na,\n")
    with pytest.raises(CorpusError, match=r"x\.csv: no label in any text"):
        load_examples(compose(["data=csv", f"data.path={tmp_path}/x.csv", "data.domains=infer"]))
    with pytest.raises(InputError, match="no such file"):
        load_examples(compose(["data=csv", f"data.path={tmp_path}/no.csv"]))


@pytest.mark.parametrize("kind", KINDS)
def test_every_data_config_composes_and_names_its_kind(kind: str) -> None:
    config = compose([f"data={kind}"])
    assert config.data.kind == kind
    assert describe_source(config.data).startswith(kind)


def test_the_home_folder_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "x.csv").write_text("text,domains\na,x\n")
    _, examples, _ = load_examples(compose(["data=csv", "data.path=~/x.csv", "data.domains=infer"]))
    assert examples.ids == ["2.0.0"]
