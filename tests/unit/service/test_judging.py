"""Judging a retrained model: on what both models are compared, and which way it goes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tagger.domains import Domain, DomainSet
from tagger.errors import InputError
from tagger.models.precedents import Precedents
from tagger.models.storage import Model
from tagger.service.judging import judge, read_paragraphs
from tagger.training.run_folder import write_json

MakeRun = Callable[..., Path]


def test_a_model_that_is_better_out_of_fold_and_in_use_serves(make_run: MakeRun, good: Model, bad: Model) -> None:
    run = make_run("run", range(24), is_right=True)
    verdict = judge(run, good, bad, serving_run=None, margin=2)
    assert verdict.accepted
    assert verdict.reason.endswith("on 72 paragraphs of 24 bulletins")


def test_good_figures_in_use_do_not_make_up_for_bad_ones_out_of_fold(make_run: MakeRun, good: Model) -> None:
    """The new model has seen these very paragraphs: that it knows them proves nothing."""
    run = make_run("run", range(24), is_right=False)
    verdict = judge(run, good, good, serving_run=None, margin=2)
    assert not verdict.accepted
    assert verdict.reason.startswith("worse: micro-F1 0.000 against 1.000")


def test_a_model_that_is_spoilt_in_use_does_not_serve_however_good_out_of_fold(
    make_run: MakeRun, good: Model, bad: Model
) -> None:
    run = make_run("run", range(24), is_right=True)
    verdict = judge(run, bad, good, serving_run=None, margin=2)
    assert not verdict.accepted
    assert verdict.reason.startswith("as it would serve, worse: ")


def test_what_the_old_model_was_trained_on_counts_by_its_own_scores_out_of_fold(make_run: MakeRun, good: Model) -> None:
    """Asked now it would tag them rightly, since it has learned them; out of fold it was wrong."""
    before = make_run("before", range(24), is_right=False)
    run = make_run("run", range(24), is_right=True, cut=True)
    verdict = judge(run, good, good, serving_run=before, margin=0)
    assert verdict.accepted
    assert verdict.reason.startswith("micro-F1 1.000 against 0.000")


def test_paragraphs_that_the_old_model_may_have_learned_are_left_out(make_run: MakeRun, good: Model) -> None:
    """Those of its bulletins that it has no score of; new bulletins count."""
    before = make_run("before", range(3), is_right=True, trained_on=["b3", "b4", "b5"])
    run = make_run("run", range(24), is_right=True)
    verdict = judge(run, good, good, serving_run=before, margin=2)
    assert verdict.reason.endswith(f"on {3 * (24 - 3)} paragraphs of 21 bulletins")


def test_what_a_model_keeps_as_precedents_is_left_out(make_run: MakeRun, good: Model) -> None:
    run = make_run("run", range(24), is_right=True)
    texts = [text for pieces in read_paragraphs(run).texts for text in pieces if text.startswith("第3期")]
    n = len(texts)
    index = Precedents(
        np.zeros((n, 1), dtype=np.int8), 1.0, np.zeros(1), np.ones((1, 1)), domains=[()] * n,
        texts=[text.split("。")[0] + "。" for text in texts], ids=[str(i) for i in range(n)],
    )  # fmt: skip
    verdict = judge(run, good, replace(good, precedents=index), serving_run=None, margin=2)
    assert verdict.reason.endswith("on 69 paragraphs of 23 bulletins")


def test_a_model_that_has_lost_a_domain_is_left_to_a_person(
    make_run: MakeRun, save_words: Callable[..., Model], domains: DomainSet, good: Model
) -> None:
    others = DomainSet([*list(domains)[:2], Domain("dogs", "犬只管理")])
    run = make_run("run", range(24), is_right=True)
    verdict = judge(run, good, save_words("others", "bad", others), serving_run=None, margin=2)
    assert not verdict.accepted
    assert verdict.reason.startswith("it does not know dogs, which the one that serves does")


@pytest.mark.parametrize("is_right", [True, False])
def test_where_domains_were_added_those_that_both_know_decide(
    make_run: MakeRun, save_words: Callable[..., Model], domains: DomainSet, good: Model, is_right: bool
) -> None:
    old = save_words("fewer", "good", DomainSet(list(domains)[1:]))
    verdict = judge(make_run("run", range(24), is_right=is_right), good, old, serving_run=None, margin=2)
    assert verdict.accepted is is_right
    assert verdict.comparison is not None
    assert len(verdict.comparison["domains"]) == 2
    assert verdict.reason.endswith(", in the 2 of its 3 domains that both know")


def test_a_model_of_which_nobody_knows_what_it_learned_is_not_compared(
    make_run: MakeRun, good: Model, bad: Model
) -> None:
    """Every paragraph would pass for new to it, and it would look better than it is; its run folder tells."""
    run, before = make_run("run", range(24), is_right=True), make_run("before", range(24), is_right=True)
    trained = replace(bad, manifest=replace(bad.manifest, kind="tfidf", data={"n_texts": 72}))
    verdict = judge(run, good, trained, serving_run=None, margin=2)
    assert not verdict.accepted
    assert verdict.reason.startswith(f"what bad {bad.version}, which serves, was trained on is not known")
    assert "start with --model and the run folder that it came from" in verdict.reason
    assert judge(run, good, trained, serving_run=before, margin=2).accepted


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("sentences.jsonl", '{"id": ', "not JSON"),
        ("sentences.jsonl", "[]", "found a list, expected an object"),
        ("sentences.jsonl", '{"id": "a"}', "found nothing as text, expected a str"),
        ("sentences.jsonl", '{"id": 1, "text": "a"}', "found int as id, expected a str"),
        ("sentences.jsonl", '{"id": "a", "text": "b"}', "which has scores in out_of_fold.npz"),
        ("split.json", "{", "not JSON"),
        ("split.json", "{}", "found nothing as folds, expected a list"),
        ("split.json", '{"folds": ["b1"]}', "found a str, expected an object"),
        ("split.json", '{"folds": [{"held_out": []}]}', "found nothing as set_aside, expected a list"),
    ],
)
def test_a_damaged_run_folder_is_told_with_its_place(make_run: MakeRun, name: str, text: str, found: str) -> None:
    run = make_run("run", range(1), is_right=True)
    (run / name).write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=re.escape(found)) as told:
        read_paragraphs(run)
    assert str(told.value).startswith(str(run / name))


def test_scores_of_other_domains_than_the_model_are_told(
    make_run: MakeRun, save_words: Callable[..., Model], domains: DomainSet
) -> None:
    others = DomainSet([*list(domains)[:2], Domain("dogs", "犬只管理")])
    model = save_words("others", "good", others)
    with pytest.raises(InputError, match="scores of traffic, patrol, propaganda, expected also dogs"):
        judge(make_run("run", range(24), is_right=True), model, model, serving_run=None, margin=2)


def test_columns_in_another_order_are_matched_by_their_names(
    make_run: MakeRun, save_words: Callable[..., Model], domains: DomainSet, good: Model
) -> None:
    turned = DomainSet(list(domains)[::-1])
    old = save_words("turned", "good", turned)
    run = make_run("run", range(24), is_right=True)
    verdict = judge(run, good, old, serving_run=None, margin=0)
    assert verdict.accepted
    assert verdict.reason.startswith("micro-F1 1.000 against 1.000")


def test_as_a_process_it_writes_its_verdict_and_tells_what_is_missing(
    tmp_path: Path, make_run: MakeRun, good: Model, bad: Model
) -> None:
    run = make_run("run", range(24), is_right=True)
    task = {"run": str(run), "model": str(tmp_path / "good"), "serving": str(tmp_path / "bad"), "serving_run": None,
            "margin": 2.0, "verdict": str(tmp_path / "verdict.json")}  # fmt: skip
    command = [sys.executable, "-m", "tagger.service.judging", str(tmp_path / "task.json")]
    write_json(tmp_path / "task.json", task)
    done = subprocess.run(command, capture_output=True, check=False, encoding="utf-8")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert json.loads((tmp_path / "verdict.json").read_text(encoding="utf-8"))["accepted"] is True
    (run / "split.json").unlink()
    done = subprocess.run(command, capture_output=True, check=False, encoding="utf-8")
    assert done.returncode == 1
    assert done.stderr.startswith("tagger: ")
    assert "split.json: is missing" in done.stderr
