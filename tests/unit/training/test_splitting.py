"""The split of a config: checked, the same every time, of a share, from a file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tagger.corpus.examples import Examples
from tagger.errors import CorpusError, UsageError
from tagger.training import splitting
from tagger.training.composing import compose
from tagger.training.config import DataConfig, SplitConfig, TrainConfig
from tagger.training.splitting import make_split, rows_to_fit, with_copies
from tagger.training.trained import make_folds


def _config(seed: int = 1, share: float = 1.0, **split: object) -> TrainConfig:
    settings = SplitConfig(**{"n_folds": 4, **split})  # type: ignore[arg-type]
    return TrainConfig(data=DataConfig(share=share), split=settings, seed=seed)


def test_folds_leave_furniture_out_of_training_alone(examples: Examples) -> None:
    noisy = replace(examples, noise=np.arange(len(examples)) % 5 == 0)
    folds = make_folds(_config(), noisy)
    assert len(folds) == 4
    assert sorted(np.concatenate([held_out for _, held_out in folds])) == list(range(len(examples)))
    assert not any(noisy.noise[rows].any() for rows, _ in folds)
    for fold, (rows, held_out) in zip(make_split(_config(), noisy).folds, folds, strict=True):
        assert rows.tolist() == [row for row in fold.train if not noisy.noise[row]]
        assert held_out.tolist() == fold.held_out.tolist()


def test_the_same_seed_gives_the_same_split_with_its_report(examples: Examples) -> None:
    one, other = make_split(_config(), examples), make_split(_config(), examples)
    assert one.to_dict() == other.to_dict()
    assert json.dumps(one.to_dict())
    assert len(one.leakage["folds"]) == 4
    assert {make_split(_config(seed), examples).hash for seed in range(1, 5)} != {one.hash}


def test_bulletins_that_share_text_stay_together(examples: Examples) -> None:
    copied = "巡特警大队每晚七点至凌晨一点在滨河夜市开展武装步巡。"
    bulletins = np.unique(examples.bulletins)
    rows = [int(np.flatnonzero(examples.bulletins == name)[1]) for name in bulletins[[0, 5]]]
    texts = [t._replace(text=copied) if i in rows else t for i, t in enumerate(examples.texts)]
    for seed in range(4):
        split = make_split(_config(seed), replace(examples, texts=texts))
        assert split.links[0].bulletins == tuple(bulletins[[0, 5]])
        for fold in split.folds:
            assert len(set(rows) & set(fold.held_out.tolist())) in (0, 2)


def test_the_search_for_duplicates_is_made_once(examples: Examples, monkeypatch: pytest.MonkeyPatch) -> None:
    make_split(_config(), examples)
    monkeypatch.setattr(splitting, "link_bulletins", None)  # would raise
    make_split(_config(seed=2), examples)


def test_a_share_is_trained_on_and_all_is_held_out(examples: Examples) -> None:
    sizes, before = [], [set()] * 4
    for share in (0.2, 0.5, 1.0):
        folds = make_folds(_config(share=share), examples)
        kept = [set(examples.bulletins[rows]) for rows, _ in folds]
        assert all(b <= k for b, k in zip(before, kept, strict=True))
        assert sorted(np.concatenate([held_out for _, held_out in folds])) == list(range(len(examples)))
        sizes.append([len(k) for k in kept])
        before = kept
    assert sizes == [[2] * 4, [3] * 4, [6] * 4]  # of six bulletins on the training side


def test_the_final_model_learns_from_the_same_share(examples: Examples) -> None:
    rows = rows_to_fit(_config(share=0.5), examples, np.arange(len(examples)))
    assert len(set(examples.bulletins[rows])) == 4


def test_each_source_is_held_out_once(examples: Examples) -> None:
    sources = np.array(["北" if int(name) < 3 else "南" for name in examples.bulletins])
    split = make_split(_config(kind="leave_one_source_out"), replace(examples, sources=sources))
    assert [(fold.name, set(sources[fold.held_out])) for fold in split.folds] == [("北", {"北"}), ("南", {"南"})]


def test_a_saved_split_is_taken_whatever_the_seed(tmp_path: Path, examples: Examples) -> None:
    split = make_split(_config(), examples)
    (tmp_path / "split.json").write_text(json.dumps(split.to_dict()))
    again = make_split(_config(seed=9, file=str(tmp_path / "split.json")), examples)
    assert again.hash == split.hash
    assert again.leakage == split.leakage


def test_a_saved_split_that_leaks_is_refused(tmp_path: Path, examples: Examples) -> None:
    copied = "巡特警大队每晚七点至凌晨一点在滨河夜市开展武装步巡。"
    split = make_split(_config(), examples).to_dict()
    (tmp_path / "split.json").write_text(json.dumps(split))
    first, second = (split["folds"][i]["held_out"][0] for i in (0, 1))
    rows = [int(np.flatnonzero(examples.bulletins == name)[0]) for name in (first, second)]
    texts = [t._replace(text=copied) if i in rows else t for i, t in enumerate(examples.texts)]
    with pytest.raises(CorpusError, match=rf"split\.json: fold 1 of 4 leaks: {second}\.0\.0 is trained on and "):
        make_split(_config(file=str(tmp_path / "split.json")), replace(examples, texts=texts))


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"n_folds": 9}, "training: 9 folds of 8 groups: expected 2 to 8. More bulletins or fewer folds."),
        ({"kind": "groupd"}, "split.kind: unknown kind 'groupd'. Did you mean 'grouped'?"),
        ({"similarity": 0.2}, "split.similarity: found 0.2, expected 0.5 to 1."),
        ({"share": 0.0}, "data.share: found 0, expected a number above 0, up to 1."),
        ({"share": 1.5}, "data.share: found 1.5, expected a number above 0, up to 1."),
    ],
)
def test_settings_that_give_no_split_are_told(examples: Examples, settings: dict[str, object], problem: str) -> None:
    with pytest.raises(UsageError) as error:
        make_folds(_config(**settings), examples)  # type: ignore[arg-type]
    assert str(error.value) == problem


def test_examples_without_sources_are_told(examples: Examples) -> None:
    bare = replace(examples, sources=np.full(len(examples), ""))
    with pytest.raises(CorpusError, match="bulletin '00' has no source"):
        make_split(_config(kind="leave_one_source_out"), bare)


@pytest.mark.parametrize("name", ["grouped", "leave_one_source_out"])
def test_every_split_of_the_configuration_composes(name: str) -> None:
    assert compose([f"split={name}"]).split.kind == name


def test_copies_are_trained_on_with_their_bulletin_alone(examples: Examples) -> None:
    copies = replace(examples, noise=np.arange(len(examples)) % 7 == 0)
    for rows, held_out in make_folds(_config(), examples):
        part = with_copies(examples, copies, rows)
        added = part.bulletins[len(rows) :]
        assert set(added.tolist()) == set(examples.bulletins[rows].tolist())
        assert not set(added.tolist()) & set(examples.bulletins[held_out].tolist())
        assert len(added) == np.sum(np.isin(copies.bulletins, examples.bulletins[rows]) & ~copies.noise)
