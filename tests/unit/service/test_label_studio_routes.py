"""Label Studio's contract: shapes of requests and replies as a running server was seen to use them."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tagger.models.storage import Model
from tagger.service.label_config import read_interface
from tagger.service.label_studio import project_number

if TYPE_CHECKING:
    from starlette.testclient import TestClient

    from tagger.service.workplace import Workplace

TOKEN = "canary0123456789abcdef0123456789abcdef01"


class _Retrainer:
    """Notes down what it is asked; retraining itself has its own tests."""

    def __init__(self) -> None:
        self.introduced: dict[int, dict[str, str]] = {}
        self.asked: list[int] = []

    def start(self) -> None:
        """Nothing to go on with."""

    close = start

    def introduce(self, project: int, environment: dict[str, str]) -> None:
        self.introduced[project] = environment

    def knows(self, project: int) -> bool:
        return project in self.introduced

    def ask(self, project: int) -> str:
        self.asked.append(project)
        return "started"

    def describe(self) -> dict[str, Any]:
        return {}


@pytest.fixture
def retrainer(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> _Retrainer:
    for name in ("LABEL_STUDIO_URL", "LABEL_STUDIO_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    workplace.retrainer = _Retrainer()  # type: ignore[assignment]
    return workplace.retrainer  # type: ignore[return-value]


def _setup(config: str, **fields: Any) -> dict[str, Any]:
    return {"project": "3.1700000000", "schema": config, "hostname": "http://localhost:8080", "access_token": TOKEN,
            "extra_params": None, **fields}  # fmt: skip


def _predict(config: Any, *texts: str) -> dict[str, Any]:
    tasks = [{"id": i, "data": {"text": text}, "project": 3} for i, text in enumerate(texts)]
    params = {"login": "annotator", "password": TOKEN, "context": None}
    return {"tasks": tasks, "project": "3.1700000000", "label_config": config, "params": params}


def test_it_is_up(client: TestClient) -> None:
    assert client.get("/label-studio/health").json()["status"] == "UP"


def test_setup_tells_the_version(client: TestClient, config: str, lexicon: Model) -> None:
    answer = client.post("/label-studio/setup", json=_setup(config))
    assert answer.json() == {"model_version": f"words-{lexicon.version}"}


def test_versions_are_those_on_duty(client: TestClient, lexicon: Model) -> None:
    assert client.get("/label-studio/versions").json()["versions"] == [f"words-{lexicon.version}"]


def test_each_task_gets_its_prediction_in_order(client: TestClient, config: str, lexicon: Model) -> None:
    texts = ["民警巡逻。", "", "发放宣传单。", "召开会议。"]
    answer = client.post("/label-studio/predict", json=_predict(config, *texts)).json()
    assert [[r["value"].get("choices") for r in p["result"]] for p in answer["results"]] == [
        [["patrol"], None], [], [["propaganda"], None], [["none"]],
    ]  # fmt: skip
    assert {p["model_version"] for p in answer["results"]} == {f"words-{lexicon.version}"}
    assert all(0 <= p["score"] <= 1 for p in answer["results"])


@pytest.mark.parametrize("config", ["<View/>", "no xml", "", None, 7, {"a": 1}, "<!DOCTYPE a><View/>"])
def test_an_interface_without_our_choices_gives_empty_results_and_a_line_in_the_log(
    client: TestClient, config: Any, caplog: pytest.LogCaptureFixture, lexicon: Model
) -> None:
    answer = client.post("/label-studio/predict", json=_predict(config, "民警巡逻。", "宣传。"))
    assert answer.status_code == 200
    empty = {"model_version": f"words-{lexicon.version}", "score": 0.0, "result": []}
    assert answer.json()["results"] == [empty, empty]
    (line,) = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert line.startswith("label config: ")


def test_a_domain_without_a_choice_is_told(client: TestClient, config: str, caplog: pytest.LogCaptureFixture) -> None:
    config = config.replace('alias="patrol"', 'alias="walks"').replace("巡逻防控", "散步")
    client.post("/label-studio/predict", json=_predict(config, "民警巡逻。"))
    assert "label config: no choice for patrol; such tags cannot be shown" in caplog.text


def test_a_bug_gives_empty_results_and_a_line_that_quotes_nothing(
    client: TestClient, config: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def break_down(*_: Any) -> None:
        raise KeyError(TOKEN)

    monkeypatch.setattr("tagger.service.label_studio.pre_annotate", break_down)
    answer = client.post("/label-studio/predict", json=_predict(config, "民警巡逻。"))
    assert [p["result"] for p in answer.json()["results"]] == [[]]
    assert "tasks could not be pre-annotated: KeyError at test_label_studio_routes.py" in caplog.text
    assert TOKEN not in caplog.text


@pytest.mark.parametrize("tasks", [None, {}, "x", [1], ["x"], [None]])
def test_what_is_no_list_of_tasks_is_an_error(client: TestClient, tasks: Any) -> None:
    answer = client.post("/label-studio/predict", json={"tasks": tasks, "label_config": "<View/>"})
    assert (answer.status_code, answer.json()["error"]) == (422, "predict: no list of tasks in it.")


@pytest.mark.parametrize("path", ["setup", "predict", "webhook"])
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"3", b"\xff", b"[" * 100_000, TOKEN.encode()])
def test_a_body_that_is_no_object_is_an_error_that_quotes_nothing(
    client: TestClient, path: str, content: bytes
) -> None:
    answer = client.post(f"/label-studio/{path}", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert TOKEN not in answer.text


@pytest.mark.parametrize("type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_what_another_sites_form_could_send_is_not_heard(client: TestClient, type: str) -> None:
    content = json.dumps({"action": "START_TRAINING", "project": {"id": 3}}).encode()
    answer = client.post("/label-studio/webhook", content=content, headers={"Content-Type": type})
    assert answer.status_code == 415


@pytest.mark.parametrize(
    ("value", "number"),
    [("3.1700000000", 3), ("3", 3), (3, 3), ({"id": 3, "title": "x"}, 3), ({"id": "3"}, 3),
     (None, None), ("", None), ("x", None), ("-3", None), (-3, None), (True, None), ({"id": True}, None), ({}, None),
     ("3.1; rm", None), (3.0, None), ([3], None), ("9" * 30, None), ("３", None), ({"id": {"id": 3}}, None)],
)  # fmt: skip
def test_a_project_is_known_by_its_number(value: Any, number: int | None) -> None:
    assert project_number(value) == number


def test_training_is_asked_for_by_a_project_that_was_set_up(
    client_with: TestClient, retrainer: _Retrainer, config: str
) -> None:
    hint = {"action": "START_TRAINING", "project": {"id": 3, "title": "x"}}
    assert client_with.post("/label-studio/webhook", json=hint).json()["status"] == "ignored"
    client_with.post("/label-studio/setup", json=_setup(config))
    assert client_with.post("/label-studio/webhook", json=hint).json() == {"status": "started"}
    assert retrainer.asked == [3]


@pytest.mark.parametrize("action", ["ANNOTATION_CREATED", "PROJECT_UPDATED", "start_training", "", None, 7, ["x"]])
def test_other_events_are_heard_and_left(
    client_with: TestClient, retrainer: _Retrainer, config: str, action: Any
) -> None:
    client_with.post("/label-studio/setup", json=_setup(config))
    body = {"action": action, "project": {"id": 3}}
    assert client_with.post("/label-studio/webhook", json=body).json() == {"status": "ignored"}
    assert retrainer.asked == []


def test_without_retraining_the_asker_is_told(client: TestClient) -> None:
    answer = client.post("/label-studio/webhook", json={"action": "START_TRAINING", "project": {"id": 3}})
    assert answer.json() == {"status": "ignored", "reason": "this service does not retrain"}


@pytest.fixture
def client_with(workplace: Workplace, retrainer: _Retrainer, open_client: Callable[..., TestClient]) -> TestClient:
    """A client of a service that retrains."""
    return open_client(workplace)


@pytest.mark.parametrize(
    ("hostname", "is_used"),
    [
        ("http://localhost:8080", True), ("http://127.0.0.1", True), ("https://[::1]:8080", True),
        ("http://label-studio.example", False), ("http://localhost.evil.example", False),
        ("http://localhost@evil.example", False), ("file://localhost/etc", False), ("localhost:8080", False),
        ("http://[", False), ("", False), (None, False), (7, False),
    ],
)  # fmt: skip
def test_without_a_password_a_token_is_used_for_this_machine_only(
    client_with: TestClient, retrainer: _Retrainer, config: str, hostname: Any, is_used: bool
) -> None:
    client_with.post("/label-studio/setup", json=_setup(config, hostname=hostname))
    expected = {"LABEL_STUDIO_URL": hostname, "LABEL_STUDIO_API_KEY": TOKEN} if is_used else {}
    assert retrainer.introduced == {3: expected}


def test_with_a_password_a_token_is_used_where_it_leads(
    workplace: Workplace, retrainer: _Retrainer, open_client: Callable[..., TestClient], config: str
) -> None:
    from tagger.service.guards import Credentials

    client = open_client(workplace, credentials=Credentials("u", "p"))
    body = _setup(config, hostname="https://label-studio.example")
    assert client.post("/label-studio/setup", json=body).status_code == 401
    assert retrainer.introduced == {}
    client.post("/label-studio/setup", json=body, auth=("u", "p"))
    assert retrainer.introduced[3]["LABEL_STUDIO_URL"] == "https://label-studio.example"


@pytest.mark.parametrize("name", ["LABEL_STUDIO_URL", "LABEL_STUDIO_API_KEY"])
def test_the_operators_own_settings_are_never_mixed_with_what_is_handed_over(
    client_with: TestClient, retrainer: _Retrainer, config: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "the operator's")
    client_with.post("/label-studio/setup", json=_setup(config))
    assert retrainer.introduced == {3: {}}


@pytest.mark.parametrize("token", ["", None, 7, "a\0b"])
def test_a_token_that_is_none_is_not_used(
    client_with: TestClient, retrainer: _Retrainer, config: str, token: Any
) -> None:
    client_with.post("/label-studio/setup", json=_setup(config, access_token=token))
    assert retrainer.introduced == {3: {}}


def test_the_interface_of_the_labelling_room_is_understood(domains: Any) -> None:
    interface_xml = pytest.importorskip("tagger.labelling.interface").interface_xml
    interface = read_interface(interface_xml(domains), domains)
    assert interface.choices
    assert interface.none
    assert interface.spans
    assert interface.missing(domains) == []
    assert (interface.choices.from_name, interface.none.from_name, interface.spans.from_name) == (
        "domains", "none", "spans",
    )  # fmt: skip
    assert interface.choices.labels == {id: id for id in domains.ids}
