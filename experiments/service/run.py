"""How long Label Studio waits for a paragraph, alone, beside other annotators, and beside a training.

.venv/bin/python experiments/service/run.py
"""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from measuring import ROOT, table, write

from tagger.corpus.authored import load_corpus
from tagger.domains import load_domains
from tagger.project import project_path

N_PARAGRAPHS = 80
N_ANNOTATORS = (1, 2, 4)
#: Seconds that an annotator reads before the next task is opened, in the runs beside each other.
READING = 0.5
INTRODUCTION = """# The service beside annotators

`.venv/bin/python experiments/service/run.py`: milliseconds from the request to the whole answer of
`POST /label-studio/predict`, one paragraph of the corpus a request with its neighbours, over loopback; the model is the
default `bert` (int8). Each annotator opens the next task {reading} s after the last answer. `health` and `setup`, which
Label Studio asks before each prediction, are counted in "opening a task". "Beside a training": `tagger train
model=tfidf` on the corpus runs at low priority on the same processors. {n_cores} processors, which were not ours alone:
load before the run {load}, the service at niceness {niceness}.

"""


def main() -> None:
    domains = load_domains(project_path("labels/domains.yaml"))
    corpus = load_corpus(project_path("labels/corpus"), domains)
    paragraphs = [["".join(s.text for s in p) for p in bulletin.paragraphs] for bulletin in corpus]
    tasks = [_task(page, i) for page in paragraphs[::7] for i in range(1, len(page))][:N_PARAGRAPHS]
    config = _config(domains)
    load = [round(value, 1) for value in os.getloadavg()]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    service = subprocess.Popen([sys.executable, "-m", "tagger", "serve", "--port", str(port)], cwd=ROOT)
    try:
        address = f"http://127.0.0.1:{port}"
        _wait(address)
        for task in tasks[:5]:
            _ask(address, task, config)
        runs: dict[str, list[tuple[float, float]]] = {}
        for n_annotators in N_ANNOTATORS:
            runs[f"{n_annotators} at a time"] = _annotate(address, tasks, config, n_annotators)
        folder = Path(tempfile.mkdtemp(), "model")
        training = subprocess.Popen(
            ["nice", "-n", "15", sys.executable, "-m", "tagger", "train", "model=tfidf", f"output={folder}"],
            cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        time.sleep(5)
        runs["2 at a time, beside a training"] = _annotate(address, tasks, config, 2)
        was_training = training.poll() is None
        training.kill()
    finally:
        service.terminate()
        service.wait()
    rows = [
        (name, *_figures([p for p, _ in times]), *_figures([w for _, w in times])[:2]) for name, times in runs.items()
    ]
    n_chars = statistics.mean(len(task["data"]["text"]) for task in tasks)
    report = INTRODUCTION.format(reading=READING, n_cores=os.cpu_count(), load=load, niceness=os.nice(0))
    report += f"{len(tasks)} paragraphs of {n_chars:.0f} characters on average.\n\n" + table(
        ("annotators", "median", "95 %", "99 %", "slowest", "opening a task, median", "95 %"), rows
    )
    results = {"runs": runs, "n_paragraphs": len(tasks), "mean_chars": n_chars, "load": load, "niceness": os.nice(0),
               "training_ran_to_the_end_of_the_run": was_training}  # fmt: skip
    write(Path(__file__).parent, report, results)


def _task(page: list[str], i: int) -> dict[str, Any]:
    after = page[i + 1] if i + 1 < len(page) else ""
    return {"id": i, "data": {"text": page[i], "title": page[0], "before": page[i - 1], "after": after}}


def _config(domains: Any) -> str:
    from tagger.labelling.interface import interface_xml

    return interface_xml(domains)


def _annotate(address: str, tasks: list[dict[str, Any]], config: str, n_annotators: int) -> list[tuple[float, float]]:
    times: list[tuple[float, float]] = []

    def work(own: list[dict[str, Any]]) -> None:
        for task in own:
            times.append(_ask(address, task, config))
            time.sleep(READING)

    threads = [threading.Thread(target=work, args=(tasks[i::n_annotators],)) for i in range(n_annotators)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times


def _ask(address: str, task: dict[str, Any], config: str) -> tuple[float, float]:
    """Milliseconds of the prediction, and of health, setup and prediction."""
    started = time.perf_counter()
    _post(address, "/label-studio/health", None)
    _post(address, "/label-studio/setup", {"project": "1.1", "schema": config, "hostname": "", "access_token": ""})
    asked = time.perf_counter()
    body = {"tasks": [task], "project": "1.1", "label_config": config, "params": {}}
    assert len(_post(address, "/label-studio/predict", body)["results"]) == 1
    ended = time.perf_counter()
    return (ended - asked) * 1000, (ended - started) * 1000


def _post(address: str, path: str, body: Any) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address + path, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())


def _wait(address: str) -> None:
    while True:
        try:
            _post(address, "/health", None)
            return
        except OSError:
            time.sleep(0.2)


def _figures(values: list[float]) -> tuple[str, ...]:
    ordered = sorted(values)
    at = [ordered[min(int(len(ordered) * share), len(ordered) - 1)] for share in (0.5, 0.95, 0.99, 1)]
    return tuple(f"{value:.0f}" for value in at)


if __name__ == "__main__":
    main()
