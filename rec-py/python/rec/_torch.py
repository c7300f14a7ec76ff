"""Finds LibTorch in the installed torch, for the build of this package that uses it."""

from __future__ import annotations

import ctypes
import importlib.metadata
import importlib.util
import sys
from pathlib import Path

VERSION = "2.9.0"
"""The version of torch whose libraries the package is built against."""


def is_missing(error: ImportError) -> bool:
    """Whether the extension failed to load for want of LibTorch."""
    return "libtorch" in str(error) or "libc10" in str(error)


def load() -> None:
    """Loads LibTorch's libraries into the process, without importing torch.

    Raises
    ------
    ImportError
        Where torch is not installed, or in another version.
    """
    wanted = f"this build of rec-py uses LibTorch: run  pip install torch=={VERSION}"
    try:
        version = importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        raise ImportError(wanted) from None
    if version.partition("+")[0] != VERSION:
        raise ImportError(f"{wanted}  (torch {version} is installed)")
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        raise ImportError(wanted)
    folder = Path(spec.origin).parent / "lib"
    for name in _libraries():
        path = folder / name
        if path.exists():
            ctypes.CDLL(str(path), mode=ctypes.RTLD_GLOBAL)


def _libraries() -> list[str]:
    """The libraries the extension names, those they need before them."""
    names = ["c10", "torch_cpu", "c10_cuda", "torch_cuda", "torch"]
    if sys.platform == "darwin":
        return [f"lib{name}.dylib" for name in names]
    if sys.platform == "win32":
        return [f"{name}.dll" for name in names]
    return [f"lib{name}.so" for name in names]
