"""How fast prediction is, beside plain scikit-learn on the same sentences in the same run.

.venv/bin/python experiments/speed/run.py [MODEL FOLDER ...]
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from measuring import ROOT, data, table, write
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline

from tagger.bulletins.context import TextInContext
from tagger.corpus.examples import Examples
from tagger.models.storage import load_model

REPEATS = 5
#: The pipeline takes a minute for what the others do in a second.
N_PIPELINE = 300
INTRODUCTION = """# Speed

`.venv/bin/python experiments/speed/run.py {arguments}`: medians of {repeats} interleaved repeats on one machine;
machines differ and are noisy, so read the ratios. The peers are scikit-learn alone (TF-IDF of characters 1–3 and
one-vs-rest logistic regression, fitted on the same corpus) and `transformers.pipeline` in float32, with the packaged
encoder as it is (12 layers, what a user would run without this project) and with as many layers as ship. `bert` is the
model that ships; a folder is another export of the same kind (`tagger models export runs/bert6 --onnx --int8 -o
runs/bert6-int8`). They read each sentence once, without its surroundings, which are sentences of the same page.

"""


def main() -> None:
    folders = sys.argv[1:]
    runs, n_texts = _contestants(folders)
    seconds = _time(runs)
    rates = {name: n_texts[name] / statistics.median(values) for name, values in seconds.items()}
    commands = {c: _command(c) for c in ("tagger --help", "tagger predict tagger/samples/bulletin.txt --format jsonl")}
    facts = {"seconds": seconds, "n_texts": n_texts, "commands": commands}
    introduction = INTRODUCTION.format(arguments=" ".join(folders), repeats=REPEATS).replace(" `:", "`:")
    write(Path(__file__).parent, introduction + _report(rates, commands), facts)


def _contestants(folders: Sequence[str]) -> tuple[dict[str, Callable[[], object]], dict[str, int]]:
    """What is timed, by name, and how many sentences each reads."""
    _, examples, _ = data()
    texts = [text for text in examples.texts if text.text][:4000]
    plain = [text.text for text in texts]
    few = plain[:N_PIPELINE]
    tfidf, lexicon, bert = (load_model(name) for name in ("tfidf", "lexicon", "bert"))
    peer, pipeline, shallow = _peer(examples), _pipeline(None), _pipeline(bert.config["model"]["layers"])
    alone = [TextInContext(text) for text in few]
    runs = {
        "scikit-learn alone": lambda: peer.predict_proba(plain),
        "tfidf": lambda: tfidf.classifier.predict_proba(texts),
        "lexicon": lambda: lexicon.classifier.predict_proba(texts),
        "bert": lambda: bert.classifier.predict_proba(alone),
        **{folder: partial(load_model(folder).classifier.predict_proba, alone) for folder in folders},
        "transformers.pipeline": lambda: pipeline(few),
        "transformers.pipeline, our layers": lambda: shallow(few),
    }
    n_texts = {name: len(texts) if name in ("tfidf", "lexicon", "scikit-learn alone") else len(few) for name in runs}
    return runs, n_texts


def _peer(examples: Examples) -> Any:
    """The usual way to tag by words: scikit-learn alone."""
    return make_pipeline(
        TfidfVectorizer(analyzer="char", ngram_range=(1, 3), min_df=2, sublinear_tf=True),
        OneVsRestClassifier(LogisticRegression(C=4, solver="liblinear")),
    ).fit([text.text for text in examples.texts], examples.y_true)


def _time(runs: dict[str, Callable[[], object]]) -> dict[str, list[float]]:
    """Seconds of each repeat; interleaved, so that what else the machine does falls on all alike."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(REPEATS):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def _report(rates: dict[str, float], commands: dict[str, float]) -> str:
    peers = [
        rates[name] for name in ("scikit-learn alone", "transformers.pipeline", "transformers.pipeline, our layers")
    ]
    rows = [(name, f"{rate:,.0f}", *(f"{rate / peer:.2f}" for peer in peers)) for name, rate in rates.items()]
    head = ("model", "sentences a second", "ratio to scikit-learn", "to the pipeline", "to that of our layers")
    times = table(("command", "seconds"), [(f"`{c}`", f"{s:.2f}") for c, s in commands.items()])
    return f"{table(head, rows)}\nWhole commands, median seconds:\n\n{times}"


def _pipeline(layers: list[int] | None) -> Any:
    """The usual way to run such an encoder: float32, by transformers; ``layers`` None: all it has."""
    import transformers

    from tagger.models.encoders.folders import find_encoder

    folder = find_encoder("packaged")
    config = transformers.BertConfig.from_pretrained(folder, num_labels=6)
    config.num_hidden_layers = len(layers) if layers else config.num_hidden_layers
    network = transformers.BertForSequenceClassification(config).eval()
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"), pad_token="<pad>")
    return transformers.pipeline("text-classification", model=network, tokenizer=tokenizer, top_k=None)


def _command(line: str) -> float:
    values = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", *line.split()], check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
        values.append(time.perf_counter() - start)
    return statistics.median(values)


if __name__ == "__main__":
    main()
