"""What the table cannot say: least squares, files, errors, index objects, and functions of unknown values."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gradcli.numpy as gnp
from gradcli.engine.api import jit, make_jaxpr, vmap
from gradcli.engine.errors import ConcretizationTypeError
from tests.engine.harness import check_operation, numpy_of

X = np.linspace(-1, 2, 7)
Y = np.sin(X)
V = np.array([0.5, -1.0, 2.0])


def same(found: Any, expected: Any, rtol: float = 1e-12) -> None:
    assert numpy_of(found).shape == np.shape(expected)
    np.testing.assert_allclose(numpy_of(found), expected, rtol=rtol, atol=rtol)


# --- polynomials ----------------------------------------------------------------------------------------------------


def test_polyfit() -> None:
    weights = np.linspace(1, 2, 7)
    same(gnp.polyfit(X, Y, 3), np.polyfit(X, Y, 3), 1e-9)
    same(gnp.polyfit(X, np.stack([Y, Y**2], 1), 2), np.polyfit(X, np.stack([Y, Y**2], 1), 2), 1e-9)
    same(gnp.polyfit(X, Y, 2, w=weights), np.polyfit(X, Y, 2, w=weights), 1e-9)
    for cov in (True, "unscaled"):
        for found, expected in zip(gnp.polyfit(X, Y, 2, cov=cov), np.polyfit(X, Y, 2, cov=cov), strict=True):
            same(found, expected, 1e-9)
    found = gnp.polyfit(X, Y, 2, full=True)
    for f, g in zip(found, np.polyfit(X, Y, 2, full=True), strict=True):
        same(numpy_of(f).reshape(np.shape(g)), g, 1e-9)
    check_operation(lambda y: gnp.polyfit(X, y, 2), (Y,), order=1)


POLYNOMIALS = [[1.0, -3.0, 2.0], [2.0, 0.0, 2.0], [0.0, 0.0, 1.0, -1.0], [1.0, 0.0, 0.0], [3.0], [0.0, 0.0]]


@pytest.mark.parametrize("p", POLYNOMIALS)
def test_roots(p: list[float]) -> None:
    expected = np.sort_complex(np.roots(p))
    same(np.sort_complex(numpy_of(gnp.roots(np.array(p)))), expected, 1e-9)
    kept = numpy_of(jit(lambda q: gnp.roots(q, strip_zeros=False))(np.array(p)))
    assert len(kept) == len(p) - 1
    finite = kept[np.isfinite(kept)]
    if any(p):
        same(np.sort_complex(finite), expected, 1e-9)
        assert np.isfinite(kept[: len(finite)]).all()
    else:
        assert not len(finite)


def test_poly_of_a_matrix() -> None:
    m = np.array([[1.0, 2.0], [3.0, 4.0]])
    same(gnp.poly(m), np.poly(m), 1e-9)
    assert gnp.poly(np.zeros(0)).shape == ()


def test_polynomials_trimmed() -> None:
    quotient, rest = gnp.polydiv(np.array([1.0, 5.0, 6.0]), np.array([1.0, 2.0]), trim_leading_zeros=True)
    same(quotient, [1.0, 3.0])
    assert rest.size == 0
    same(gnp.polymul(np.array([0.0, 1.0]), np.array([0.0, 0.0, 2.0, 1.0]), trim_leading_zeros=True), [2.0, 1.0])
    same(gnp.polymul([1, 2], [3]), [3.0, 6.0])


# --- files and text -------------------------------------------------------------------------------------------------


def test_files(tmp_path: Path) -> None:
    gnp.save(tmp_path / "x.npy", gnp.asarray(V))
    same(gnp.load(tmp_path / "x.npy"), V)
    with io.BytesIO() as file:
        gnp.savez(file, gnp.asarray(V), y=2 * V)
        file.seek(0)
        archive = gnp.load(file)
        same(archive["arr_0"], V)
        same(archive["y"], 2 * V)


def test_buffers_and_texts() -> None:
    same(gnp.frombuffer(V.tobytes(), offset=8), V[1:])
    same(gnp.fromstring("1 2.5", sep=" "), [1.0, 2.5])
    same(gnp.from_dlpack(V), V)
    assert gnp.array_repr(gnp.asarray(V)) == repr(V) and gnp.array_str(gnp.asarray(V)) == str(V)
    with gnp.printoptions(precision=1):
        assert gnp.get_printoptions()["precision"] == 1
    assert [gnp.iterable(v) for v in (V, gnp.asarray(1.0), [1], 3)] == [True, False, True, False]


# --- index objects, paths, objects of dtypes ------------------------------------------------------------------------


def test_index_objects() -> None:
    assert gnp.s_[1:2, ...] == np.s_[1:2, ...] and gnp.index_exp[3] == (3,)
    assert gnp.r_["r", V].shape == (1, 3) and gnp.r_["c", V].shape == (3, 1)
    assert len(gnp.r_) == 0 and [repr(v) for v in (gnp.mgrid, gnp.c_, gnp.s_)] == ["mgrid", "c_", "s_"]
    for found, expected in zip(gnp.mask_indices(3, gnp.triu, 1), np.mask_indices(3, np.triu, 1), strict=True):
        same(found, expected)
    grid = gnp.ix_([0, 2], np.array([True, False, True]))
    assert [v.shape for v in grid] == [(2, 1), (1, 2)] and grid[1].tolist() == [[0, 2]]
    assert gnp.broadcast_shapes((3, 1), (4,), 1) == (3, 4)
    assert [int(v) for v in gnp.unravel_index(99, (2, 3))] == [1, 2]


def test_einsum_path_is_an_order() -> None:
    arrays = [np.ones((2, 30)), np.ones((30, 3)), np.ones((3, 2))]
    path, text = gnp.einsum_path("ij,jk,kl->il", *arrays)
    assert all(isinstance(step, tuple) for step in path) and len(path) == 2 and "FLOP" in text
    for optimize in (path, ["einsum_path", *path], True, False, "greedy", "auto"):
        same(gnp.einsum("ij,jk,kl->il", *arrays, optimize=optimize), np.einsum("ij,jk,kl->il", *arrays))


def test_astype_and_kinds() -> None:
    assert gnp.astype(V, "int32").tolist() == [0, -1, 2]
    assert gnp.astype(np.array([1 + 2j]), None).tolist() == [1.0]
    assert gnp.issubdtype(np.float32, gnp.number) and issubclass(gnp.flexible, np.flexible)


def test_methods() -> None:
    x = gnp.asarray(V)
    assert x.view("int32").shape == (6,) and x.view("int64").view("float64").tolist() == V.tolist()
    assert x.compress(np.array([True, False, True])).tolist() == [0.5, 2.0]
    assert gnp.asarray(np.array([1, 0])).choose([np.array([1, 2]), np.array([3, 4])]).tolist() == [3, 2]
    assert x.argpartition(1).tolist() == [1, 0, 2]
    with pytest.raises(TypeError, match="no multiple"):
        gnp.zeros(3, "int32").view("int64")


@pytest.mark.parametrize(
    ("name", "args"),
    [("split", (3,)), ("array_split", (2,)), ("split", ([1],)), ("tile", (2,)), ("unstack", ()), ("roll", (1,))],
)
@pytest.mark.oracle
def test_programs_are_jaxs(name: str, args: Any) -> None:
    jax = pytest.importorskip("jax")
    mine = make_jaxpr(lambda x: getattr(gnp, name)(x, *args))(V)
    theirs = jax.make_jaxpr(lambda x: getattr(jax.numpy, name)(x, *args))(V)
    inner = [e.params["jaxpr"].jaxpr if "jaxpr" in e.params else theirs for e in theirs.eqns[:1]][0]
    assert [e.primitive.name for e in mine.eqns] == [e.primitive.name for e in inner.eqns]


# --- unknown values -------------------------------------------------------------------------------------------------


def test_what_works_under_jit() -> None:
    mask = np.array([True, False, True])
    same(jit(lambda m, x: gnp.compress(m, x, size=3, fill_value=9))(mask, V), [0.5, 2.0, 9.0])
    same(jit(lambda m, x: gnp.extract(m, x, size=1))(mask, V), [0.5])
    same(jit(lambda i, x: gnp.delete(x, i, assume_unique_indices=True))(np.array([-1, 0]), V), [-1.0])
    same(jit(lambda i, x: gnp.insert(x, i, 9.0))(np.array([1, 3]), V), [0.5, 9.0, -1.0, 2.0, 9.0])
    same(jit(lambda n, x: gnp.repeat(x, n, total_repeat_length=4))(np.array([2, 0, 1]), V), [0.5, 0.5, 2.0, 2.0])
    same(jit(lambda i: gnp.bincount(i, length=3))(np.array([0, 2, 2, 7, -1])), [2, 0, 2])
    same(vmap(lambda n: gnp.roll(V, n))(np.array([0, 1, -5])), [np.roll(V, n) for n in (0, 1, -5)])
    m = np.arange(6.0).reshape(2, 3)
    same(jit(lambda n: gnp.roll(m, (n, -n), (0, 1)))(1), np.roll(m, (1, -1), (0, 1)))
    same(jit(lambda n: gnp.choose(n, [V, -V, 2 * V], mode="wrap"))(np.array([0, 4, 8])), [0.5, 1.0, 4.0])
    same(jit(lambda x: gnp.ravel_multi_index((x, x), (3, 3), mode="ignore"))(np.array([1, 2])), [4, 8])


UNKNOWN = {
    "compress": lambda x: gnp.compress(x > 0, x),
    "delete": lambda x: gnp.delete(V, x.astype(int)),
    "repeat": lambda x: gnp.repeat(V, x.astype(int)),
    "bincount": lambda x: gnp.bincount(x.astype(int)),
    "choose": lambda x: gnp.choose(x.astype(int), [V, V]),
    "trim_zeros": gnp.trim_zeros,
    "roots": gnp.roots,
    "array_str": gnp.array_str,
    "ravel_multi_index": lambda x: gnp.ravel_multi_index((x.astype(int),), (3,)),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_needs_known_values_says_so(name: str) -> None:
    with pytest.raises(ConcretizationTypeError):
        jit(UNKNOWN[name])(V)


# --- replacing ------------------------------------------------------------------------------------------------------


def replaced(name: str, x: Any, *args: Any, **options: Any) -> Any:
    x = x.copy()
    getattr(np, name)(x, *args, **options)
    return x


def test_replacing() -> None:
    a = np.arange(6.0).reshape(2, 3)
    same(gnp.place(a, a > 1, V, inplace=False), replaced("place", a, a > 1, V))
    same(gnp.put(a, np.array([0, -1]), V, inplace=False), replaced("put", a, [0, -1], V))
    for mode in ("clip", "wrap"):
        same(gnp.put(a, np.array([7, -9, 2]), V, mode, inplace=False), replaced("put", a, [7, -9, 2], V, mode))
    same(gnp.put(a, np.array([99, 1]), V, inplace=False), replaced("put", a, [1], V[1:]))
    same(gnp.fill_diagonal(a, 9.0, inplace=False), replaced("fill_diagonal", a, 9.0))
    cube = np.zeros((2, 2, 2))
    same(gnp.fill_diagonal(cube, V, inplace=False), replaced("fill_diagonal", cube, V))
    check_operation(lambda x, v: gnp.place(x, a > 1, v, inplace=False), (a, V), order=1)
    check_operation(lambda x, v: gnp.put(x, np.array([4, 0]), v[:2], inplace=False), (a, V), order=1)
    check_operation(lambda x, v: gnp.fill_diagonal(x, v, inplace=False), (a, V), order=1)


def test_pad_by_a_function_and_empty() -> None:
    def ends(line: Any, width: Any, axis: int, options: Any) -> Any:
        return line.at[: width[0]].set(options["value"])

    same(gnp.pad(V, (2, 1), ends, value=7.0), [7.0, 7.0, 0.5, -1.0, 2.0, 0.0])
    assert gnp.pad(V, 2, "empty").shape == (7,)


# --- errors ---------------------------------------------------------------------------------------------------------

ERRORS: list[tuple[Any, type[Exception], str]] = [
    (lambda: gnp.place(V, V > 0, V), ValueError, "in place"),
    (lambda: gnp.fill_diagonal(V, 1.0, inplace=False), ValueError, "matrix"),
    (lambda: gnp.put(V, 0, 1.0, "raise", inplace=False), NotImplementedError, "raise"),
    (lambda: gnp.choose(V, [V]), ValueError, "integers"),
    (lambda: gnp.choose(np.array([2]), [V, V]), ValueError, "outside"),
    (lambda: gnp.piecewise(V, [V > 0], []), ValueError, "1 or 2 functions"),
    (lambda: gnp.compress(np.ones(4, bool), V), ValueError, "beyond"),
    (lambda: gnp.compress(np.ones(3, bool), V, size=4), ValueError, "there are 3"),
    (lambda: gnp.delete(V, 3), ValueError, "out of bounds"),
    (lambda: gnp.delete(V, np.ones(2, bool)), ValueError, "mask of 3"),
    (lambda: gnp.insert(V, 0.5, 1.0), ValueError, "an integer"),
    (lambda: gnp.gradient(V, 1.0, 2.0), TypeError, "2 distances"),
    (lambda: gnp.gradient(V[:1]), ValueError, "fewer than two"),
    (lambda: gnp.gradient(V, V[:2]), ValueError, "coordinates"),
    (lambda: gnp.unwrap(V + 0j), ValueError, "complex"),
    (lambda: gnp.cumulative_sum(np.ones((2, 2))), ValueError, "needs an axis"),
    (lambda: gnp.gcd(V, 1), ValueError, "integers"),
    (lambda: gnp.packbits(V), TypeError, "integers or bools"),
    (lambda: gnp.packbits(np.ones(2, int), bitorder="middle"), ValueError, "order of bits"),
    (lambda: gnp.unpackbits(np.ones(2, int)), TypeError, "uint8"),
    (lambda: gnp.frexp(V + 0j), TypeError, "complex"),
    (lambda: gnp.ldexp(V, V), ValueError, "an integer"),
    (lambda: gnp.polyfit(V, V, -1), ValueError, "degree"),
    (lambda: gnp.polyfit(V, V[:2], 1), TypeError, "of its length"),
    (lambda: gnp.polyint(V, 2, V), ValueError, "one constant or 2"),
    (lambda: gnp.polyder(V, -1), ValueError, "negative"),
    (lambda: gnp.poly(np.ones((2, 3))), ValueError, "square"),
    (lambda: gnp.roots(np.ones((2, 2))), ValueError, "vector"),
    (lambda: gnp.histogram(V, bins="auto"), NotImplementedError, "rule"),
    (lambda: gnp.histogram(V, weights=V[:2]), ValueError, "shapes differ"),
    (lambda: gnp.histogramdd(np.ones((3, 2)), [2]), ValueError, "bins for each"),
    (lambda: gnp.bincount(V), TypeError, "integers"),
    (lambda: gnp.ravel_multi_index((5,), (3,)), ValueError, "outside"),
    (lambda: gnp.ravel_multi_index((1, 1), (2, 2), order="K"), ValueError, "order"),
    (lambda: gnp.ravel_multi_index((1,), (300,), dtype="int8"), ValueError, "int8"),
    (lambda: gnp.block([[V], V]), ValueError, "one depth"),
    (lambda: gnp.block((V, V)), TypeError, "tuples"),
    (lambda: gnp.r_["x", V], ValueError, "directive"),
    (lambda: gnp.broadcast_shapes((2,), (3,)), ValueError, "broadcast together"),
    (lambda: gnp.fromiter([1.0], float), NotImplementedError, "from what changes"),
    (lambda: gnp.pad(V, 1, "mirror"), NotImplementedError, "mirror"),
    (lambda: gnp.pad(V, 1, "edge", stat_length=1), ValueError, "no option"),
    (lambda: gnp.pad(V, 1.5), TypeError, "integers as widths"),
    (lambda: gnp.pad(V, ((1, 1), (1, 1))), ValueError, "each of 1 axes"),
    (lambda: gnp.quantile(V, 0.5, weights=V), NotImplementedError, "no weights"),
    (lambda: gnp.cov(V, aweights=V[:2]), RuntimeError, "observations"),
    (lambda: gnp.cov(V, fweights=V), TypeError, "integers"),
    (lambda: gnp.interp(V, V, V, left="nearest"), ValueError, "extrapolate"),
    (lambda: gnp.kaiser(-1, 1.0), ValueError, "elements"),
    (lambda: gnp.apply_over_axes(lambda x, axis: x.ravel()[0], np.ones((2, 2)), [0]), ValueError, "the function made"),
]


@pytest.mark.parametrize(("call", "error", "message"), ERRORS, ids=[f"{i}-{m}" for i, (_, _, m) in enumerate(ERRORS)])
def test_errors(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


@pytest.mark.oracle
def test_every_name_of_jax_numpy_but_dtypes_that_numpy_lacks() -> None:
    jax = pytest.importorskip("jax")
    missing = {n for n in dir(jax.numpy) if not n.startswith("_")} - set(gnp.__all__)
    assert {n for n in missing if n not in dir(np) and not re.match(r"(float[468]_|bfloat|u?int[124]$)", n)} == set()
    assert not missing & set(dir(np))
