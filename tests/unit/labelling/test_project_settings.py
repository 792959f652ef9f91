"""What `init` asks of a project: how many people each task is given to, and what it leaves alone."""

from __future__ import annotations

from typing import Any

from tagger.domains import DomainSet
from tagger.labelling.project import Project, differing, wanted_settings
from tagger.project import project_path

_GUIDELINE = project_path("labels/guideline.md")
_OVERLAP = {"maximum_annotations", "overlap_cohort_percentage"}


def _project(settings: dict[str, Any], **more: Any) -> Project:
    return Project(1, "标注", {**settings, **more})


def test_without_a_number_of_annotators_the_project_keeps_its_own(domains: DomainSet) -> None:
    settings = wanted_settings(domains, _GUIDELINE)
    assert not _OVERLAP & settings.keys()
    assert differing(_project(settings, maximum_annotations=3, overlap_cohort_percentage=50), settings) == {}


def test_a_number_of_annotators_holds_for_every_task(domains: DomainSet) -> None:
    settings = wanted_settings(domains, _GUIDELINE, n_annotators=2)
    asked = {name: settings[name] for name in _OVERLAP}
    assert asked == {"maximum_annotations": 2, "overlap_cohort_percentage": 100}
    as_the_server_makes_it = _project(settings, maximum_annotations=1, overlap_cohort_percentage=100)
    assert differing(as_the_server_makes_it, settings) == {"maximum_annotations": 2}
    assert differing(_project(settings, overlap_cohort_percentage=50), settings) == {"overlap_cohort_percentage": 100}
