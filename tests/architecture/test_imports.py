"""Imports point one way, and heavy libraries stay out of the way of the command line."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import tagger

_PACKAGE = Path(tagger.__file__).parent
_CORE = {"errors", "domains", "bulletins", "folders", "project", "reachability", "tasks"}
#: Room -> the rooms it may import, itself apart; `cli` may import them all.
_MAY_IMPORT = {
    "errors": set(),
    "project": {"errors"},
    "folders": {"errors"},
    "domains": {"errors"},
    "reachability": set(),
    "tasks": set(),
    "bulletins": {"errors"},
    "models": _CORE,
    "corpus": _CORE,
    "evaluation": {"errors", "domains"},
    "labelling": _CORE | {"corpus", "evaluation"},
    "predict": _CORE | {"models"},
    "training": _CORE | {"corpus", "models", "evaluation"},
    "service": _CORE | {"predict", "models", "corpus", "evaluation", "labelling"},
}
#: Library -> the only room that may import it.
_OWNED = {"hydra": "training", "omegaconf": "training", "label_studio_sdk": "labelling", "fastapi": "service"}
_NEVER = {"pickle", "cloudpickle", "joblib", "dill", "marshal", "shelve"}
_HEAVY = ("torch", "transformers", "label_studio_sdk", "sklearn", "scipy", "hydra", "datasets", "onnxruntime",
          "optuna", "mlflow", "fastapi", "matplotlib", "pandas", "pyarrow")  # fmt: skip


def _modules() -> Iterator[tuple[str, str]]:
    """Name below `tagger` and source of every module but the package's own two."""
    for path in sorted(_PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(_PACKAGE).with_suffix("").parts).removesuffix(".__init__")
        if name not in ("__init__", "__main__"):
            yield name, path.read_text(encoding="utf-8")


def _imported(source: str) -> set[str]:
    """Dotted names of all imports of a module, those within functions included."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "relative imports hide where they point"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def _rooms(imported: set[str]) -> set[str]:
    """Rooms of ours among imported names; ``tagger.__version__`` is none."""
    names = {name.split(".")[1] for name in imported if name.startswith("tagger.")}
    return {name for name in names if (_PACKAGE / name).is_dir() or (_PACKAGE / f"{name}.py").is_file()}


def _breaches(module: str, source: str) -> list[str]:
    room = module.split(".")[0]
    imported = _imported(source)
    rooms, libraries = _rooms(imported), {name.split(".")[0] for name in imported}
    allowed = rooms if room == "cli" else _MAY_IMPORT[room] | {room}
    foreign = {name for name in libraries & _OWNED.keys() if _OWNED[name] != room} | (libraries & _NEVER)
    return sorted(f"{module} imports {name}" for name in (rooms - allowed) | foreign)


@pytest.mark.parametrize(("module", "source"), list(_modules()), ids=[name for name, _ in _modules()])
def test_imports_point_one_way(module: str, source: str) -> None:
    assert _breaches(module, source) == []


@pytest.mark.parametrize(
    ("module", "source", "found"),
    [
        ("models.tfidf", "from tagger.corpus.examples import Examples", "corpus"),
        ("models.tfidf", "def f():\n    import tagger.training.run", "training"),
        ("models.storage", "from tagger import __version__", ""),
        ("bulletins.html", "from tagger import models", "models"),
        ("predict.bulk", "from tagger.evaluation import metrics", "evaluation"),
        ("predict.bulk", "from tagger.cli.main import main", "cli"),
        ("evaluation.metrics", "from tagger.models.storage import Model", "models"),
        ("models.bert", "import hydra.utils", "hydra"),
        ("predict.bulk", "from label_studio_sdk import LabelStudio", "label_studio_sdk"),
        ("models.tfidf", "import pickle", "pickle"),
        ("cli.main", "from tagger.training.run import run", ""),
        ("training.measuring", "from tagger.corpus.examples import Examples", ""),
    ],
)
def test_the_rule_finds_what_breaks_it(module: str, source: str, found: str) -> None:
    assert _breaches(module, source) == ([f"{module} imports {found}"] if found else [])


def test_no_module_is_a_box_of_odds_and_ends() -> None:
    stems = {name.split(".")[-1] for name, _ in _modules()}
    assert not stems & {"utils", "util", "common", "misc", "tools"}


def _loaded_by(imports: str) -> str:
    script = f"import sys\n{imports}\nprint(*sorted(set(sys.modules) & set({_HEAVY!r})))"
    env = {**os.environ, "PYTHONPATH": str(_PACKAGE.parent)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, env=env, check=True)
    return done.stdout.decode().strip()


def test_importing_the_command_line_loads_no_heavy_library() -> None:
    assert _loaded_by("import tagger.cli.main") == ""


def test_opening_and_tagging_load_no_heavy_library_until_a_model_asks_for_it() -> None:
    assert _loaded_by("import tagger.predict.bulk, tagger.models.storage, tagger.bulletins.reading") == ""
