"""What the untouched encoder knows of a sentence: read alone, or side by side with its neighbours.

.venv/bin/python experiments/probe/run.py
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from measuring import data, table, write
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from tagger.corpus.examples import Examples
from tagger.corpus.splits import grouped_folds
from tagger.domains import DomainSet
from tagger.evaluation.metrics import score
from tagger.models.bert import batches_by_length
from tagger.models.encoders.folders import find_encoder
from tagger.models.network import collate, load_encoder
from tagger.models.thresholds import choose_thresholds
from tagger.models.tokenization import PieceTokenizer

LAYERS = (4, 8, 10, 12)
N_BULLETINS = 120
MAX_LENGTH = 256
INTRODUCTION = """# What the frozen encoder knows

`.venv/bin/python experiments/probe/run.py`: logistic regression on the mean hidden state of a sentence's pieces, by
layer, five folds over bulletins ({n} sentences of {b} bulletins). *Alone*: every sentence is an input of its own.
*Side by side*: an input is as many sentences of a page as fit into 256 pieces, each averaged over its own pieces.

"""


def main() -> None:
    domains, examples, _ = data()
    names = np.random.default_rng(0).permutation(np.unique(examples.bulletins))[:N_BULLETINS]
    examples = examples.take(np.isin(examples.bulletins, names) & ~examples.noise)
    folder = find_encoder("packaged")
    tokenizer = PieceTokenizer.load(folder, MAX_LENGTH)
    encoder = load_encoder(folder).eval()
    ids = [windows[0][1:-1] for windows in tokenizer.windows([text.text for text in examples.texts])]
    ways = {"alone": [[row] for row in range(len(ids))], "side by side": _runs(examples, ids)}
    results = {
        way: {layer: _score(x, examples, domains) for layer, x in _embed(encoder, tokenizer, ids, inputs).items()}
        for way, inputs in ways.items()
    }
    rows = [
        (way, str(layer), f"{figures['f1_micro']:.3f}", f"{figures['f1_macro']:.3f}")
        for way, of_layer in results.items() for layer, figures in of_layer.items()
    ]  # fmt: skip
    introduction = INTRODUCTION.format(n=len(examples), b=N_BULLETINS)
    write(Path(__file__).parent, introduction + table(("read", "layer", "f1_micro", "f1_macro"), rows), results)


def _runs(examples: Examples, ids: list[list[int]]) -> list[list[int]]:
    """Rows of neighbouring sentences that fit into one input."""
    runs: list[list[int]] = [[]]
    for row, bulletin in enumerate(examples.bulletins):
        run = runs[-1]
        n_pieces = sum(len(ids[r]) + 1 for r in [*run, row]) + 1
        if run and (examples.bulletins[run[0]] != bulletin or n_pieces > MAX_LENGTH):
            runs.append([])
        runs[-1].append(row)
    return runs


@torch.inference_mode()
def _embed(
    encoder: torch.nn.Module, tokenizer: PieceTokenizer, ids: list[list[int]], inputs: list[list[int]]
) -> dict[int, np.ndarray]:
    found = {layer: np.zeros((len(ids), encoder.config.hidden_size), np.float32) for layer in LAYERS}
    joined = [[tokenizer.begin, *(i for row in rows for i in [*ids[row], tokenizer.end])] for rows in inputs]
    for numbers in batches_by_length([len(one) for one in joined], 4096):
        batch = collate([joined[number] for number in numbers], tokenizer.pad)
        with torch.autocast("cpu", torch.bfloat16):
            states = encoder(*batch, output_hidden_states=True).hidden_states
        for layer in LAYERS:
            for own, number in zip(states[layer].float().numpy(), numbers, strict=True):
                start = 1
                for row in inputs[number]:
                    found[layer][row] = own[start : start + len(ids[row])].mean(axis=0)
                    start += len(ids[row]) + 1
    return found


def _score(x: np.ndarray, examples: Examples, domains: DomainSet) -> dict[str, float]:
    y_proba = np.zeros(examples.y_true.shape)
    for rows, held_out in grouped_folds(examples.y_true, examples.bulletins, n_folds=5, seed=1):
        scaler = StandardScaler().fit(x[rows])
        for column in range(len(domains)):
            model = LogisticRegression(C=0.02, max_iter=100).fit(
                scaler.transform(x[rows]), examples.y_true[rows, column]
            )
            y_proba[held_out, column] = model.predict_proba(scaler.transform(x[held_out]))[:, 1]
    thresholds = choose_thresholds(examples.y_true, y_proba)
    figures = score(examples.y_true, (y_proba >= thresholds).astype(np.int8), domains.ids)
    return {name: figures[name] for name in ("f1_micro", "f1_macro")}


if __name__ == "__main__":
    main()
