"""How varied the corpus is, and how far from the real texts it is measured on.

.venv/bin/python experiments/corpus/run.py
"""

import sys
from collections import Counter, defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from measuring import ROOT, SEEDS, table, write

from tagger.bulletins.normalize import normalize
from tagger.corpus.authored import load_corpus
from tagger.corpus.duplicates import near_duplicates
from tagger.corpus.examples import examples_from_jsonl
from tagger.domains import load_domains

INTRODUCTION = """# The corpus against itself and against real text

`.venv/bin/python experiments/corpus/run.py`. Distinct rates are the share of different character n-grams among the
first {sample:,} characters of each genre, furniture left out, so that sizes compare; the last row is the five real
bulletins.

"""
SAMPLE = 8000
OVERLAP = 12


def main() -> None:
    domains = load_domains(ROOT / "labels" / "domains.yaml")
    corpus = load_corpus(ROOT / "labels" / "corpus", domains)
    texts: dict[str, list[str]] = defaultdict(list)
    sentences: list[tuple[str, str]] = []
    for bulletin in corpus:
        for sentence in bulletin.sentences:
            text = normalize(sentence.text).text
            sentences.append((bulletin.id, text))
            if not sentence.noise:
                texts[bulletin.header["genre"]].append(text)
    real = examples_from_jsonl(SEEDS, domains) if SEEDS.exists() else None
    if real is not None:
        texts["five real bulletins"] = [t.text for t, n in zip(real.texts, real.noise, strict=True) if not n]
    rates = {name: _rates(rows) for name, rows in texts.items()}
    pairs = _pairs_across(sentences)
    overlaps = _overlaps(sentences, [t.text for t in real.texts]) if real is not None else []
    report = INTRODUCTION.format(sample=SAMPLE) + _report(rates, pairs, overlaps)
    write(Path(__file__).parent, report, {"rates": rates, "pairs": pairs, "overlaps": overlaps})


def _rates(rows: list[str]) -> dict[str, float]:
    """Distinct n-gram rates, mean sentence length, and the share of long sentences."""
    text = "".join(rows)[:SAMPLE]
    grams = {n: [text[i : i + n] for i in range(len(text) - n + 1)] for n in (2, 3, 4)}
    rates = {f"distinct_{n}": len(set(g)) / max(len(g), 1) for n, g in grams.items()}
    lengths = [len(row) for row in rows]
    return {
        **rates, "n_chars": len(text), "mean_length": sum(lengths) / len(lengths),
        "over_80": sum(n > 80 for n in lengths) / len(lengths),
    }  # fmt: skip


def _pairs_across(sentences: list[tuple[str, str]]) -> list[dict]:
    """Near-duplicate sentences of different bulletins, Jaccard of 5-grams at least 0.7."""
    long = [(id, text) for id, text in sentences if len(text) >= 15]
    found = near_duplicates([text for _, text in long])
    return [{"similarity": s, "one": long[a], "other": long[b]} for a, b, s in found if long[a][0] != long[b][0]]


def _overlaps(sentences: list[tuple[str, str]], real: list[str]) -> list[dict]:
    """Runs of at least 12 characters that a corpus sentence shares with a real one."""
    known = {text[i : i + OVERLAP] for text in real for i in range(len(text) - OVERLAP + 1)}
    runs: Counter[str] = Counter()
    for _, text in sentences:
        start = 0
        while start <= len(text) - OVERLAP:
            end = start + OVERLAP
            if text[start:end] not in known:
                start += 1
                continue
            while end < len(text) and text[end - OVERLAP + 1 : end + 1] in known:
                end += 1
            runs[text[start:end]] += 1
            start = end
    return [{"run": run, "length": len(run), "times": n} for run, n in runs.most_common()]


def _report(rates: dict, pairs: list[dict], overlaps: list[dict]) -> str:
    header = ("genre", "distinct 2-grams", "3-grams", "4-grams", "characters a sentence", "over 80")
    rows = [
        (name, *(f"{r[f'distinct_{n}']:.3f}" for n in (2, 3, 4)), f"{r['mean_length']:.0f}", f"{r['over_80']:.0%}")
        for name, r in rates.items()
    ]
    near = "".join(f"- {p['similarity']:.2f} {p['one'][1]} / {p['other'][1]}\n" for p in pairs)
    shared = "".join(f"- {o['length']} characters, {o['times']} times: {o['run']}\n" for o in overlaps)
    return (
        table(header, rows)
        + f"\nNear-duplicate sentences of different bulletins (MinHash, Jaccard of 5-grams ≥ 0.7): {len(pairs)}\n{near}"
        + f"\nRuns of {OVERLAP} or more characters shared with the real bulletins: {len(overlaps)}\n{shared}"
    )


if __name__ == "__main__":
    main()
