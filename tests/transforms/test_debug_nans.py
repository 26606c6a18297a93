"""The setting ``debug_nans``: the first nan raises, with the line of the user's code, wherever it comes from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradcli import lax
from gradcli import numpy as gnp
from gradcli.engine.api import grad, jit, jvp, vmap
from gradcli.engine.settings import override


def root(x: Any) -> Any:
    return gnp.sqrt(x) * 0.0  # the line that is named


def looped(x: Any) -> Any:
    return lax.fori_loop(0, 3, lambda i, c: gnp.log(c), x)


CASES: list[tuple[Any, Any]] = [
    (root, -1.0),
    (jit(root), -1.0),
    (grad(root), 0.0),  # 0.5/0 is inf, and inf times 0 is nan
    (lambda x: jvp(root, (x,), (1.0,))[1], 0.0),
    (vmap(grad(root)), np.zeros(2)),
    (jit(vmap(grad(root))), np.zeros(2)),
]


@pytest.mark.parametrize(("f", "x"), CASES)
def test_the_line_is_named(f: Any, x: Any) -> None:
    f(x)
    with override(debug_nans=True):
        with pytest.raises(FloatingPointError, match="invalid value .* at .*test_debug_nans") as error:
            f(x)
    assert error.value.diagnostic.location.text.startswith("return gnp.sqrt(x)")


@pytest.mark.parametrize("f", [looped, jit(looped), lambda x: jit(looped)(x) + 1.0])
def test_loops(f: Any) -> None:
    with override(debug_nans=True), pytest.raises(FloatingPointError, match="nan"):
        f(0.5)


def test_what_is_sound_stays_as_it_is() -> None:
    for f in (root, jit(root), grad(root), jit(grad(root))):
        with override(debug_nans=True, debug_infs=True):
            assert float(f(2.0)) == 0.0
    with override(debug_nans=True):
        assert float(gnp.log(gnp.asarray(0.0))) == -np.inf
    with override(debug_infs=True), pytest.raises(FloatingPointError, match="inf"):
        gnp.log(gnp.asarray(0.0))
