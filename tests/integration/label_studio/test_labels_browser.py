"""An annotator's browser: what is pre-annotated is ticked, keys work, and the pull sees that a person changed it.

Needs Chromium (`CHROMIUM`, else /usr/bin/chromium) and playwright; `SCREENSHOTS` names a folder that
keeps the pictures for the annotators' page.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tagger.domains import load_domains
from tagger.labelling.inventory import list_tasks
from tagger.labelling.project import TITLE, create_project, show_version, wanted_settings
from tagger.labelling.pull import pull
from tagger.labelling.push import push
from tagger.labelling.review_push import ServerReviewClient
from tagger.labelling.review_queue import ReviewTask, make_queue, push_queue
from tagger.project import project_path
from tagger.tasks import choices, span

pytestmark = pytest.mark.timeout(900)
_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--lang=zh-CN",
]  # fmt: skip
#: A text as it is drawn. Without a font for it, one box is like another.
_DRAWN = """text => {
    const canvas = document.createElement("canvas"), pen = canvas.getContext("2d");
    canvas.width = canvas.height = 40;
    pen.font = "32px sans-serif";
    pen.fillText(text, 2, 34);
    return canvas.toDataURL();
}"""
_NUMBERS = count(1)
_WAIT = 120_000  # ms; the first page of a cold server takes long on a busy machine


@pytest.fixture(scope="module")
def page(running: Any) -> Iterator[Any]:
    """A browser window in which the lead has logged in."""
    chromium = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
    if not chromium.exists() or find_spec("playwright") is None:
        reason = "there is no Chromium (CHROMIUM), or playwright is not installed"
        if os.environ.get("REQUIRE_LABEL_STUDIO") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(chromium), headless=True, args=_FLAGS)
        window = browser.new_page(viewport={"width": 1280, "height": 960}, locale="zh-CN")
        window.set_default_timeout(_WAIT)
        window.goto(f"{running.url}/user/login/", wait_until="domcontentloaded")
        window.fill("input[name=email]", running.account)
        window.fill("input[name=password]", running.password)
        window.locator("form [type=submit]").first.click(no_wait_after=True)
        window.wait_for_url(lambda url: "/user/login" not in url, wait_until="commit")
        yield window
        browser.close()


@pytest.fixture
def shipped_project(running: Any, make_tasks: Any) -> Any:
    """A project with the six domains and a bulletin of three paragraphs; the second is pre-annotated with patrol."""
    domains = load_domains(project_path("labels/domains.yaml"))
    settings = wanted_settings(domains, project_path("labels/guideline.md"))
    made = create_project(running.lead, f"{TITLE} {next(_NUMBERS)}", settings)  # it is in the pictures
    rows = (
        "云溪县公安局“五个到位”守护夏夜平安",
        "二、街面防控到位。每晚七点至次日凌晨一点，巡特警、派出所和“红袖标”力量混编巡逻，民警同时向夜市商户发放防骗宣传单。",
        "局党委召开会议，学习上级文件精神。",
    )
    tasks = make_tasks({"云溪": rows})
    text = tasks[1]["data"]["text"]
    end = text.index("巡逻") + 2
    said = [choices(["patrol"]), span(9, end, text[9:end], ["patrol"])]
    tasks[1]["predictions"][0].update(result=said, score=0.31)
    tasks[0]["predictions"] = []
    push(running.lead, made.id, tasks)
    show_version(running.lead, made, tasks[1]["predictions"][0]["model_version"])
    return made, domains


def _open(window: Any, running: Any, project: Any, index: int) -> int:
    task = next(t for t in list_tasks(running.lead, project.id) if t.data["index"] == index)
    window.goto(f"{running.url}/projects/{project.id}/data?task={task.id}", wait_until="domcontentloaded")
    window.get_by_test_id("bottombar-submit-button").wait_for()
    return task.id


def _is_ticked(window: Any, name: str) -> bool:
    return bool(window.locator(".domains label", has_text=name).locator("input").is_checked())


def _submit(window: Any) -> dict[str, Any]:
    with window.expect_response(lambda r: "/annotations" in r.url and r.request.method == "POST") as answer:
        window.get_by_test_id("bottombar-submit-button").click()
    assert answer.value.status == 201
    return dict(answer.value.json())


def _keep(window: Any, name: str) -> None:
    if folder := os.environ.get("SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        window.screenshot(path=f"{folder}/{name}.png")


def test_the_browser_draws_chinese(page: Any) -> None:
    drawn = [page.evaluate(_DRAWN, letter) for letter in ("警", "犬", "\ue123", "\ue124")]
    assert drawn[2] == drawn[3], "nobody has letters for private use: these should be boxes"
    assert len(set(drawn)) == 3, "there is no Chinese font; on Debian install fonts-wqy-zenhei"


def test_the_pre_annotation_is_ticked_a_key_changes_it_and_the_pull_sees_it(
    page: Any, running: Any, shipped_project: Any, tmp_path: Path
) -> None:
    project, domains = shipped_project
    _open(page, running, project, 1)
    assert page.get_by_text("向夜市商户发放防骗宣传单").first.is_visible()
    assert (_is_ticked(page, "巡逻防控"), _is_ticked(page, "宣传")) == (True, False)
    _keep(page, "pre-annotated")
    page.keyboard.press("6")
    page.keyboard.press("2")
    assert (_is_ticked(page, "宣传"), _is_ticked(page, "反诈")) == (True, True)
    _keep(page, "changed")
    _submit(page)
    pulled, _ = pull(running.lead, project, tmp_path / "pulled", domains)
    (row,) = pulled.annotations
    assert row["domains"] == ["anti_fraud", "patrol", "propaganda"]
    assert (row["origin"], row["status"], row["annotator"]) == ("prediction-changed", "labelled", running.account)
    assert row["lead_time"] > 0


def test_an_accepted_pre_annotation_of_none_of_them_is_a_label(
    page: Any, running: Any, shipped_project: Any, tmp_path: Path
) -> None:
    project, domains = shipped_project
    _open(page, running, project, 2)
    page.get_by_text("以上都不属于").first.wait_for()
    _keep(page, "none")
    _submit(page)
    pulled, _ = pull(running.lead, project, tmp_path / "pulled", domains)
    (row,) = pulled.annotations
    assert (row["domains"], row["explicit"], row["origin"]) == ([], True, "prediction")


def test_a_domain_takes_the_place_of_none_of_them(
    page: Any, running: Any, shipped_project: Any, tmp_path: Path
) -> None:
    project, domains = shipped_project
    _open(page, running, project, 2)
    page.get_by_text("以上都不属于").first.wait_for()
    page.keyboard.press("4")
    _submit(page)
    pulled, _ = pull(running.lead, project, tmp_path / "pulled", domains)
    (row,) = pulled.annotations
    assert (row["domains"], row["origin"]) == (["patrol"], "prediction-changed")


def test_the_tab_of_a_review_queue_opens_and_shows_the_notes(page: Any, running: Any, shipped_project: Any) -> None:
    """A tab with an operator that the page does not know leaves the whole project's page empty, for everybody."""
    project, _ = shipped_project
    task = next(t for t in list_tasks(running.lead, project.id) if t.data["index"] == 1)
    opinions = (("opinion of li", ("patrol",)), ("opinion of wang", ("patrol", "propaganda")))
    queue = make_queue("待复核", [ReviewTask(task.uid, 1.0, "两人意见不同：宣传", opinions)])
    push_queue(ServerReviewClient(running.lead, project.id), queue)
    views = {v["data"]["title"]: v["id"] for v in running.lead.get("api/dm/views/", project=project.id)}
    page.goto(f"{running.url}/projects/{project.id}/data?tab={views['待复核']}", wait_until="domcontentloaded")
    page.get_by_text("两人意见不同：宣传").first.wait_for()
    assert page.get_by_text("Tasks: 1 / 3").is_visible()
    assert page.get_by_text("Default").first.is_visible()
    _keep(page, "review")


def test_nothing_ticked_is_not_accepted(page: Any, running: Any, shipped_project: Any, tmp_path: Path) -> None:
    project, domains = shipped_project
    _open(page, running, project, 0)
    page.get_by_text("以上都不属于").first.wait_for()
    button = page.get_by_test_id("bottombar-submit-button")
    assert button.is_disabled()
    page.keyboard.press("0")
    _submit(page)
    pulled, _ = pull(running.lead, project, tmp_path / "pulled", domains)
    (row,) = pulled.annotations
    assert (row["domains"], row["explicit"], row["origin"]) == ([], True, "manual")
