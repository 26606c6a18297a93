"""Products of matrices use as many threads as their size is worth, and leave the number as it was."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradcli.numpy as gnp
from gradcli.engine.api import grad, jit
from gradcli.engine.execute.compiled import compile_program
from gradcli.engine.ops import blas
from gradcli.engine.ops.dot import multiplications
from gradcli.engine.staging import make_jaxpr


class Library:
    """A BLAS that counts how often it is told to use one thread."""

    def __init__(self) -> None:
        self.threads, self.calls = 4, 0

    def get(self) -> int:
        return self.threads

    def set(self, n: int) -> None:
        self.calls += n == 1
        self.threads = n


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Library:
    fake = Library()
    monkeypatch.setattr(blas, "_library", lambda: (fake.get, fake.set))
    return fake


def square(n: int) -> Any:
    return np.random.default_rng(0).normal(size=(n, n))


@pytest.mark.parametrize(("n", "alone"), [(8, False), (64, True)])
def test_small_products_run_on_one_thread(library: Library, n: int, alone: bool) -> None:
    f = jit(lambda a: gnp.sum(gnp.tanh(a @ a)))
    for _ in range(2):  # the first run, and the compiled one
        f(square(n))
        assert (library.calls > 0) is alone and library.threads == 4
    before = library.calls
    grad(lambda a: gnp.sum(gnp.linalg.solve(a, a @ a)))(square(n))
    assert (library.calls > before) is alone and library.threads == 4


def test_programs_with_a_large_product_keep_their_threads(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("gradcli.engine.execute.compiled", "gradcli.engine.ops.blas"):
        monkeypatch.setattr(f"{module}.LARGE", 50_000)
    compile_program(make_jaxpr(lambda a: (a @ a) @ a)(square(64)))([square(64)])
    assert library.calls == 0
    compile_program(make_jaxpr(lambda a: (a @ a[:, 0]) @ a)(square(128)))([square(128)])
    assert library.calls and library.threads == 4


def test_the_number_is_restored_where_something_raises(library: Library) -> None:
    with pytest.raises(ZeroDivisionError), blas.OneThread():
        assert library.threads == 1
        raise ZeroDivisionError
    assert library.threads == 4


def test_the_library_that_numpy_brought_along_answers() -> None:
    found = blas._library()
    if found is None:
        pytest.skip("NumPy has no OpenBLAS of its own, or there is one core")
    before = found[0]()
    with blas.OneThread(), blas.OneThread():
        assert found[0]() == 1
    assert found[0]() == before


@pytest.mark.parametrize(
    ("a", "b", "numbers"),
    [
        ((3, 4), (4, 5), (((1,), (0,)), ((), ()))),
        ((7, 3, 4), (7, 4, 5), (((2,), (1,)), ((0,), (0,)))),
        ((4, 3), (4,), (((0,), (0,)), ((), ()))),
    ],
)
def test_multiplications(a: tuple[int, ...], b: tuple[int, ...], numbers: Any) -> None:
    x, y = (make_jaxpr(lambda v: v)(np.ones(shape)).in_types[0] for shape in (a, b))
    assert multiplications(x, y, numbers) == (60 if len(b) > 1 else 12)
