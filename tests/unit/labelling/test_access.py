"""Where the server and its token come from, and who may read it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tagger.errors import LabellingError, UsageError
from tagger.labelling.access import Access, checked_url, find_access, read_access_file, write_access_file

_TOKEN = "canary-0123456789"


@pytest.fixture
def local(tmp_path: Path) -> dict[str, str]:
    write_access_file(tmp_path, {"url": "http://127.0.0.1:8080", "token": _TOKEN})
    return {"TAGGER_LABELS_HOME": str(tmp_path)}


def test_options_win_over_the_environment_and_that_over_the_local_server(local: dict[str, str]) -> None:
    named = {**local, "LABEL_STUDIO_URL": "http://b/", "LABEL_STUDIO_API_KEY": "two"}
    assert find_access("http://a", "one", named) == Access("http://a", "one")
    assert find_access(None, None, named) == Access("http://b", "two")
    assert find_access(None, None, local) == Access("http://127.0.0.1:8080", _TOKEN)


def test_the_local_token_is_not_sent_elsewhere(local: dict[str, str]) -> None:
    assert find_access("http://127.0.0.1:8080/", None, local).token == _TOKEN
    with pytest.raises(UsageError, match="no token for it"):
        find_access("http://elsewhere", None, local)


def test_nothing_known_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(LabellingError, match="tagger labels up"):
        find_access(None, None, {"TAGGER_LABELS_HOME": str(tmp_path)})


def test_a_local_server_that_never_started_is_none(tmp_path: Path) -> None:
    """As an `up` leaves it that was cut off between making the database and starting the server."""
    environment = {"TAGGER_LABELS_HOME": str(tmp_path)}
    write_access_file(tmp_path, {"url": "", "token": _TOKEN})
    with pytest.raises(LabellingError, match=r"no Label Studio is known.*tagger labels up"):
        find_access(None, None, environment)
    with pytest.raises(UsageError, match="no token for it"):
        find_access("http://elsewhere", None, environment)
    assert find_access("http://elsewhere", "one", environment) == Access("http://elsewhere", "one")


@pytest.mark.parametrize("url", ["localhost:8080", "ftp://a", "", "http://"])
def test_an_address_is_an_http_address(url: str) -> None:
    with pytest.raises(UsageError, match="expected an address"):
        checked_url(url)


def test_an_address_holds_no_password() -> None:
    with pytest.raises(UsageError, match="user name or password") as error:
        checked_url("http://me:secret@host")
    assert "secret" not in str(error.value)


def test_only_the_owner_can_read_the_file(tmp_path: Path) -> None:
    path = write_access_file(tmp_path, {"url": "http://a", "token": _TOKEN})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["access.json"]
    path.chmod(0o644)
    with pytest.raises(LabellingError, match="others can read the token") as error:
        read_access_file(tmp_path)
    assert _TOKEN not in str(error.value)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"url": 1'])
def test_a_damaged_file_is_told_without_its_content(tmp_path: Path, text: str) -> None:
    write_access_file(tmp_path, {"url": "http://a", "token": _TOKEN}).write_text(text, encoding="utf-8")
    with pytest.raises(LabellingError, match="not an access file"):
        read_access_file(tmp_path)


def test_the_token_is_in_no_representation() -> None:
    assert _TOKEN not in f"{Access('http://a', _TOKEN)!r}{Access('http://a', _TOKEN)}"


@pytest.mark.parametrize("token", ["canary-1\ncanary-2", "canary 1", "令牌canary", "canary\x00", " \n"])
def test_what_is_no_token_is_told_and_not_quoted(token: str) -> None:
    with pytest.raises(UsageError, match="LABEL_STUDIO_API_KEY or --api-key: found spaces, line ends") as told:
        find_access("http://a", token, {})
    assert "canary" not in str(told.value)


def test_the_line_end_of_a_file_does_not_matter() -> None:
    assert find_access("http://a", "canary-1\n", {}) == Access("http://a", "canary-1")
