"""Encoders of the Hugging Face hub: fetched when a person asks for it, never on the way.

Safetensors only, no code of a repository; without network it fails at once, with what to do.
"""

from __future__ import annotations

import os
import re
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from tagger.errors import ModelError
from tagger.reachability import hub_host, is_hub_reachable, is_offline


class Repository(NamedTuple):
    """A repository of the hub, ``owner/name``, and its licence."""

    name: str
    licence: str


#: Short name -> repository. All are of the BERT architecture and written for Chinese.
KNOWN = {
    "macbert-base": Repository("hfl/chinese-macbert-base", "Apache-2.0"),
    "roberta-wwm": Repository("hfl/chinese-roberta-wwm-ext", "Apache-2.0"),
    "bge-small-zh": Repository("BAAI/bge-small-zh-v1.5", "MIT"),
    "bert-base-chinese": Repository("google-bert/bert-base-chinese", "Apache-2.0"),
}
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)
#: All that is ever fetched. ``tokenizer_config.json`` tells whether ``vocab.txt`` is of lower case.
_FILES = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "vocab.txt",
          "README.md", "LICENSE*"]  # fmt: skip
_WEIGHTS = "model.safetensors"
MAIN = "main"
#: Who offers older repositories' weights as safetensors, and under which title.
_ROBOT, _CONVERTED = "SFconvertbot", "Adding `safetensors` variant of this model"
#: Seconds to wait for an answer.
_ANSWER = 5.0
_OTHERWISE = (
    "Use the packaged encoder, which needs no network, or copy a folder with config.json, "
    "model.safetensors and tokenizer.json to this machine and give its path."
)


def repository(name: str) -> str | None:
    """The ``owner/name`` that a name stands for; None if it cannot be one."""
    if name in KNOWN:
        return KNOWN[name].name
    return name if _NAME.fullmatch(name) else None


def find_cached(name: str, revision: str = MAIN) -> Path | None:
    """The folder of a repository in the local Hugging Face cache, named by its commit; nothing is asked.

    Parameters
    ----------
    name : str
        ``owner/name``.
    revision : str, default="main"
        For ``main`` that has no safetensors, a pull request that has them will do.
    """
    if find_spec("huggingface_hub") is None:
        return None
    _be_brief()
    from huggingface_hub import try_to_load_from_cache

    for cached in (revision, *(_cached_requests(name) if revision == MAIN else ())):
        # Neither may be missing, as after a fetch that was cut off, or known to be missing.
        found = [try_to_load_from_cache(name, file, revision=cached) for file in ("config.json", _WEIGHTS)]
        if all(isinstance(path, str) for path in found):
            return Path(found[0]).parent
    return None


def fetch(name: str, revision: str = MAIN) -> Path:
    """Fetch a repository into the local Hugging Face cache and return its folder there, named by its commit.

    Raises
    ------
    ModelError
        The hub cannot be reached, which is found out within about a second; or it has no such
        repository or revision, or one without ``model.safetensors``.
    """
    _check_reachable(name)
    _be_brief()
    try:
        folder = _download(name, revision)
    except Exception as error:  # the library raises those of three others beside its own
        found = f"the hub did not give it ({type(error).__name__})"
        raise ModelError(found, where=name, hint=f"Check the name. {_OTHERWISE}") from None
    if folder is None:
        raise ModelError(
            f"has no {_WEIGHTS} at revision {revision}, and other forms of weights are not read", where=name,
            hint="One of its pull requests may have it: give --revision refs/pr/N.",
        )  # fmt: skip
    return folder


def _download(name: str, revision: str) -> Path | None:
    """The folder of a repository; None, and nothing downloaded, if it has no safetensors."""
    from huggingface_hub import HfApi, snapshot_download

    # The one question for which the library takes a time limit: without it, it waits forever for its answer.
    files = HfApi().model_info(name, revision=revision, timeout=_ANSWER).siblings or []
    if _WEIGHTS not in {file.rfilename for file in files}:
        request = _conversion(name) if revision == MAIN else None
        return _download(name, request) if request else None
    return Path(snapshot_download(name, revision=revision, allow_patterns=_FILES, etag_timeout=_ANSWER))


def _conversion(name: str) -> str | None:
    """The revision at which the hub's own robot offers the weights as safetensors, if it does.

    As transformers does it, by title and author: anybody else's may hold anything.
    """
    from huggingface_hub import get_repo_discussions

    for request in get_repo_discussions(name, author=_ROBOT, discussion_type="pull_request"):
        if (request.author, request.title, request.status) == (_ROBOT, _CONVERTED, "open"):
            return f"refs/pr/{request.num}"
    return None


def _cached_requests(name: str) -> list[str]:
    """Revisions of pull requests in the local cache, newest first."""
    from huggingface_hub.constants import HF_HUB_CACHE

    numbers = Path(HF_HUB_CACHE, f"models--{name.replace('/', '--')}", "refs", "refs", "pr").glob("[0-9]*")
    return [f"refs/pr/{number}" for number in sorted((int(path.name) for path in numbers), reverse=True)]


def _be_brief() -> None:
    """Settings that the library reads when it is imported."""
    os.environ.setdefault("HF_HUB_DOWNLOAD_TIMEOUT", str(int(_ANSWER)))
    os.environ.setdefault("HF_HUB_ETAG_TIMEOUT", str(int(_ANSWER)))
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")


def _check_reachable(name: str) -> None:
    """A `ModelError` unless the hub, or the proxy before it, takes a connection."""
    if is_offline("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE") or not is_hub_reachable():
        raise ModelError(f"{hub_host()} cannot be reached", where=name, hint=_OTHERWISE)
