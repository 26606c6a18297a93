"""Programs of jitted functions, looked at and compiled ahead of time."""

from __future__ import annotations

import numpy as np
import pytest

from gradcli import numpy as gnp
from gradcli.engine.api import grad, jit


def test_lower_compile_and_call() -> None:
    f = jit(lambda x, k=2.0: {"a": gnp.sin(x) * k})
    lowered = f.lower(np.ones(3), k=3.0)
    assert "sin" in lowered.as_text() and lowered.out_info["a"].shape == (3,)
    compiled = lowered.compile()
    np.testing.assert_allclose(compiled(np.zeros(3) + 0.5, k=3.0)["a"], 3 * np.sin(np.full(3, 0.5)))
    assert "sin" in compiled.as_text()
    with pytest.raises(TypeError, match="compiled for"):
        compiled(np.ones(4), k=3.0)


def test_types_of_the_result_without_running() -> None:
    assert jit(grad(lambda x: gnp.sum(x * x))).eval_shape(np.ones((2, 3))).shape == (2, 3)
    assert str(jit(lambda x: x * x).trace(1.5).jaxpr) == "{ lambda ; a:f64[]. let b:f64[] = mul a a in (b,) }"
