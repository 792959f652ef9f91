"""The project in Label Studio: found by its title, made, brought up to date, and checked before a push."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tagger.domains import DomainSet
from tagger.errors import ConnectionLostError, InputError, LabellingError
from tagger.labelling.client import LabelStudioServer
from tagger.labelling.interface import domain_ids, interface_xml, offered

#: The title of the project unless another is asked for.
TITLE = "公安通报领域标注"
#: Projects that an error names.
_MAX_NAMED = 5


@dataclass(frozen=True)
class Project:
    """A project as the server has it.

    Attributes
    ----------
    id : int
    title : str
    settings : dict
        All that the server says of it.
    """

    id: int
    title: str
    settings: dict[str, Any]

    @property
    def interface(self) -> str:
        """The labelling interface, XML."""
        return str(self.settings.get("label_config") or "")


def find_project(server: LabelStudioServer, name: str) -> Project | None:
    """The project of a title or number, or None.

    Raises
    ------
    LabellingError
        Several have the title.
    """
    found = [p for p in _projects(server) if name in (p["title"], str(p["id"]))]
    exact = [p for p in found if str(p["id"]) == name] or found
    if len(exact) > 1:
        numbers = ", ".join(str(p["id"]) for p in exact)
        raise LabellingError(
            f"{len(exact)} projects are called {name!r}",
            where=server.url,
            hint=f"Pass --project with one of {numbers}.",
        )
    return Project(exact[0]["id"], exact[0]["title"], server.get(f"api/projects/{exact[0]['id']}/")) if exact else None


def need_project(server: LabelStudioServer, name: str) -> Project:
    """The project of a title or number; a `LabellingError` where there is none."""
    project = find_project(server, name)
    if project is None:
        raise LabellingError(f"no project {name!r}", where=server.url, hint=_there_is(_projects(server)))
    return project


def _there_is(projects: Sequence[Mapping[str, Any]]) -> str:
    """What to do when a project is not there: the ones that are, the newest of many."""
    if not projects:
        return "There is none yet: make it with tagger labels init."
    named = ", ".join(f"{p['id']} {p['title']!r}" for p in projects[-_MAX_NAMED:])
    more = "" if len(projects) <= _MAX_NAMED else f" (the newest of {len(projects)})"
    return f"There are{more}: {named}. A new one is made by tagger labels init."


def _projects(server: LabelStudioServer) -> list[dict[str, Any]]:
    pages = server.pages("api/projects/", include="id,title,created_at", page_size=100)
    return sorted((p for page in pages for p in page["results"]), key=lambda p: p["id"])


def wanted_settings(domains: DomainSet, guideline: Path, *, n_annotators: int | None = None) -> dict[str, Any]:
    """What `init` sets, by the names of the server's fields.

    Parameters
    ----------
    domains : DomainSet
    guideline : Path
    n_annotators : int, optional
        How many people each task is given to before it counts as done, at least 1. Without it
        nothing is said of it: a new project gets the server's own 1, another keeps what it has.
    """
    settings: dict[str, Any] = {
        "label_config": interface_xml(domains),
        "expert_instruction": guideline_html(guideline),
        "show_instruction": True,
        "show_collab_predictions": True,
        "enable_empty_annotation": False,
        "show_skip_button": True,
    }
    if n_annotators is not None:  # of all tasks: a part of them is the server's cohort
        settings |= {"maximum_annotations": n_annotators, "overlap_cohort_percentage": 100}
    return settings


def create_project(server: LabelStudioServer, title: str, settings: Mapping[str, Any]) -> Project:
    """Make a project; if the connection breaks or the request arrives twice, there is one all the same."""
    try:
        server.send("POST", "api/projects/", {"title": title, **settings})
    except ConnectionLostError:
        if not [p for p in _projects(server) if p["title"] == title]:
            raise
    first, *others = [p for p in _projects(server) if p["title"] == title]
    for other in others:
        if not server.get(f"api/projects/{other['id']}/").get("task_number"):
            server.send("DELETE", f"api/projects/{other['id']}/")
    return need_project(server, str(first["id"]))


def differing(project: Project, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that the server has otherwise."""
    return {key: value for key, value in settings.items() if _plain(project.settings.get(key)) != _plain(value)}


def _plain(value: Any) -> Any:
    """The server trims what it stores."""
    return " ".join(value.split()) if isinstance(value, str) else value


def update_project(server: LabelStudioServer, project: Project, settings: Mapping[str, Any]) -> Project:
    """Change settings; the project as it is then."""
    server.send("PATCH", f"api/projects/{project.id}/", dict(settings))
    return need_project(server, str(project.id))


def guideline_html(path: Path) -> str:
    """The annotators' rules as HTML for the project's instructions.

    Raises
    ------
    InputError
        The file cannot be read.
    """
    from markdown_it import MarkdownIt

    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read ({error})", where=path) from None
    return MarkdownIt("commonmark", {"html": False}).enable("table").render(text)


def connected_backends(server: LabelStudioServer, project: Project) -> frozenset[str]:
    """The titles of the project's ML backends.

    Where a project's ``model_version`` is such a title, the server asks the backend as a task is
    opened; any other value is a version of stored predictions, and the backend is never asked.
    """
    found = server.get("api/ml", project=project.id)
    try:
        return frozenset(str(backend["title"]) for backend in found if backend["title"])
    except (KeyError, TypeError) as error:
        raise LabellingError(f"the listing of ML backends has another form ({error!r})", where=server.url) from None


def hidden_by(
    project: Project, tasks: Iterable[Mapping[str, Any]], backends: Collection[str] = frozenset()
) -> list[str]:
    """What would keep annotators from seeing the tasks' predictions, in words; nothing when all is well.

    Label Studio stores any prediction and shows only those that fit, so this is asked before
    a push and not found out by annotators.

    Parameters
    ----------
    project : Project
    tasks : iterable of mapping
        Import tasks.
    backends : collection of str
        Titles of connected ML backends (`connected_backends`): that one of them is chosen is a
        person's choice, and nothing to mend.
    """
    reasons = list(_hiding_settings(project.settings))
    controls = offered(project.interface)
    unknown: dict[str, str] = {}
    versions = set()
    for task in tasks:
        for prediction in task["predictions"]:
            versions.add(str(prediction["model_version"]))
            for problem in misfits(prediction["result"], controls, task["data"]["text"]):
                unknown.setdefault(problem, task["data"]["uid"])
    reasons += [f"{problem} (first in {uid})" for problem, uid in unknown.items()]
    shown = project.settings.get("model_version") or ""
    if versions and shown and shown not in versions and shown not in backends:
        reasons.append(
            f"the project shows predictions of {shown!r} alone, these are of {', '.join(sorted(versions))!r}"
        )
    return reasons


def _hiding_settings(settings: Mapping[str, Any]) -> Iterable[str]:
    if not settings.get("show_collab_predictions", True):
        yield "predictions are switched off in the project (Settings, Annotation, Use predictions to prelabel tasks)"


def misfits(result: Sequence[Mapping[str, Any]], controls: Mapping[str, set[str]], text: str) -> Iterable[str]:
    """What of a prediction's result the interface cannot show; the server itself accepts anything."""
    for region in result:
        name, value = region["from_name"], region["value"]
        if name not in controls:
            yield f"the interface has no control {name!r}"
            continue
        values = value.get(region["type"], [])
        for one in sorted(set(values) - controls[name]):
            yield f"the interface offers no {one!r} in {name!r}"
        if "start" in value and text[value["start"] : value["end"]] != value["text"]:
            yield f"a marked passage is not at {value['start']}–{value['end']} of its text"


def without_misfits(project: Project, tasks: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The tasks without predictions that the interface cannot show: the server drops some of them without a word."""
    controls = offered(project.interface)
    return [
        {
            **task,
            "predictions": [
                p for p in task["predictions"] if not list(misfits(p["result"], controls, task["data"]["text"]))
            ],
        }
        for task in tasks
    ]


def show_version(
    server: LabelStudioServer, project: Project, model_version: str, *, backends: Collection[str] = frozenset()
) -> bool:
    """Let annotators see the predictions of one version, unless the project asks a backend; whether that was a change.

    Parameters
    ----------
    server : LabelStudioServer
    project : Project
    model_version : str
    backends : collection of str
        Titles of connected ML backends: where one is chosen, it stays so.
    """
    if project.settings.get("model_version") in {model_version, *backends}:
        return False
    server.send("PATCH", f"api/projects/{project.id}/", {"model_version": model_version})
    return True


def shown_predictions(project: Project, versions: Collection[str], backends: Collection[str]) -> str:
    """Which predictions annotators see after a push, in one sentence; "" where there is nothing to say.

    Parameters
    ----------
    project : Project
        As it was before `show_version`.
    versions : collection of str
        Of the predictions that were pushed.
    backends : collection of str
        Titles of connected ML backends.
    """
    chosen = str(project.settings.get("model_version") or "")
    if list(_hiding_settings(project.settings)):
        return ""  # `hidden_by` has said so
    if chosen in backends:
        kept = f"; the pushed predictions of {_quoted(versions)} are kept beside it" if versions else ""
        return f"annotators see what the connected model {chosen!r} answers as a task is opened{kept}"
    if len(versions) != 1:
        several = f"annotators see the predictions of {chosen!r} alone, of those of {_quoted(versions)}"
        return several if versions and chosen else ""
    unasked = f"; the connected model {_quoted(backends)} is not asked until it is selected (Settings, Annotation)"
    return f"annotators see the predictions of {_quoted(versions)}{unasked if backends else ''}"


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(map(repr, sorted(names)))


def interface_domains(project: Project) -> tuple[str, ...]:
    """The ids of the domains that annotators choose from."""
    return domain_ids(project.interface)
