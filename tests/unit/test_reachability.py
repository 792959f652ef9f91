"""Where a connection goes, and what forbids it."""

from __future__ import annotations

import pytest

from tagger.reachability import first_hop, is_offline


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxies of the machine's own."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.mark.parametrize(("scheme", "address", "expected"), [
    ("https", "huggingface.co", ("huggingface.co", 443)), ("http", "hub.local", ("hub.local", 80)),
    ("http", "hub.local:8080", ("hub.local", 8080)), ("https", "[::1]:8443", ("::1", 8443)),
])  # fmt: skip
def test_the_port_is_the_one_of_the_scheme(scheme: str, address: str, expected: tuple[str, int]) -> None:
    assert first_hop(scheme, address) == expected


def test_a_proxy_stands_before_the_hub_unless_it_is_passed_by(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://someone:secret@proxy.local:3128")
    assert first_hop("https", "huggingface.co") == ("proxy.local", 3128)
    monkeypatch.setenv("NO_PROXY", "huggingface.co")
    assert first_hop("https", "huggingface.co") == ("huggingface.co", 443)


@pytest.mark.parametrize(("value", "expected"), [("1", True), ("true", True), ("0", False), ("", False)])
def test_the_network_is_forbidden_in_the_spellings_of_the_libraries(
    value: str, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", value)
    monkeypatch.delenv("TRANSFORMERS_OFFLINE", raising=False)
    assert is_offline("TRANSFORMERS_OFFLINE", "HF_HUB_OFFLINE") is expected
    assert is_offline("TRANSFORMERS_OFFLINE") is False
