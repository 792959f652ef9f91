"""Which predictions annotators see after a push: those pushed, or what a connected model answers."""

from __future__ import annotations

from typing import Any

import pytest

from tagger.domains import DomainSet
from tagger.errors import LabellingError
from tagger.labelling.interface import interface_xml
from tagger.labelling.project import Project, connected_backends, hidden_by, show_version, shown_predictions
from tagger.tasks import choices


class _Server:
    """Answers the listing of ML backends; keeps what it is sent."""

    url = "http://127.0.0.1:8080"

    def __init__(self, backends: Any = ()) -> None:
        self._backends = backends
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.sent: list[tuple[Any, ...]] = []

    def get(self, path: str, **params: Any) -> Any:
        self.asked.append((path, params))
        return self._backends

    def send(self, *request: Any) -> None:
        self.sent.append(request)


def _project(shown: str | None, domains: DomainSet) -> Project:
    settings = {"model_version": shown, "show_collab_predictions": True, "label_config": interface_xml(domains)}
    return Project(7, "标注", settings)


def _task(version: str) -> dict[str, Any]:
    prediction = {"model_version": version, "score": 0.5, "result": [choices(["patrol"])]}
    return {"data": {"uid": "a:paragraph:0", "text": "民警巡逻。"}, "predictions": [prediction]}


def test_the_backends_of_the_project_are_asked_for() -> None:
    server = _Server([{"title": "tagger", "id": 1}, {"title": None, "id": 2}, {"title": "old", "id": 3}])
    assert connected_backends(server, Project(7, "标注", {})) == {"tagger", "old"}  # type: ignore[arg-type]
    assert server.asked == [("api/ml", {"project": 7})]


@pytest.mark.parametrize("answer", [{"detail": "x"}, [{"id": 1}], None, 3])
def test_a_listing_of_another_form_is_told(answer: Any) -> None:
    with pytest.raises(LabellingError, match="the listing of ML backends has another form"):
        connected_backends(_Server(answer), Project(7, "标注", {}))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("shown", "backends", "sends"),
    [
        ("tagger", {"tagger"}, False),
        ("tagger", set(), True),
        ("tfidf-1", {"tagger"}, True),
        ("bert-2", {"tagger"}, False),
        ("", {"tagger"}, True),
        (None, set(), True),
    ],
    ids=["asks a backend", "a version of that name", "an older version", "this version", "none", "never set"],
)
def test_a_push_leaves_a_selected_backend_alone(
    domains: DomainSet, shown: str | None, backends: set[str], sends: bool
) -> None:
    server = _Server()
    assert show_version(server, _project(shown, domains), "bert-2", backends=backends) is sends  # type: ignore[arg-type]
    assert server.sent == [("PATCH", "api/projects/7/", {"model_version": "bert-2"})] * sends


def test_a_selected_backend_hides_nothing_that_should_be_mended(domains: DomainSet) -> None:
    project = _project("tagger", domains)
    assert hidden_by(project, [_task("bert-2")], {"tagger"}) == []
    (told,) = hidden_by(project, [_task("bert-2")], {"another"})
    assert told == "the project shows predictions of 'tagger' alone, these are of 'bert-2'"


@pytest.mark.parametrize(
    ("shown", "versions", "backends", "told"),
    [
        ("old", {"bert-2"}, set(), "annotators see the predictions of 'bert-2'"),
        ("tagger", {"bert-2"}, {"tagger"},
         "annotators see what the connected model 'tagger' answers as a task is opened; "
         "the pushed predictions of 'bert-2' are kept beside it"),
        ("tagger", set(), {"tagger"}, "annotators see what the connected model 'tagger' answers as a task is opened"),
        ("old", {"bert-2"}, {"tagger"},
         "annotators see the predictions of 'bert-2'; the connected model 'tagger' is not asked until it is selected "
         "(Settings, Annotation)"),
        ("b", {"a", "b"}, set(), "annotators see the predictions of 'b' alone, of those of 'a', 'b'"),
        ("old", set(), set(), ""),
    ],
    ids=["pushed", "backend", "backend, none pushed", "backend not selected", "several", "none"],
)  # fmt: skip
def test_one_sentence_says_what_annotators_see(
    domains: DomainSet, shown: str, versions: set[str], backends: set[str], told: str
) -> None:
    assert shown_predictions(_project(shown, domains), versions, backends) == told


def test_where_pre_annotation_is_off_nothing_is_said_to_be_seen(domains: DomainSet) -> None:
    project = _project("tagger", domains)
    project.settings["show_collab_predictions"] = False
    assert shown_predictions(project, {"bert-2"}, {"tagger"}) == ""
