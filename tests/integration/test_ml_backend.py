"""The service as a process of its own, asked over HTTP: contract, secrets, stop, and a change of model under load."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(
    find_spec("fastapi") is None and os.environ.get("REQUIRE_LABEL_STUDIO") != "1",
    reason="the extra [serve] is not installed",
)

TOKEN = "canary0123456789abcdef0123456789abcdef01"
CONFIG = (
    '<View><Text name="text" value="$text"/><Choices name="domains" toName="text" choice="multiple">'
    '<Choice value="traffic"/><Choice value="patrol"/><Choice value="propaganda"/></Choices></View>'
)
TEXTS = ("民警巡逻。", "查处酒驾，佩戴头盔。", "发放宣传单。", "召开会议。")


class Service:
    """A running process and its address."""

    def __init__(self, process: subprocess.Popen[bytes], address: str, log: Path) -> None:
        self.process, self.address, self.log = process, address, log

    def ask(self, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Status and JSON of an answer."""
        data = None if body is None else json.dumps(body).encode()
        kinds = {"Content-Type": "application/json", **headers}
        try:
            with urllib.request.urlopen(urllib.request.Request(self.address + path, data, kinds), timeout=60) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def stop(self, sign: int = signal.SIGTERM) -> int:
        self.process.send_signal(sign)
        return self.process.wait(30)

    @property
    def said(self) -> str:
        return self.log.read_text(encoding="utf-8")


Start = Callable[..., Service]


@pytest.fixture
def start(tmp_path: Path, environment: dict[str, str]) -> Iterator[Start]:
    """Starts services; what is left of them is killed."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(command: list[object], address: Callable[[], str], **variables: str) -> Service:
        log = tmp_path / f"service-{len(started)}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, *map(str, command)], stdout=file, stderr=file, cwd=tmp_path,
                env={**environment, **variables},
            )  # fmt: skip
        started.append(process)
        end = time.monotonic() + 120
        while True:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            try:
                with urllib.request.urlopen(address() + "/health", timeout=5):
                    return Service(process, address(), log)
            except (OSError, ValueError):
                time.sleep(0.1)

    yield begin
    for process in started:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


@pytest.fixture
def serve(start: Start, lexicon_folder: Path) -> Start:
    """Starts ``tagger serve``."""

    def begin(*options: object, **variables: str) -> Service:
        port = _free_port()
        command = ["-m", "tagger", "serve", "--port", port, "--model", lexicon_folder, *options]
        return start(command, lambda: f"http://127.0.0.1:{port}", **variables)

    return begin


def _predict(n: int = 1) -> dict[str, Any]:
    tasks = [{"id": i, "data": {"text": text}} for i, text in enumerate(TEXTS * n)]
    return {"tasks": tasks, "project": "3.1700000000", "label_config": CONFIG,
            "params": {"login": "x", "password": TOKEN, "context": None}}  # fmt: skip


def _setup() -> dict[str, Any]:
    return {"project": "3.1700000000", "schema": CONFIG, "hostname": "http://127.0.0.1:1", "access_token": TOKEN,
            "extra_params": {"key": TOKEN}}  # fmt: skip


def test_the_contract_and_that_no_secret_is_kept(serve: Start, tmp_path: Path) -> None:
    (tmp_path / "password.txt").write_text(f"annotator:{TOKEN}\n")
    (tmp_path / "password.txt").chmod(0o600)
    service = serve("--basic-auth", "password.txt", LABEL_STUDIO_API_KEY=TOKEN)
    basic = "Basic " + base64.b64encode(f"annotator:{TOKEN}".encode()).decode()
    answers = [
        service.ask("/label-studio/health", Authorization=basic),
        service.ask("/label-studio/setup", _setup(), Authorization=basic),
        service.ask("/label-studio/predict", _predict(), Authorization=basic),
        service.ask("/label-studio/versions", Authorization=basic),
        service.ask("/label-studio/webhook", {"action": "START_TRAINING", "project": {"id": 3}, "token": TOKEN}),
        service.ask("/label-studio/setup", _setup()),
        service.ask("/label-studio/setup", _setup(), Authorization=f"Token {TOKEN}"),
        service.ask("/label-studio/setup", [TOKEN], Authorization=basic),
        service.ask("/label-studio/predict", {"tasks": TOKEN}, Authorization=basic),
        service.ask("/predict", {"text": "民警巡逻。", TOKEN[:3]: TOKEN}, Authorization=basic),
        service.ask(f"/nowhere?token={TOKEN}", {TOKEN: TOKEN}, Authorization=basic),
    ]
    assert [status for status, _ in answers] == [200, 200, 200, 200, 200, 401, 401, 422, 422, 400, 404]
    version = answers[1][1]["model_version"]
    results = answers[2][1]["results"]
    assert [[r["value"]["choices"] for r in result["result"]] for result in results] == [
        [["patrol"]], [["traffic"]], [["propaganda"]], [],
    ]  # fmt: skip
    assert {result["model_version"] for result in results} == {version}
    assert answers[3][1]["versions"] == [version]
    assert TOKEN not in json.dumps(answers)
    assert service.stop() == 0
    assert "serving words-" in service.said
    assert "Traceback" not in service.said
    assert TOKEN not in service.said


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_ends_it_well(serve: Start, sign: int) -> None:
    service = serve()
    assert service.stop(sign) == 0
    assert service.said.splitlines()[-1] == "stopped"


def test_documents_are_opened_in_their_own_process(serve: Start, docx: bytes, zip_bomb: bytes) -> None:
    service = serve()

    def send(name: str, data: bytes) -> tuple[int, Any]:
        head = f'--b\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode()
        request = urllib.request.Request(
            service.address + "/predict/file", head + data + b"\r\n--b--\r\n",
            {"Content-Type": "multipart/form-data; boundary=b"},
        )  # fmt: skip
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    status, tagged = send("a.docx", docx)
    assert (status, list(tagged["domains"])) == (200, ["patrol", "propaganda"])
    assert send("b.docx", zip_bomb)[0] == 413
    assert send("c.docx", docx)[0] == 200


@pytest.mark.parametrize(
    ("options", "variables", "code", "message"),
    [
        (
            ["--basic-auth", "nowhere"],
            {},
            2,
            "tagger: --basic-auth nowhere: cannot be read (No such file or directory).",
        ),
        ([], {"TAGGER_BASIC_AUTH": "canary"}, 2, "tagger: TAGGER_BASIC_AUTH: found something else, expected one line "),
        (["--host", "203.0.113.7"], {}, 2, "tagger: 203.0.113.7:9: cannot listen ("),
        (["--host", "no such host"], {}, 2, "tagger: no such host:9: cannot listen ("),
        (["--model", "nowhere"], {}, 1, "tagger: nowhere: no such model."),
        (["--train", "model=tfidf"], {}, 2, "tagger: --train: needs --models DIR, where retrained models go."),
    ],
)
def test_what_cannot_be_served_is_told_in_one_line(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], lexicon_folder: Path,
    options: list[str], variables: dict[str, str], code: int, message: str,
) -> None:  # fmt: skip
    for name, value in variables.items():
        monkeypatch.setitem(environment, name, value)
    port = [] if options[:1] == ["--model"] else ["--model", lexicon_folder]
    done = run("serve", "--port", 0 if options[:1] == ["--model"] else 9, *port, *options)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith(message)
    assert done.stderr.count("\n") == 1
    assert "canary" not in done.stderr


def test_a_port_that_is_taken_is_told(run: Callable[..., Any], lexicon_folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = run("serve", "--port", taken.getsockname()[1], "--model", lexicon_folder)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "cannot listen (Address already in use). Choose another --port." in done.stderr


@pytest.fixture
def examples_file(tmp_path: Path, corpus_folder: Path) -> Path:
    """The small corpus as pulled examples."""
    rows = []
    for path in sorted(corpus_folder.glob("*.txt")):
        for line in path.read_text(encoding="utf-8").splitlines():
            text, tab, rest = line.partition("\t")
            if tab:
                labels = rest.split("\t")[0]
                domains = [] if labels == "-" else labels.split(",")
                rows.append({"bulletin": path.stem, "text": text, "domains": domains})
    path = tmp_path / "examples.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def retraining_service(
    start: Start, tmp_path: Path, lexicon_folder: Path, examples_file: Path
) -> Callable[[], Service]:
    """Starts a service that retrains on `examples_file`; again for a restart."""
    domains = tmp_path / "domains.yaml"
    rows = "".join(f"  - {{id: {id}, zh: {id}}}\n" for id in ("traffic", "patrol", "propaganda"))
    domains.write_text(f"version: 1\ndomains:\n{rows}", encoding="utf-8")
    (tmp_path / "served").mkdir()
    script = Path(__file__).with_name("ml_backend_process.py")

    def begin() -> Service:
        port = tmp_path / "port"
        port.unlink(missing_ok=True)
        command = [script, port, lexicon_folder, tmp_path / "served", examples_file, domains]
        return start(
            command,
            lambda: f"http://127.0.0.1:{int(port.read_text())}",
            LABEL_STUDIO_API_KEY=TOKEN,
            OMP_NUM_THREADS="1",
        )

    return begin


def _wait_for_training(service: Service) -> dict[str, Any]:
    end = time.monotonic() + 200
    while time.monotonic() < end:
        retraining = service.ask("/version")[1]["retraining"]
        if retraining["last"] and not retraining["running"]:
            return retraining["last"]
        time.sleep(0.2)
    raise AssertionError(service.said)


def test_predictions_go_on_whole_and_of_one_version_while_a_model_is_trained_and_changed(
    retraining_service: Callable[[], Service], tmp_path: Path
) -> None:
    service = retraining_service()
    old = service.ask("/label-studio/setup", _setup())[1]["model_version"]
    answers: list[tuple[float, list[dict[str, Any]]]] = []
    is_over = threading.Event()

    def annotate() -> None:
        while not is_over.is_set():
            started = time.monotonic()
            status, answer = service.ask("/label-studio/predict", _predict(3))
            assert status == 200
            answers.append((time.monotonic() - started, answer["results"]))
            time.sleep(0.2)  # or the training, at its low priority, would never get its turn

    threads = [threading.Thread(target=annotate) for _ in range(4)]
    for thread in threads:
        thread.start()
    hint = {"action": "START_TRAINING", "project": {"id": 3}}
    assert service.ask("/label-studio/webhook", hint)[1] == {"status": "started"}
    assert service.ask("/label-studio/webhook", hint)[1] == {"status": "remembered"}
    try:
        _wait_for_training(service)
        while len(answers) < 20 or answers[-1][1][0]["model_version"] == old:
            time.sleep(0.1)
            assert service.process.poll() is None
    finally:
        is_over.set()
        for thread in threads:
            thread.join()
    last = _wait_for_training(service)
    assert last["outcome"] in ("done", "unchanged"), last
    assert (last["number"], last["project"]) in ((1, 3), (2, 3))
    new = service.ask("/label-studio/setup", _setup())[1]["model_version"]
    assert old.startswith("words-")
    assert new.startswith("v0001-")
    by_version: dict[str, set[str]] = {}
    for _, results in answers:
        versions = {result["model_version"] for result in results}
        assert len(results) == 12
        assert len(versions) == 1
        tags = json.dumps([result["result"] for result in results])
        by_version.setdefault(versions.pop(), set()).add(tags)
    assert by_version.keys() == {old, new}
    assert all(len(tags) == 1 for tags in by_version.values())  # the same tasks, the same tags, whoever else asks
    assert service.stop() == 0
    _assert_no_secret(tmp_path, service)


def test_a_training_that_a_crash_cut_off_goes_on_after_the_restart(
    retraining_service: Callable[[], Service], tmp_path: Path
) -> None:
    service = retraining_service()
    service.ask("/label-studio/setup", _setup())
    service.ask("/label-studio/webhook", {"action": "START_TRAINING", "project": {"id": 3}})
    end = time.monotonic() + 60
    while not (tmp_path / "served" / "0001" / "train.job.json").exists():
        assert time.monotonic() < end
        time.sleep(0.02)
    service.stop(signal.SIGKILL)
    again = retraining_service()
    assert _wait_for_training(again)["outcome"] == "done"
    assert again.ask("/label-studio/setup", _setup())[1]["model_version"].startswith("v0001-")
    assert again.stop() == 0
    third = retraining_service()
    assert third.ask("/label-studio/versions")[1]["versions"][0].startswith("v0001-")
    _assert_no_secret(tmp_path, service, again, third)


def _assert_no_secret(folder: Path, *services: Service) -> None:
    """Neither in what the services said nor in any file that they wrote."""
    assert not [service for service in services if TOKEN in service.said]
    files = [Path(root, name) for root, _, names in os.walk(folder) for name in names]
    assert not [path for path in files if TOKEN.encode() in path.read_bytes()]
