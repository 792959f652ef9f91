"""`tagger labels` as far as it goes without a server."""

from __future__ import annotations

from collections.abc import Callable

import pytest

pytest.importorskip("label_studio_sdk")

Call = Callable[..., tuple[int | str | None, str, str]]


@pytest.fixture(autouse=True)
def _no_server(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    for name in ("LABEL_STUDIO_URL", "LABEL_STUDIO_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TAGGER_LABELS_HOME", str(tmp_path_factory.mktemp("home")))


@pytest.mark.parametrize("args", [("init",), ("push", "a.txt"), ("pull",)])
def test_without_a_server_the_next_step_is_told(call: Call, args: tuple[str, ...]) -> None:
    code, out, err = call("labels", *args)
    assert (code, out) == (1, "")
    assert err.startswith("tagger: no Label Studio is known. Start one with tagger labels up")


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("init", "--rename", "patrol"), "--rename: found 'patrol', expected OLD=NEW."),
        (("init", "--split", "a=b"), "--split: found 'a=b', expected OLD=NEW,NEW."),
        (("init", "--annotators", "0"), "Invalid value for '--annotators'"),
        (("push",), "expected either FILE... or --pulled DIR."),
        (("push", "a.txt", "--pulled", "x"), "expected either FILE... or --pulled DIR."),
        (("pull", "--queue", "pulled/annotations.jsonl"), "--queue pulled/annotations.jsonl: is a file of the pull"),
        (("pull", "--url", "localhost"), "localhost: no token for it. Set LABEL_STUDIO_API_KEY."),
        (("pull", "--url", "localhost", "--api-key", "x"), "--url: found 'localhost', expected an address"),
    ],
)
def test_wrong_use_is_told_before_anything_is_asked(call: Call, args: tuple[str, ...], told: str) -> None:
    code, out, err = call("labels", *args)
    assert (code, out) == (2, "")
    assert err.startswith(f"tagger: {told}")


def test_down_without_a_server_is_no_error(call: Call) -> None:
    assert call("labels", "down") == (0, "", "it did not run\n")


def test_an_account_needs_a_local_server(call: Call) -> None:
    code, _, err = call("labels", "account", "wang@example.com")
    assert (code, "no local server was made" in err) == (1, True)
