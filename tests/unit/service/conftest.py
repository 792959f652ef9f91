"""A service on the lexicon model, asked within the process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

from tagger.models.storage import Model

if TYPE_CHECKING:
    from starlette.testclient import TestClient

    from tagger.service.workplace import Workplace

#: The extra [serve] brings what these tests are about.
collect_ignore_glob = ["test_*.py"] if find_spec("fastapi") is None or find_spec("httpx") is None else []

#: As `tagger.labelling` writes it, in short: ids as aliases, "none of them" in a control of its own.
CONFIG = """<View>
  <Header value="$title"/>
  <Text name="before" value="$before"/>
  <Labels name="spans" toName="text" choice="multiple">
    <Label value="交通管理" alias="traffic"/><Label value="巡逻防控" alias="patrol"/>
    <Label value="宣传" alias="propaganda"/>
  </Labels>
  <Text name="text" value="$text"/>
  <Choices name="domains" toName="text" choice="multiple">
    <Choice value="交通管理" alias="traffic"/><Choice value="巡逻防控" alias="patrol"/>
    <Choice value="宣传" alias="propaganda"/>
  </Choices>
  <Choices name="none" toName="text" choice="single"><Choice value="以上都不属于" alias="none"/></Choices>
</View>"""


@pytest.fixture
def config() -> str:
    """A labelling interface."""
    return CONFIG


@pytest.fixture
def workplace(lexicon: Model) -> Workplace:
    """A service without retraining."""
    from tagger.service.duty import Duty
    from tagger.service.workplace import Workplace

    return Workplace(Duty(lexicon))


@pytest.fixture
def open_client() -> Iterator[Callable[..., TestClient]]:
    """Opens clients of a workplace; options as those of `make_app`."""
    from contextlib import ExitStack

    from starlette.testclient import TestClient

    from tagger.service.app import make_app

    with ExitStack() as stack:

        def open(workplace: Workplace, **options: Any) -> TestClient:
            client = TestClient(make_app(workplace, **options), raise_server_exceptions=False)
            return stack.enter_context(client)

        yield open


@pytest.fixture
def client(workplace: Workplace, open_client: Callable[..., TestClient]) -> TestClient:
    """A client of that service."""
    return open_client(workplace)
