"""The round trip on a real Label Studio: init, push, annotate, pull, change the domains, restore."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tagger.corpus.examples import examples_from_jsonl
from tagger.domains import Domain, DomainSet
from tagger.errors import CorpusError, LabellingError
from tagger.labelling.access import Access
from tagger.labelling.client import LabelStudioServer
from tagger.labelling.inventory import list_tasks
from tagger.labelling.migration import migrate, plan_migration
from tagger.labelling.project import (
    Project,
    create_project,
    find_project,
    hidden_by,
    interface_domains,
    need_project,
    show_version,
    wanted_settings,
)
from tagger.labelling.pull import pull
from tagger.labelling.push import push
from tagger.labelling.restore import tasks_to_restore
from tagger.project import project_path
from tagger.tasks import SPANS, span

pytestmark = pytest.mark.timeout(900)

Tasks = Callable[..., list[dict[str, Any]]]
_ROWS = (
    "巡特警每晚在夜市开展武装巡逻。", "向商户发放宣传单二百份。", "对骑电动车不戴头盔的行为逐一教育。",
    "局党委召开会议学习文件精神。", "民警在路口纠正违停，并向司机发放宣传单。",
)  # fmt: skip


def _numbers(server: LabelStudioServer, project: Project) -> dict[str, int]:
    return {task.uid: task.id for task in list_tasks(server, project.id)}


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_two_hundred_paragraphs_are_pushed_once(running: Any, project: Project, make_tasks: Tasks) -> None:
    texts = {f"b{i:02}": [f"第{i}期：{row}" for row in _ROWS * 2] for i in range(20)}
    tasks = make_tasks(texts)
    assert len(tasks) == 200
    first = push(running.lead, project.id, tasks)
    again = push(running.lead, project.id, tasks)
    assert (first.n_new, first.n_changed, again.n_same, again.n_writes) == (200, 0, 200, 0)
    there = list_tasks(running.lead, project.id)
    assert sorted(t.uid for t in there) == sorted(t["data"]["uid"] for t in tasks)
    assert [t.n_predictions for t in there] == [1] * 200


def test_a_changed_text_is_updated_and_its_annotation_kept_for_another_look(
    running: Any, project: Project, make_tasks: Tasks, annotate: Any, tmp_path: Path, domains: DomainSet
) -> None:
    push(running.lead, project.id, make_tasks({"b": _ROWS}))
    numbers = _numbers(running.lead, project)
    for i in (0, 1):
        annotate(running.wang, numbers[f"b:paragraph:{i}"], ["patrol"])
    texts = ["巡特警每晚在夜市、车站开展武装巡逻。", *_ROWS[1:]]
    done = push(running.lead, project.id, make_tasks({"b": texts}))
    assert (done.n_new, done.n_changed) == (0, 5)  # its text, and where the others stand
    assert push(running.lead, project.id, make_tasks({"b": texts})).n_writes == 0
    assert _numbers(running.lead, project) == numbers
    pulled, _ = pull(running.lead, project, tmp_path / "pulled", domains)
    assert [(row["paragraph"], row["recheck"]) for row in pulled.annotations] == [(0, "the text has changed"), (1, "")]
    assert [row["paragraph"] for row in pulled.examples] == [1]
    task = next(t for t in list_tasks(running.lead, project.id) if t.uid == "b:paragraph:0")
    assert task.data["earlier"][0]["text"] == _ROWS[0]
    assert task.n_predictions == 1
    found = running.lead.get(f"api/tasks/{task.id}/annotations/")[0]
    running.wang.send("PATCH", f"api/annotations/{found['id']}/", {"result": found["result"]})  # looked at again
    pulled, _ = pull(running.lead, project, tmp_path / "pulled", domains)
    assert [row["recheck"] for row in pulled.annotations] == ["", ""]


def test_a_paragraph_put_in_at_the_top_moves_no_annotation(
    running: Any, project: Project, make_tasks: Tasks, annotate: Any, tmp_path: Path, domains: DomainSet
) -> None:
    push(running.lead, project.id, make_tasks({"b": _ROWS}))
    numbers = _numbers(running.lead, project)
    annotate(running.wang, numbers["b:paragraph:0"], ["patrol"])
    done = push(running.lead, project.id, make_tasks({"b": ["新来的一段：全局动员部署。", *_ROWS]}))
    assert done.n_new == 1
    pulled, _ = pull(running.lead, project, tmp_path / "pulled", domains)
    assert [(row["text"], row["paragraph"], row["recheck"]) for row in pulled.annotations] == [(_ROWS[0], 1, "")]
    assert _numbers(running.lead, project).items() >= numbers.items()


def test_another_bulletin_of_the_same_name_is_refused(running: Any, project: Project, make_tasks: Tasks) -> None:
    push(running.lead, project.id, make_tasks({"b": _ROWS[:2]}))
    stranger = make_tasks({"b": ["看守所安全大检查消除隐患两处。", "财务审计工作完成。"]})
    with pytest.raises(LabellingError, match=r"b\.txt: the project has another bulletin called 'b'"):
        push(running.lead, project.id, stranger)
    assert push(running.lead, project.id, stranger, replace=True).n_changed == 2


def test_what_is_gone_is_removed_on_demand_and_never_with_an_annotation(
    running: Any, project: Project, make_tasks: Tasks, annotate: Any
) -> None:
    push(running.lead, project.id, make_tasks({"b": _ROWS}))
    numbers = _numbers(running.lead, project)
    annotate(running.wang, numbers["b:paragraph:4"], [])
    fewer = make_tasks({"b": _ROWS[:3]})
    assert len(push(running.lead, project.id, fewer).gone) == 2
    done = push(running.lead, project.id, fewer, prune=True)
    assert (done.n_removed, [task.uid for task in done.gone]) == (1, ["b:paragraph:4"])


def test_a_new_model_pre_annotates_what_is_there(running: Any, project: Project, make_tasks: Tasks) -> None:
    tasks = make_tasks({"b": _ROWS})
    push(running.lead, project.id, tasks)
    newer = [{**t, "predictions": [{**t["predictions"][0], "model_version": "words-2"}]} for t in tasks]
    assert push(running.lead, project.id, newer).n_predictions == 5
    assert push(running.lead, project.id, newer).n_writes == 0
    assert show_version(running.lead, project, "words-2")


def test_the_four_states_are_kept_apart_and_two_annotators_too(
    running: Any, project: Project, make_tasks: Tasks, annotate: Any, tmp_path: Path, domains: DomainSet
) -> None:
    rows = [*_ROWS, "民警带队夜间巡逻。随后向居民发放宣传单。"]
    push(running.lead, project.id, make_tasks({"b": rows}))
    number = {int(uid.rsplit(":", 1)[1]): id for uid, id in _numbers(running.lead, project).items()}
    annotate(running.lead, number[0], ["patrol"])
    annotate(running.wang, number[0], ["patrol"])
    annotate(running.lead, number[1], ["propaganda"])
    annotate(running.wang, number[1], ["traffic", "propaganda"])
    annotate(running.wang, number[2], [], was_cancelled=True)
    annotate(running.wang, number[3], [])
    text = rows[5]
    passages = [span(0, 9, text[:9], ["patrol"]), span(10, 18, text[10:18], ["propaganda"])]
    more = [{"id": f"s{i}", "origin": "manual", **p} for i, p in enumerate(passages)]
    annotate(running.lead, number[5], ["patrol", "propaganda"])
    body = {"result": more}
    running.wang.send("POST", f"api/tasks/{number[5]}/annotations/", body)
    pulled, exported = pull(running.lead, project, tmp_path / "pulled", domains)
    assert pulled.counts == {
        "tasks": 6, "labelled": 3, "no_domain": 1, "skipped": 1, "disputed": 1, "recheck": 0, "unlabelled": 1,
        "foreign": 0, "annotations": 8, "annotators": 2,
    }  # fmt: skip
    assert [(r["paragraph"], r["why"]) for r in pulled.unlabelled] == [
        (1, "disputed"),
        (2, "skipped"),
        (4, "unlabelled"),
    ]
    said = [(r["paragraph"], r["sentence"], r["unit"], r["domains"]) for r in pulled.examples]
    assert said == [
        (0, 0, "sentence", ["patrol"]), (3, 0, "sentence", []),
        (5, 0, "sentence", ["patrol"]), (5, 1, "sentence", ["propaganda"]),
    ]  # fmt: skip
    assert {r["annotator"] for r in pulled.annotations} == {"wang@example.com", running.account}
    assert all(r["lead_time"] == 4.5 for r in pulled.annotations if r["paragraph"] < 5)
    examples = examples_from_jsonl(tmp_path / "pulled" / "examples.jsonl", domains)
    assert len(examples) == 4
    assert exported.n_fetched == 6


def test_a_second_pull_fetches_what_has_changed_and_gives_the_same_files(
    running: Any, project: Project, make_tasks: Tasks, annotate: Any, tmp_path: Path, domains: DomainSet,
) -> None:  # fmt: skip
    push(running.lead, project.id, make_tasks({f"b{i}": _ROWS for i in range(4)}))
    number = _numbers(running.lead, project)
    pull(running.lead, project, tmp_path / "pulled", domains)
    annotate(running.wang, number["b1:paragraph:2"], ["traffic"])
    kept = annotate(running.wang, number["b2:paragraph:2"], ["traffic"])
    _, exported = pull(running.lead, project, tmp_path / "pulled", domains)
    assert exported.n_fetched == 2
    running.wang.send("DELETE", f"api/annotations/{kept['id']}/")
    running.lead.send("DELETE", f"api/tasks/{number['b3:paragraph:0']}/")
    pulled, _ = pull(running.lead, project, tmp_path / "pulled", domains)
    assert (pulled.counts["tasks"], pulled.counts["annotations"]) == (19, 1)
    pull(running.lead, project, tmp_path / "whole", domains)
    for name in ("raw-export.json", "annotations.jsonl", "examples.jsonl", "unlabelled.jsonl"):
        assert (tmp_path / "pulled" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_an_unknown_label_names_the_task_and_the_raw_export_is_kept(
    running: Any, project: Project, make_tasks: Tasks, annotate: Any, tmp_path: Path, domains: DomainSet
) -> None:
    push(running.lead, project.id, make_tasks({"b": _ROWS}))
    number = _numbers(running.lead, project)["b:paragraph:3"]
    annotate(running.wang, number, ["fishing"])
    with pytest.raises(CorpusError, match=rf"task {number} \(b:paragraph:3\).*found the label 'fishing'"):
        pull(running.lead, project, tmp_path / "pulled", domains)
    assert os.listdir(tmp_path / "pulled") == ["raw-export.json"]


def test_pull_push_to_an_empty_project_and_pull_is_identical(
    running: Any, project: Project, make_tasks: Tasks, annotate: Any, tmp_path: Path, domains: DomainSet
) -> None:
    push(running.lead, project.id, make_tasks({"b": _ROWS, "c": _ROWS[::-1]}))
    number = _numbers(running.lead, project)
    for i, uid in enumerate(sorted(number)):
        if i % 4 < 3:
            annotate((running.lead, running.wang)[i % 2], number[uid], (["patrol"], [], ["traffic"])[i % 3])
    annotate(running.wang, number["b:paragraph:0"], [], was_cancelled=True)
    pull(running.lead, project, tmp_path / "one", domains)
    settings = wanted_settings(domains, project_path("labels/guideline.md"))
    other = create_project(running.lead, f"{project.title} again", settings)
    tasks = tasks_to_restore(running.lead, tmp_path / "one")
    push(running.lead, other.id, tasks)
    assert push(running.lead, other.id, tasks).n_writes == 0
    pull(running.lead, other, tmp_path / "two", domains)
    for name in ("annotations.jsonl", "examples.jsonl", "unlabelled.jsonl"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert len(_lines(tmp_path / "two" / "annotations.jsonl")) >= 8


def test_what_hides_predictions_is_told_before_a_push(
    running: Any, project: Project, make_tasks: Tasks, reload: Callable[[Project], Project]
) -> None:
    tasks = make_tasks({"b": _ROWS})
    assert hidden_by(project, tasks) == []
    older = [{**task["predictions"][0], "model_version": "bert-1"} for task in tasks]
    push(running.lead, project.id, [{**task, "predictions": [p]} for task, p in zip(tasks, older, strict=True)])
    running.lead.send(
        "PATCH", f"api/projects/{project.id}/", {"show_collab_predictions": False, "model_version": "bert-1"}
    )
    broken = [*tasks, {**tasks[0], "predictions": [{**tasks[0]["predictions"][0], "result": [
        {"from_name": "sentiment", "to_name": "text", "type": "choices", "value": {"choices": ["good"]}},
        span(0, 2, "不对", ["patrol"]), span(0, 2, tasks[0]["data"]["text"][:2], ["fishing"]),
    ]}]}]  # fmt: skip
    told = hidden_by(reload(project), broken)
    assert [line.split(" (")[0] for line in told][:4] == [
        "predictions are switched off in the project",
        "the interface has no control 'sentiment'",
        "a marked passage is not at 0–2 of its text",
        f"the interface offers no 'fishing' in {SPANS!r}",
    ]
    assert told[4].startswith("the project shows predictions of 'bert-1' alone")


def _new_domains(ids: Sequence[str]) -> DomainSet:
    return DomainSet([Domain(id, id) for id in ids], version=2)


@pytest.mark.parametrize(
    ("changes", "ids", "expected", "again"),
    [
        ({"patrol": ("street",)}, ["traffic", "street", "propaganda"], [["street"], ["traffic"], []], []),
        (
            {"patrol": ("order",), "traffic": ("order",)}, ["order", "propaganda"], [["order"], ["order"], []], [],
        ),
        (
            {"patrol": ("street", "post")}, ["traffic", "street", "post", "propaganda"],
            [["street", "post"], ["traffic"], []], [0],
        ),
        ({}, ["traffic", "patrol", "propaganda", "fire"], [["patrol"], ["traffic"], []], [0, 1, 2]),
        ({"patrol": ()}, ["traffic", "propaganda"], [[], ["traffic"], []], [0]),
    ],
    ids=["rename", "merge", "split", "add", "drop"],
)  # fmt: skip
def test_a_change_of_domains_is_carried_over(
    running: Any, project: Project, make_tasks: Tasks, annotate: Any, tmp_path: Path, reload: Any,
    changes: Mapping[str, tuple[str, ...]], ids: list[str], expected: list[list[str]], again: list[int],
) -> None:  # fmt: skip
    push(running.lead, project.id, make_tasks({"b": _ROWS}))
    number = _numbers(running.lead, project)
    for i, domains in enumerate((["patrol"], ["traffic"], [])):
        annotate(running.wang, number[f"b:paragraph:{i}"], domains)
    new = _new_domains(ids)
    project = reload(project)
    migration = plan_migration(running.lead, project, new, dict(changes))
    assert migration is not None
    assert sorted(row[0] for row in migration.recheck_rows()) == [f"b:paragraph:{i}" for i in again]
    settings = wanted_settings(new, project_path("labels/guideline.md"))
    kept = migrate(running.lead, project, migration, settings, tmp_path / "backups")
    assert len(json.loads(kept.read_text(encoding="utf-8"))["tasks"]) == 5
    assert interface_domains(reload(project)) == tuple(ids)
    pulled, _ = pull(running.lead, project, tmp_path / "pulled", new)
    assert [row["domains"] for row in pulled.annotations] == expected
    assert [i for i, row in enumerate(pulled.annotations) if row["recheck"]] == again
    assert plan_migration(running.lead, reload(project), new, {}) is None


def test_a_domain_that_is_gone_without_a_word_stops_init(
    running: Any, project: Project, make_tasks: Tasks, reload: Any
) -> None:
    with pytest.raises(LabellingError, match="patrol is no longer in the domain list"):
        plan_migration(running.lead, reload(project), _new_domains(["traffic", "propaganda"]), {})
    assert interface_domains(reload(project)) == ("traffic", "patrol", "propaganda")


def test_the_commands_as_a_person_gives_them(
    labels: Any, running: Any, tmp_path: Path, domains_file: Path, lexicon_folder: Path, annotate: Any
) -> None:
    title = ("--project", "a person's project")
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "0312.txt").write_text("\n".join(_ROWS), encoding="utf-8")
    assert "/projects/" in labels("init", *title, "--domains", domains_file).stdout
    assert "nothing to change" in labels("init", *title, "--domains", domains_file).stderr
    push_args = ("push", "pages", "--model", lexicon_folder, *title)
    assert labels(*push_args).stdout == (
        "5 new, 0 changed, 0 as they were, 0 pre-annotated anew, 0 removed; 1 writing requests\n"
    )
    elsewhere = labels("push", tmp_path / "pages" / "0312.txt", "--model", lexicon_folder, *title)
    assert elsewhere.stdout.endswith("0 writing requests\n")
    found = find_project(running.lead, title[1])
    assert found is not None
    assert found.settings["model_version"].startswith("words-")
    annotate(running.wang, _numbers(running.lead, found)["0312:paragraph:0"], ["patrol"])
    told = labels("pull", "-o", "out", "--domains", domains_file, *title)
    assert told.stdout.startswith("5 paragraphs: 1 labelled (0 with no domain), 0 disputed, 0 skipped")
    assert sorted(os.listdir(tmp_path / "out")) == [
        "annotations.jsonl", "examples.jsonl", "pull.json", "raw-export.json", "unlabelled.jsonl",
    ]  # fmt: skip
    bad = labels("push", "nowhere.txt", "pages", "--model", lexicon_folder, *title, expect=3)
    assert "nowhere.txt: no such file" in bad.stderr


def test_a_person_renames_a_domain(
    labels: Any, running: Any, tmp_path: Path, domains_file: Path, lexicon_folder: Path, annotate: Any
) -> None:
    title = ("--project", "renaming", "--domains", domains_file)
    (tmp_path / "a.txt").write_text(_ROWS[0], encoding="utf-8")
    labels("init", *title)
    labels("push", "a.txt", "--model", lexicon_folder, *title[:2])
    found = need_project(running.lead, "renaming")
    annotate(running.wang, _numbers(running.lead, found)["a:paragraph:0"], ["patrol"])
    domains_file.write_text(domains_file.read_text("utf-8").replace('"id": "patrol"', '"id": "street"'), "utf-8")
    assert "patrol is no longer in the domain list" in labels("init", *title, expect=1).stderr
    told = labels("init", *title, "--rename", "patrol=street")
    assert "patrol becomes street: 1 annotations have it" in told.stderr
    assert "Nothing was done" in told.stderr
    assert interface_domains(need_project(running.lead, "renaming")) == ("traffic", "patrol", "propaganda")
    done = labels("init", *title, "--rename", "patrol=street", "--backup", "kept", "--yes")
    assert len(list((tmp_path / "kept").iterdir())) == 1
    assert "The annotations as they were: kept/" in done.stderr
    labels("pull", "-o", "out", *title)
    assert _lines(tmp_path / "out" / "annotations.jsonl")[0]["domains"] == ["street"]
    assert "nothing to change" in labels("init", *title).stderr
    again = labels("push", "a.txt", "--model", lexicon_folder, *title[:2])
    assert "would stay hidden: the interface offers no 'patrol' in 'domains'" in again.stderr
    assert again.stdout.endswith("0 writing requests\n")


def test_a_wrong_token_a_wrong_address_and_a_missing_project_are_told_in_one_line(labels: Any, running: Any) -> None:
    for args, told in (
        (("pull", "--api-key", "0" * 40), "the token is refused"),
        (("pull", "--url", "http://127.0.0.1:9", "--api-key", "0" * 40), "no answer to GET"),
        (("pull", "--project", "none of ours"), "no project 'none of ours'"),
    ):
        done = labels(*args, expect=1)
        assert told in done.stderr
        assert done.stderr.count("\n") == 1


def test_a_personal_access_token_works_too(running: Any) -> None:
    running.lead.send("POST", "api/jwt/settings", {"api_tokens_enabled": True, "legacy_api_tokens_enabled": True})
    token = running.lead.send("POST", "api/token/")["token"]
    personal = LabelStudioServer(Access(running.url, token))
    assert personal.get("api/current-user/whoami")["email"] == running.account


def test_the_token_is_in_a_file_for_its_owner_alone(running: Any) -> None:
    mode = stat.S_IMODE((running.home / "access.json").stat().st_mode)
    assert mode == 0o600
    assert running.token not in repr(running.lead)
    log = (running.home / "server.log").read_text(encoding="utf-8", errors="replace")
    assert running.token not in log
    assert running.wang_token not in log
