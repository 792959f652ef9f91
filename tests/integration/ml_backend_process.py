"""A service whose retraining is a real `tagger train` on annotations that lie ready: no Label Studio needed.

``python ml_backend_process.py PORT_FILE MODEL MODELS EXAMPLES DOMAINS``; Label Studio's pull is
replaced by a copy, everything else is what `tagger serve` runs.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from tagger.models.storage import load_model
from tagger.service import running
from tagger.service.app import make_app
from tagger.service.duty import Duty
from tagger.service.plan import Plan, label_studio_plan
from tagger.service.retraining import Retrainer
from tagger.service.state import Job
from tagger.service.workplace import Workplace


def main(port_file: str, model: str, models: str, examples: str, domains: str) -> None:
    logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
    settings = ["model=tfidf", "split.n_folds=2", f"data.domains={domains}"]

    def plan(job: Job, folder: Path) -> Plan:
        made = label_studio_plan(job, folder, settings)
        made.data.parent.mkdir(exist_ok=True)
        return Plan((("cp", examples, str(made.data)),), made.data, made.train, made.model)

    import uvicorn

    duty = Duty(load_model(model))
    place = Workplace(duty, Retrainer(Path(models), duty, plan))
    listening = running.open_socket("127.0.0.1", 0)
    Path(port_file).write_text(str(listening.getsockname()[1]))
    with running.signals_end_well():
        uvicorn.Server(uvicorn.Config(make_app(place), log_config=None, access_log=False)).run(sockets=[listening])


if __name__ == "__main__":
    main(*sys.argv[1:])
