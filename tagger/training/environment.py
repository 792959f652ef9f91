"""What a run was made with: code, libraries, machine."""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import tagger

#: Libraries whose version can change a figure.
_LIBRARIES = ("numpy", "scipy", "scikit-learn", "skops", "rjieba", "opencc", "torch", "transformers", "tokenizers",
              "accelerate", "onnxruntime", "hydra-core", "optuna", "datasets")  # fmt: skip


def code_version() -> dict[str, Any]:
    """The commit of the checkout that runs, and whether it was changed since; None outside of one."""
    root = Path(tagger.__file__).parent.parent
    commit = _git(root, "rev-parse", "HEAD")
    # A package installed into somebody's own repository is not that repository.
    is_ours = commit is not None and _git(root, "ls-files", "tagger/__init__.py") == "tagger/__init__.py"
    if not is_ours:
        return {"commit": None, "dirty": None}
    return {"commit": commit, "dirty": bool(_git(root, "status", "--porcelain", "--untracked-files=no"))}


def _git(root: Path, *arguments: str) -> str | None:
    command = ["git", "-C", str(root), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def library_versions() -> dict[str, str]:
    """Name -> version of the libraries that are installed, Python among them."""
    versions = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def describe_machine() -> dict[str, Any]:
    """Processor, cores, memory in GiB and GPU; no host or user name."""
    return {
        "platform": platform.platform(), "processor": _processor(), "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1), "gpu": _gpu(),
    }  # fmt: skip


def peak_memory() -> dict[str, int]:
    """The most memory that this process has held so far, earlier runs of a search or multirun among it.

    Returns
    -------
    dict
        ``peak_memory_mib``, and ``peak_gpu_memory_mib`` where there is a GPU and torch was imported; in MiB.
    """
    # Linux counts in KiB, macOS in bytes.
    unit = 2**20 if sys.platform == "darwin" else 2**10
    found = {"peak_memory_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit)}
    torch = sys.modules.get("torch")  # a run that did not load it used no GPU
    if torch is not None and torch.cuda.is_available():
        found["peak_gpu_memory_mib"] = round(torch.cuda.max_memory_allocated() / 2**20)
    return found


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def _gpu() -> str | None:
    torch = sys.modules.get("torch")  # a run that did not load it used no GPU
    return torch.cuda.get_device_name() if torch is not None and torch.cuda.is_available() else None
