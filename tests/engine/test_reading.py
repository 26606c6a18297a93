"""Reading parts of an array many times: cotangents are added in place, and nothing else sees it."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli import numpy as gnp
from gradcli.engine.api import check_grads, grad, jacfwd, jacrev, vjp, vmap
from gradcli.engine.array import raw
from gradcli.engine.transforms import split

A = np.arange(12.0).reshape(4, 3) / 7


def neighbours(x: Any) -> Any:
    total = x[0] * 0.0
    for i in range(3):
        total = total + gnp.sin(x[i]) * x[i + 1] + x[i, 0] * x[-1, ::2].sum()
    return total


def test_derivatives_of_loops_over_rows() -> None:
    check_grads(neighbours, (A,), order=2)
    np.testing.assert_allclose(raw(jacrev(neighbours)(A)), raw(jacfwd(neighbours)(A)), rtol=1e-12)
    batch = np.stack([A, A + 1])
    both = [raw(grad(lambda x: neighbours(x).sum())(a)) for a in batch]
    np.testing.assert_allclose(raw(vmap(grad(lambda x: neighbours(x).sum()))(batch)), both, rtol=1e-12)


def test_pulling_twice_gives_the_same() -> None:
    """What is added to in place is made anew each time, even where the whole array has a cotangent of its own."""
    _, pull = vjp(lambda x: (x, x[0], x[1] * 2.0, x[0] + x[1]), A)
    cotangents = (np.ones_like(A), np.ones(3), np.ones(3), np.ones(3))
    first, second = raw(pull(cotangents)[0]).copy(), raw(pull(cotangents)[0])
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(first, 1.0 + np.array([2.0, 3.0, 0.0, 0.0])[:, None] * np.ones(3))
    np.testing.assert_array_equal(cotangents[0], np.ones_like(A))


def test_every_row_is_added_in_place(monkeypatch: Any) -> None:
    """The cost of n readings is that of n parts: the whole array is made once."""
    made: list[Any] = []
    before = split.Reading.add_into

    def counted(self: Any, ct: Any, total: dict[Any, Any], own: set[Any]) -> None:
        before(self, ct, total, own)
        made.append(total[self.eqn.inputs[0]])

    monkeypatch.setattr(split.Reading, "add_into", counted)
    grad(lambda x: sum(gnp.sum(x[i] * x[i]) for i in range(4)))(A)
    assert len(made) == 8 and all(total is made[0] for total in made)
