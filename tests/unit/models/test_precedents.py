"""The index of precedents: near means near, small means small, and a stranger's files are refused."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tagger.errors import ModelError
from tagger.models import npz_file
from tagger.models.precedents import (
    N_COMPONENTS,
    SENTENCES,
    VECTORS,
    Precedents,
    build_precedents,
    open_precedents,
)

_N, _DIMS = 600, 96


def _clustered(n: int = _N, dims: int = _DIMS) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings around thirty centres, all near one direction as those of encoders are, and their centres."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(30, dims))
    of = np.arange(n) % 30
    return (4 + centres[of] + 0.2 * rng.normal(size=(n, dims))).astype(np.float32), of


def _texts(n: int = _N) -> list[str]:
    rng = np.random.default_rng(1)
    return ["".join(map(chr, rng.integers(0x4E00, 0x9000, 20))) for _ in range(n)]


@pytest.fixture(scope="module")
def index() -> Precedents:
    embeddings, of = _clustered()
    labels = [("traffic",) if centre % 2 else () for centre in of.tolist()]
    return build_precedents(embeddings, _texts(), labels, [f"b{row}.0.0" for row in range(_N)])


@pytest.fixture
def folder(tmp_path: Path, index: Precedents) -> Path:
    index.save(tmp_path)
    return tmp_path


def test_a_sentence_is_nearest_to_itself_and_then_to_its_like(index: Precedents) -> None:
    embeddings, of = _clustered()
    for row in range(0, _N, 37):
        found = index.nearest(embeddings[row], 5)
        assert found[0].id == f"b{row}.0.0"
        assert found[0].similarity > 0.99
        assert {of[int(p.id[1:].split(".")[0])] for p in found} == {of[row]}
        assert all(p.domains == (("traffic",) if of[row] % 2 else ()) for p in found)


def test_one_byte_a_number_and_few_components_keep_the_neighbours(index: Precedents) -> None:
    # Against the cosine of the whole centred embeddings, in double precision.
    embeddings, _ = _clustered()
    unit = embeddings / np.linalg.norm(embeddings.astype(float), axis=1, keepdims=True)
    centred = unit - unit.mean(axis=0)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)
    for row in range(0, _N, 53):
        exact = centred @ centred[row]
        for precedent in index.nearest(embeddings[row], 10):
            assert precedent.similarity == pytest.approx(exact[index.ids.index(precedent.id)], abs=0.03)


def test_similarity_falls_and_no_more_come_than_are_asked_for(index: Precedents) -> None:
    found = index.nearest(_clustered()[0][3], 7)
    assert len(found) == 7
    similarity = [precedent.similarity for precedent in found]
    assert similarity == sorted(similarity, reverse=True)
    assert index.nearest(_clustered()[0][3], 0) == []


def test_of_nearly_identical_sentences_one_is_shown() -> None:
    texts = ["民警在国道查处酒驾11起。", "民警在国道查处酒驾35起。", "向群众发放宣传单。", "民警在国道查处酒驾11起。"]
    embeddings = np.array([[1, 0, 0], [1, 0.01, 0], [0.6, 0.5, 0.2], [0.5, 0.5, 1]], dtype=np.float32)
    index = build_precedents(embeddings, texts, [("traffic",), ("traffic",), (), ()], ["a", "b", "c", "d"])
    assert index.texts == texts[:3]
    assert [precedent.id for precedent in index.nearest(embeddings[0], 3)] == ["a", "c"]


def test_the_index_comes_back_as_it_was_saved_and_repeats_itself(
    index: Precedents, folder: Path, tmp_path: Path
) -> None:
    query = _clustered()[0][11]
    opened = open_precedents(folder)
    assert opened is not None
    assert opened.nearest(query, 5) == index.nearest(query, 5)
    again = tmp_path / "again"
    again.mkdir()
    embeddings, of = _clustered()
    labels = [("traffic",) if centre % 2 else () for centre in of.tolist()]
    build_precedents(embeddings, _texts(), labels, [f"b{row}.0.0" for row in range(_N)]).save(again)
    for name in (VECTORS, SENTENCES):
        assert (again / name).read_bytes() == (folder / name).read_bytes()


def test_nothing_is_read_before_it_is_asked_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = []
    real = Precedents.load
    monkeypatch.setattr(Precedents, "load", lambda place: reads.append(place) or real(place))
    opened = open_precedents(folder)
    assert opened is not None
    assert reads == []
    opened.nearest(_clustered()[0][0])
    opened.nearest(_clustered()[0][1])
    assert reads == [folder]


def test_a_folder_without_an_index_has_none(tmp_path: Path) -> None:
    assert open_precedents(tmp_path) is None


def test_twelve_thousand_sentences_take_less_than_two_megabytes(tmp_path: Path) -> None:
    # Characters as frequent as in prose: by Zipf's law over 2,500 of them, which deflates worse than sentences do.
    rng = np.random.default_rng(0)
    weights = 1 / np.arange(1, 2501)
    rows = rng.choice(2500, size=(12_000, 40), p=weights / weights.sum())
    texts = ["".join(map(chr, 0x4E00 + row)) for row in rows]
    embeddings = rng.normal(size=(12_000, 384)).astype(np.float32)
    index = build_precedents(embeddings, texts, [("traffic",)] * 12_000, [f"b{i}" for i in range(12_000)])
    index.save(tmp_path)
    assert index.codes.shape == (12_000, N_COMPONENTS)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 2_000_000


@pytest.mark.parametrize(("n", "dims"), [(1, 8), (2, 8), (3, 1), (70, 4)])
def test_few_sentences_or_dimensions_are_an_index_too(n: int, dims: int) -> None:
    embeddings = np.random.default_rng(0).normal(size=(n, dims)).astype(np.float32)
    index = build_precedents(embeddings, _texts(n), [()] * n, [str(i) for i in range(n)])
    found = index.nearest(embeddings[0], 3)
    assert 1 <= len(found) <= 3
    assert all(-1 <= precedent.similarity <= 1 for precedent in found)


def test_embeddings_that_are_all_alike_or_zero_break_nothing() -> None:
    index = build_precedents(np.zeros((3, 4)), _texts(3), [()] * 3, list("abc"))
    assert [precedent.similarity for precedent in index.nearest(np.zeros(4))] == [0, 0, 0]


@pytest.mark.parametrize(
    ("embeddings", "n_texts"),
    [(np.zeros((2, 4)), 3), (np.zeros(3), 3), (np.zeros((0, 4)), 0), (np.full((3, 4), np.nan), 3)],
)
def test_what_cannot_be_indexed_is_refused(embeddings: np.ndarray, n_texts: int) -> None:
    with pytest.raises(ValueError, match="embeddings"):
        build_precedents(embeddings, _texts(n_texts), [()] * n_texts, ["x"] * n_texts)


@pytest.mark.parametrize("query", [np.zeros(_DIMS + 1), np.zeros((1, _DIMS)), np.full(_DIMS, np.nan)])
def test_an_embedding_of_another_model_is_told(index: Precedents, query: np.ndarray) -> None:
    with pytest.raises(ModelError, match="an embedding of shape"):
        index.nearest(query)


def _npz(**changes: object) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        with np.load(folder / VECTORS) as file:
            arrays = {**{name: file[name] for name in file}, **changes}
        np.savez(folder / VECTORS, **{name: value for name, value in arrays.items() if value is not None})

    return write


def _sentences(data: object) -> Callable[[Path], None]:
    return lambda folder: (folder / SENTENCES).write_bytes(zlib.compress(json.dumps(data).encode())) and None


def _object_array(folder: Path) -> None:
    """A pickle within the .npz, which must not be opened."""
    with np.load(folder / VECTORS) as file:
        arrays = {name: file[name] for name in file}
    np.savez(folder / VECTORS, **{**arrays, "codes": np.array([{}], dtype=object)})


def _huge_header(folder: Path) -> None:
    """An array that says it has more numbers than any machine has room for."""
    with np.load(folder / VECTORS) as file:
        arrays = {name: file[name] for name in file}
    with zipfile.ZipFile(folder / VECTORS, "w") as archive:
        for name, array in arrays.items():
            out = io.BytesIO()
            if name == "codes":
                header = {"descr": "|i1", "fortran_order": False, "shape": (1 << 60, 64)}
                np.lib.format.write_array_header_1_0(out, header)
            else:
                np.lib.format.write_array(out, array)
            archive.writestr(f"{name}.npy", out.getvalue())


@pytest.mark.parametrize(
    "damage",
    [
        _npz(codes=np.zeros((3, 64), dtype=np.int8)), _npz(codes=np.zeros((_N, 64))), _npz(codes=None),
        _npz(components=np.zeros((64, 3), dtype=np.float16)), _npz(components=np.zeros(64, dtype=np.float16)),
        _npz(components=np.full((64, _DIMS), np.inf, dtype=np.float16)), _npz(components=np.array("x")),
        _npz(mean=np.full(_DIMS, np.nan, dtype=np.float32)), _npz(scale=0.0), _npz(scale=np.zeros(2)),
        _npz(scale=np.nan), _sentences([]), _sentences({}), _sentences({"ids": [], "texts": [], "domains": []}),
        _sentences({"ids": ["a"] * _N, "texts": [1] * _N, "domains": [[]] * _N}),
        _sentences({"ids": ["a"] * _N, "texts": ["a"] * _N, "domains": [["x"], 3] * (_N // 2)}),
        _sentences({"ids": ["a"] * _N, "texts": ["a"] * _N, "domains": "x" * _N}),
        lambda folder: (folder / SENTENCES).write_bytes(b"not deflated"),
        lambda folder: (folder / SENTENCES).write_bytes((folder / SENTENCES).read_bytes()[:-9]),
        lambda folder: (folder / SENTENCES).unlink(),
        lambda folder: (folder / VECTORS).write_bytes(b"PK"),
        lambda folder: (folder / VECTORS).write_bytes((folder / VECTORS).read_bytes()[:-30]),
        _object_array, _huge_header,
    ],
)  # fmt: skip
def test_files_of_a_stranger_are_refused(folder: Path, damage: Callable[[Path], object]) -> None:
    damage(folder)
    opened = open_precedents(folder)
    assert opened is not None
    with pytest.raises(ModelError, match="not an index of precedents"):
        opened.nearest(np.zeros(_DIMS))


def test_what_unpacks_to_far_more_is_not_unpacked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(npz_file, "MAX_BYTES", 1 << 20)
    (folder / SENTENCES).write_bytes(zlib.compress(b" " * (1 << 22)))
    with pytest.raises(ModelError, match="unpacks to more than is read"):
        Precedents.load(folder)
    _npz(more=np.zeros(1 << 20))(folder)
    with pytest.raises(ModelError, match="unpacks to more than is read"):
        Precedents.load(folder)
