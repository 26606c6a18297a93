"""vmap over index arrays against a loop."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli.engine.api import vmap
from gradcli.engine.array import raw
from tests.engine.harness import numpy_of


def check_vmap_of_indices(f: Any, values: list[Any], i: Any) -> None:
    """vmap over indices alone, and with each and all of the other operands; in front and at the end."""
    rows = np.stack([i, np.flip(i, 0), i + 1])
    for chosen in [[], *([k] for k in range(len(values))), list(range(len(values)))]:
        for last in (False, True):
            axis = rows.ndim - 1 if last else 0
            args = [np.stack([v, v + 1, v * 2]) if k in chosen else v for k, v in enumerate(values)]
            in_axes = [0 if k in chosen else None for k in range(len(values))]
            mapped = vmap(f, (*in_axes, axis))(*args, np.moveaxis(rows, 0, axis))
            loop = [f(*[a[b] if k in chosen else a for k, a in enumerate(args)], rows[b]) for b in range(3)]
            np.testing.assert_allclose(raw(mapped), np.stack([numpy_of(v) for v in loop]), rtol=1e-13)
