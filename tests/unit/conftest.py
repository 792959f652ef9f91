"""A tiny BERT, made in a moment: two layers, one piece a character, weights by chance."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tagger.corpus.examples import Examples
from tagger.domains import DomainSet
from tagger.models.tokenization import PieceTokenizer

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from tagger.models.bert import BertClassifier

_SPECIAL_PIECES = ("<s>", "<pad>", "</s>", "<unk>")
#: Longer than a character: so that a text's pieces are not its characters.
_LONGER_PIECES = ("宣传", "头盔", "巡逻", "酒驾")


def make_tokenizer(characters: str) -> Tokenizer:
    """A Unigram tokenizer of the kind that the packaged encoder has."""
    from tokenizers import Tokenizer, decoders, pre_tokenizers, processors
    from tokenizers.models import Unigram

    vocabulary = [(piece, 0.0) for piece in _SPECIAL_PIECES]
    vocabulary += [(piece, -2.0) for piece in ("▁", *_LONGER_PIECES)]
    vocabulary += [(character, -5.0) for character in sorted(set(characters) - set(" ▁"))]
    made = Tokenizer(Unigram(vocabulary, unk_id=3, byte_fallback=False))
    made.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    made.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    made.post_processor = processors.TemplateProcessing("<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    made.add_special_tokens(list(_SPECIAL_PIECES))
    return made


def make_config(n_pieces: int) -> dict[str, Any]:
    """The ``config.json`` of an encoder of 32 numbers a piece."""
    return {
        "architectures": ["BertModel"], "model_type": "bert", "vocab_size": n_pieces, "hidden_size": 32,
        "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64, "max_position_embeddings": 128,
        "type_vocab_size": 2, "layer_norm_eps": 1e-12, "hidden_act": "gelu",
        "bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2,
    }  # fmt: skip


@pytest.fixture(scope="session")
def tiny_encoder_folder(tmp_path_factory: pytest.TempPathFactory, examples: Examples) -> Path:
    """A folder as `tagger encoders get` writes it, with a piece for every character of the small corpus; read only."""
    import torch
    from safetensors.torch import save_file
    from transformers import BertConfig, BertModel

    folder = tmp_path_factory.mktemp("encoders") / "tiny"
    folder.mkdir()
    tokenizer = make_tokenizer("".join(text.text + text.title for text in examples.texts))
    tokenizer.save(str(folder / "tokenizer.json"))
    config = make_config(tokenizer.get_vocab_size())
    (folder / "config.json").write_text(json.dumps(config, indent=1), encoding="utf-8")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        encoder = BertModel(BertConfig(**config), add_pooling_layer=False)
    save_file(encoder.state_dict(), folder / "model.safetensors", metadata={"format": "pt"})
    return folder


@pytest.fixture(scope="session")
def make_tiny_bert(tiny_encoder_folder: Path, domains: DomainSet) -> Callable[[], BertClassifier]:
    """Makes classifiers with the tiny encoder and a head by chance, always the same; inputs of 64 pieces."""
    import torch

    from tagger.models.bert import BertClassifier
    from tagger.models.network import SentenceNetwork, load_encoder

    def make() -> BertClassifier:
        with torch.random.fork_rng():
            torch.manual_seed(1)
            network = SentenceNetwork(load_encoder(tiny_encoder_folder), len(domains))
        return BertClassifier(PieceTokenizer.load(tiny_encoder_folder, 64), network)

    return make


@pytest.fixture
def tiny_bert(make_tiny_bert: Callable[[], BertClassifier]) -> BertClassifier:
    """A classifier of its own for each test, untrained."""
    return make_tiny_bert()


@pytest.fixture(scope="session")
def trained_tiny_bert(make_tiny_bert: Callable[[], BertClassifier], examples: Examples) -> BertClassifier:
    """A classifier that was trained on the small corpus until it tells the domains apart; read only."""
    import torch

    from tagger.models.network import collate

    classifier = make_tiny_bert()
    network = classifier.network.train()
    texts = [text.text for text in examples.texts]
    batch = collate([windows[0] for windows in classifier.tokenizer.windows(texts)], classifier.tokenizer.pad)
    y_true = torch.tensor(examples.y_true, dtype=torch.float32)
    with torch.random.fork_rng():
        torch.manual_seed(2)
        optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
        for _ in range(80):
            loss = torch.nn.functional.binary_cross_entropy_with_logits(network(*batch), y_true)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    network.eval()
    return classifier
