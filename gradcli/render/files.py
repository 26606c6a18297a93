"""Files: written under another name first, so that a reader never sees half of one and a failure leaves the old one."""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from gradcli.engine.errors import fail


def write_atomically(path: str | Path, content: str | bytes | Iterable[str]) -> None:
    """Writes a file whole or not at all; ``content`` may come in parts. Raises G301 where it cannot be written."""
    target = Path(path)
    parts = [content] if isinstance(content, (str, bytes)) else content
    data = (part.encode() if isinstance(part, str) else part for part in parts)
    try:
        if target.exists() and not target.is_file():  # /dev/stdout, a pipe: nothing to replace
            with target.open("wb") as device:
                device.writelines(data)
            return
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask()
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.writelines(data)
            os.chmod(temporary, mode)
            os.replace(temporary, target)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
            raise
    except OSError as error:
        raise fail("G301", f"cannot write {path}: {error.strerror or error}") from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def npy_bytes(arrays: dict[str, Any], path: str) -> bytes:
    """One array as .npy. Raises G101 where there are several."""
    arrays = {k: v for k, v in arrays.items() if k != "value"} or arrays
    if len(arrays) != 1:
        raise fail(
            "G101", f"{path} can hold one array, and there are {len(arrays)}: {', '.join(arrays) or 'none'}",
            hint="write to a .npz file, or pick one with --wrt",
        )  # fmt: skip
    out = io.BytesIO()
    np.save(out, next(iter(arrays.values())), allow_pickle=False)
    return out.getvalue()


def npz_bytes(arrays: dict[str, Any], path: str) -> bytes:
    """Named arrays as .npz. Raises G101 where there are none."""
    if not arrays:
        raise fail("G101", f"there are no arrays to write to {path}", hint="write .json, .csv, .md or .txt")
    out = io.BytesIO()
    np.savez(out, **arrays)
    return out.getvalue()
