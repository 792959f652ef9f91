"""scikit-learn estimators on disk, without pickle: same object, same bytes.

skops writes memory addresses and the time of day into its archive; here both are
replaced by counting numbers and a fixed date, so that a repeated training run can be
compared byte by byte.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tagger.errors import ModelError

_SCHEMA = "schema.json"
_DATE = (1980, 1, 1, 0, 0, 0)
#: Unpacked size above which a model file is refused, in bytes.
_MAX_EXPANDED = 512 << 20


def dump(estimator: object, path: Path) -> None:
    """Write an estimator to a file."""
    import skops.io

    path.write_bytes(_canonical(skops.io.dumps(estimator)))


def load(path: Path, trusted: Sequence[str]) -> Any:
    """Read an estimator back.

    Parameters
    ----------
    path : Path
    trusted : sequence of str
        Full names of our own types that may be in it, beside what skops itself trusts.

    Raises
    ------
    ModelError
        Not such a file, damaged, or it holds any other type.
    """
    import skops.io

    try:
        data = path.read_bytes()
        _check_size(data, path)
        foreign = set(skops.io.get_untrusted_types(data=data)) - set(trusted)
        if foreign:
            raise ModelError(f"holds types we do not trust: {', '.join(sorted(foreign))}", where=path)
        return skops.io.loads(data, trusted=list(trusted))
    except ModelError:
        raise
    except Exception as error:  # skops raises whatever its parts raise on a broken archive
        raise ModelError(
            f"not a readable model file ({type(error).__name__})", where=path,
            hint="Train the model again or fetch it anew.",
        ) from None  # fmt: skip


def _check_size(data: bytes, path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if sum(info.file_size for info in archive.infolist()) > _MAX_EXPANDED:
            raise ModelError(f"unpacks to more than {_MAX_EXPANDED >> 20} MiB", where=path)


def _canonical(data: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    renamed: dict[str, str] = {}
    schema = _renumber(json.loads(members.pop(_SCHEMA)), {}, renamed)
    members = {renamed[name]: content for name, content in members.items()}
    members[_SCHEMA] = json.dumps(schema, indent=1).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(members):
            info = zipfile.ZipInfo(name, _DATE)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, members[name])
    return out.getvalue()


def _renumber(node: Any, ids: dict[int, int], files: dict[str, str]) -> Any:
    """Count objects in the order in which they are met.

    Plain values share an address or not as the interpreter pleases; each gets a number
    of its own, which only means that they are not shared.
    """
    if isinstance(node, list):
        return [_renumber(part, ids, files) for part in node]
    if not isinstance(node, dict):
        return node
    node = dict(node)
    if "__id__" in node:
        key = node["__id__"] if node.get("__loader__") != "JsonNode" else -len(ids) - 1
        node["__id__"] = ids.setdefault(key, len(ids) + 1)
    if isinstance(node.get("file"), str):
        suffix = Path(node["file"]).suffix
        node["file"] = files.setdefault(node["file"], f"{len(files) + 1}{suffix}")
    return {key: _renumber(value, ids, files) for key, value in node.items()}
