"""Run folders read back, and everything that can be wrong with one."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tagger.errors import InputError, LimitError
from tagger.evaluation import run_files
from tagger.evaluation.metrics import score
from tagger.evaluation.runs import find_runs, flatten, group_runs, read_run, read_runs, same_domains, share_of
from tagger.evaluation.summary import summarize

MakeRun = Callable[..., Path]


def _arrays(folder: Path, name: str = "out_of_fold.npz") -> dict[str, np.ndarray]:
    return dict(np.load(folder / name, allow_pickle=False))


def _write(folder: Path, **changes: np.ndarray) -> None:
    arrays = {**_arrays(folder), **changes}
    with (folder / "out_of_fold.npz").open("wb") as file:
        np.savez(file, **arrays)


def test_a_run_is_read_whole(make_run: MakeRun) -> None:
    run = read_run(make_run("tfidf", test=True, seed=3))
    assert (run.name, run.kind, run.seed, run.data_hash) == ("tfidf", "tfidf", 3, "ab" * 32)
    assert run.domains.ids == ("traffic", "patrol", "propaganda")
    assert run.domains[0].zh == "领域0"
    assert len(run.out_of_fold) == len(run.test or []) == 72
    assert run.out_of_fold.y_true.dtype == np.int8
    assert run.sentences["b00.0.1"].text == "第b00.0.1句：民警巡逻。"
    assert run.cost == {"seconds": 12.5, "size_bytes": 2e6, "sentences_per_second": 900.0}
    assert [line["step"] for line in run.curves] == [0, 5, 0, 5]


def test_tags_are_scores_at_or_above_the_threshold_of_their_domain(make_run: MakeRun) -> None:
    folder = make_run("a")
    scores = np.full((72, 3), 0.5, dtype=np.float32)
    _write(folder, y_proba=scores, thresholds=np.array([0.4, 0.5, 0.6]))
    assert (read_run(folder).out_of_fold.y_pred == [1, 1, 0]).all()


@pytest.mark.parametrize(("level", "n"), [("sentence", 72), ("paragraph", 24), ("bulletin", 12)])
def test_larger_units_have_the_figures_that_the_run_wrote_down(make_run: MakeRun, level: str, n: int) -> None:
    run = read_run(make_run("a"))
    units = run.out_of_fold.at_level(level)
    assert len(units) == n == len(set(units.ids.tolist()))
    assert score(units.y_true, units.y_pred, run.domains.ids)["f1_micro"] == run.figures(level=level)["f1_micro"]
    found = run.out_of_fold
    written = summarize(found.y_true, found.y_proba, found.thresholds, bulletins=found.bulletins,
                        paragraphs=found.paragraphs, ids=run.domains.ids)  # fmt: skip
    assert written["levels"][level]["n_texts"] == n


def test_the_ids_of_larger_units_say_where_they_stand(make_run: MakeRun) -> None:
    scores = read_run(make_run("a")).out_of_fold
    assert scores.at_level("paragraph").ids[:3].tolist() == ["b00.0", "b00.1", "b01.0"]
    assert scores.at_level("bulletin").ids[:2].tolist() == ["b00", "b01"]


def test_a_folder_of_runs_stands_for_all_of_them_and_names_tell_them_apart(make_run: MakeRun, tmp_path: Path) -> None:
    make_run("a/tfidf")
    make_run("b/tfidf")
    make_run("bert.unfinished")
    runs = read_runs([tmp_path / "runs", tmp_path / "runs" / "a" / "tfidf"])
    assert [run.name for run in runs] == ["a/tfidf", "b/tfidf"]
    assert [path.name for path in find_runs(tmp_path / "runs")] == ["tfidf", "tfidf"]


@pytest.mark.parametrize(
    ("file", "content", "problem"),
    [
        ("run.json", None, "a: no run.json in it. Give a run folder, as tagger train writes it."),
        ("run.json", '{"format": 2}', "a/run.json: format 2, expected 1. It may come from another version of tagger."),
        ("run.json", "[" * 100_000, "a/run.json: not JSON ("),
        ("run.json", "[]", "a/run.json: found a list, expected an object."),
        ("run.json", "{", "a/run.json: not JSON ("),
        ("metrics.json", None, "a/metrics.json: is missing. The run folder is not whole; train again."),
        ("config.yaml", "a: &a 1\nb: *a\n", "a/config.yaml: not a configuration (an alias, expected plain values)."),
        ("config.yaml", "!!python/object/apply:os.system ['true']", "a/config.yaml: not a configuration ("),
        ("config.yaml", b"\xff\xfe", "a/config.yaml: cannot be read ("),
        ("out_of_fold.npz", None, "a/out_of_fold.npz: is missing."),
        ("out_of_fold.npz", b"PK\x03\x04 no archive", "a/out_of_fold.npz: not an archive of arrays ("),
        ("model/domains.json", '{"version": 1, "domains": []}', "a/model/domains.json: "),
    ],
)
def test_what_is_missing_or_damaged_is_named(
    make_run: MakeRun, file: str, content: str | bytes | None, problem: str
) -> None:
    folder = make_run("a")
    if content is None:
        (folder / file).unlink()
    else:
        (folder / file).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError) as error:
        read_run(folder)
    assert f"runs/{problem}" in str(error.value)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"y_proba": np.full((72, 3), np.nan, dtype=np.float32)}, "scores outside [0, 1] or none"),
        ({"y_proba": np.full((72, 3), 1.5, dtype=np.float32)}, "scores outside [0, 1] or none"),
        ({"y_true": np.full((72, 3), 2, dtype=np.int8)}, "labels other than 0 and 1"),
        ({"y_true": np.zeros((71, 3), dtype=np.int8)}, "y_true of shape (71, 3), expected (72, 3)"),
        ({"ids": np.array(["a"] * 72)}, "an id twice, expected every text once"),
        ({"ids": np.arange(72)}, "ids of type int64, expected text"),
        ({"thresholds": np.array([0.5, np.inf, 0.5])}, "a threshold that is no number"),
        ({"domains": np.array(["x", "y", "z"])}, "domains x, y, z, expected traffic, patrol, propaganda"),
        ({"domains": np.array([], dtype="<U3")}, "72 texts and 0 domains"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(make_run: MakeRun, changes: dict[str, np.ndarray], problem: str) -> None:
    folder = make_run("a")
    _write(folder, **changes)
    with pytest.raises(InputError, match=r"out_of_fold\.npz: ") as error:
        read_run(folder)
    assert problem in str(error.value)


def test_nothing_is_unpickled(make_run: MakeRun) -> None:
    folder = make_run("a")
    _write(folder, ids=np.array([object()] * 72, dtype=object))
    with pytest.raises(InputError, match="not an archive of arrays"):
        read_run(folder)


def test_an_array_missing_and_an_array_that_claims_to_be_huge(make_run: MakeRun, tmp_path: Path) -> None:
    folder = make_run("a")
    with (folder / "out_of_fold.npz").open("wb") as file:
        np.savez(file, ids=np.array(["a"]))
    with pytest.raises(InputError, match=r"no array \w+ in it"):
        read_run(folder)
    header = {"descr": "<f8", "fortran_order": False, "shape": (10**13,)}
    with zipfile.ZipFile(folder / "out_of_fold.npz", "w") as archive:
        for name in ("ids", "bulletins", "paragraphs", "y_true", "y_proba", "thresholds", "domains"):
            with archive.open(f"{name}.npy", "w") as file:
                np.lib.format.write_array_header_1_0(file, header)
    with pytest.raises(InputError, match="not an archive of arrays"):
        read_run(folder)


def test_files_beyond_all_measure_are_refused_before_they_are_read(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_run("a")
    monkeypatch.setattr(run_files, "_MAX_BYTES", 10)
    with pytest.raises(LimitError, match="expected at most 10"):
        read_run(folder)


@pytest.mark.parametrize(
    ("line", "problem"),
    [("{", "sentences.jsonl:1: not JSON"), ('{"id": 1}', "sentences.jsonl:1: not a sentence. Expected id, bulletin")],
)
def test_a_line_that_is_no_sentence_is_named(make_run: MakeRun, line: str, problem: str) -> None:
    folder = make_run("a")
    (folder / "sentences.jsonl").write_text(line + "\n")
    run = read_run(folder)  # the sentences are not needed for figures
    with pytest.raises(InputError, match=problem):
        _ = run.sentences


def test_a_run_without_a_model_has_ids_for_names(make_run: MakeRun) -> None:
    folder = make_run("a")
    (folder / "model" / "domains.json").unlink()
    assert [(d.id, d.zh) for d in read_run(folder).domains] == [("traffic", ""), ("patrol", ""), ("propaganda", "")]


@pytest.mark.parametrize("name", ["nothing", "file"])
def test_a_place_that_holds_no_run_is_an_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match=f"{name}: (no such folder|is a file)"):
        read_runs([tmp_path / name])


def test_an_unfinished_run_says_how_to_go_on(make_run: MakeRun) -> None:
    folder = make_run("bert.unfinished")
    (folder / "run.json").unlink()
    with pytest.raises(InputError, match=r"an unfinished run\. Give the command that trained it again"):
        read_runs([folder])


def test_runs_on_other_domains_cannot_stand_side_by_side(make_run: MakeRun) -> None:
    runs = [read_run(make_run("a")), read_run(make_run("b", ids=("patrol", "traffic", "propaganda")))]
    with pytest.raises(InputError, match="expected those of a: traffic, patrol, propaganda"):
        same_domains(runs)


def test_configs_are_grouped_apart_from_their_seeds(make_run: MakeRun) -> None:
    runs = [
        read_run(make_run(name, seed=seed, config=config))
        for name, seed, config in (
            ("a1", 1, {}), ("b1", 1, {"x": {"y": 2}}), ("a2", 2, {}), ("a3", 1, {"data": {"share": 0.5}})
        )
    ]  # fmt: skip
    assert [[run.name for run in group] for group in group_runs(runs)] == [["a1", "a2"], ["b1"], ["a3"]]
    assert [share_of(run) for run in runs] == [1.0, 1.0, 1.0, 0.5]
    assert flatten({"a": {"b": {"c": 1}}, "d": [1], "e": {}}) == {"a.b.c": 1, "d": [1], "e": {}}


def test_metrics_of_another_form_are_no_figures(make_run: MakeRun) -> None:
    folder = make_run("a")
    (folder / "metrics.json").write_text(json.dumps({"out_of_fold": [1], "cost": {"seconds": "long"}}))
    run = read_run(folder)
    assert run.figures() == {}
    assert run.cost == {}
