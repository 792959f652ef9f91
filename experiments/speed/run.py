"""How fast prediction is, beside plain scikit-learn on the same sentences in the same run.

.venv/bin/python experiments/speed/run.py
"""

import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from measuring import ROOT, data, table, write
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline

from tagger.models.storage import load_model

REPEATS = 5
INTRODUCTION = """# Speed

`.venv/bin/python experiments/speed/run.py`: medians of {repeats} interleaved repeats on one machine; machines differ
and are noisy, so read the ratios. The peer is scikit-learn alone: TF-IDF of characters 1–3 and one-vs-rest logistic
regression, fitted on the same corpus.

"""


def main() -> None:
    _, examples, _ = data()
    texts = [text for text in examples.texts if text.text][:4000]
    plain = [text.text for text in texts]
    peer = make_pipeline(
        TfidfVectorizer(analyzer="char", ngram_range=(1, 3), min_df=2, sublinear_tf=True),
        OneVsRestClassifier(LogisticRegression(C=4, solver="liblinear")),
    ).fit([text.text for text in examples.texts], examples.y_true)
    runs = {
        "scikit-learn alone": lambda: peer.predict_proba(plain),
        "tfidf": lambda m=load_model("tfidf"): m.classifier.predict_proba(texts),
        "lexicon": lambda m=load_model("lexicon"): m.classifier.predict_proba(texts),
    }
    seconds = {name: [] for name in runs}
    for _ in range(REPEATS):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    rows = [
        (name, f"{len(texts) / median:,.0f}", f"{medians['scikit-learn alone'] / median:.2f}")
        for name, median in medians.items()
    ]
    commands = {c: _command(c) for c in ("tagger --help", "tagger predict tagger/samples/bulletin.txt --format jsonl")}
    report = INTRODUCTION.format(repeats=REPEATS) + table(("model", "sentences a second", "ratio to the peer"), rows)
    report += "\nWhole commands, median seconds:\n\n" + table(
        ("command", "seconds"), [(f"`{c}`", f"{s:.2f}") for c, s in commands.items()]
    )
    write(Path(__file__).parent, report, {"seconds": seconds, "n_texts": len(texts), "commands": commands})


def _command(line: str) -> float:
    values = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", *line.split()], check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
        values.append(time.perf_counter() - start)
    return statistics.median(values)


if __name__ == "__main__":
    main()
