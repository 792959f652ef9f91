"""How fast prediction is, beside plain scikit-learn on the same sentences in the same run.

.venv/bin/python experiments/speed/run.py
"""

import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from measuring import ROOT, data, table, write
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline

from tagger.models.storage import load_model

REPEATS = 5
#: The pipeline takes a minute for what the others do in a second.
N_PIPELINE = 300
INTRODUCTION = """# Speed

`.venv/bin/python experiments/speed/run.py`: medians of {repeats} interleaved repeats on one machine; machines differ
and are noisy, so read the ratios. The peers are scikit-learn alone (TF-IDF of characters 1–3 and one-vs-rest logistic
regression, fitted on the same corpus) and `transformers.pipeline` in float32, with the packaged encoder as it is (12
layers, what a user would run without this project) and with as many layers as ship.
`bert` here is the network alone, each different sentence once; its surroundings are sentences of the same page.

"""


def main() -> None:
    _, examples, _ = data()
    texts = [text for text in examples.texts if text.text][:4000]
    plain = [text.text for text in texts]
    peer = make_pipeline(
        TfidfVectorizer(analyzer="char", ngram_range=(1, 3), min_df=2, sublinear_tf=True),
        OneVsRestClassifier(LogisticRegression(C=4, solver="liblinear")),
    ).fit([text.text for text in examples.texts], examples.y_true)
    few = texts[:N_PIPELINE]
    pipeline, shallow = _pipeline(None), _pipeline(load_model("bert").config["model"]["layers"])
    runs = {
        "scikit-learn alone": lambda: peer.predict_proba(plain),
        "tfidf": lambda m=load_model("tfidf"): m.classifier.predict_proba(texts),
        "lexicon": lambda m=load_model("lexicon"): m.classifier.predict_proba(texts),
        "bert": lambda m=load_model("bert"): m.classifier.decide([text.text for text in few]),
        "transformers.pipeline": lambda: pipeline([text.text for text in few]),
        "transformers.pipeline, our layers": lambda: shallow([text.text for text in few]),
    }
    n_texts = {name: len(few) if "bert" in name or "pipeline" in name else len(texts) for name in runs}
    seconds = {name: [] for name in runs}
    for _ in range(REPEATS):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    rates = {name: n_texts[name] / median for name, median in medians.items()}
    rows = [
        (
            name,
            f"{rate:,.0f}",
            f"{rate / rates['scikit-learn alone']:.2f}",
            f"{rate / rates['transformers.pipeline']:.1f}",
            f"{rate / rates['transformers.pipeline, our layers']:.1f}",
        )
        for name, rate in rates.items()
    ]
    commands = {c: _command(c) for c in ("tagger --help", "tagger predict tagger/samples/bulletin.txt --format jsonl")}
    report = INTRODUCTION.format(repeats=REPEATS) + table(
        ("model", "sentences a second", "ratio to scikit-learn", "ratio to the pipeline", "… of our layers"), rows
    )
    report += "\nWhole commands, median seconds:\n\n" + table(
        ("command", "seconds"), [(f"`{c}`", f"{s:.2f}") for c, s in commands.items()]
    )
    write(Path(__file__).parent, report, {"seconds": seconds, "n_texts": n_texts, "commands": commands})


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
