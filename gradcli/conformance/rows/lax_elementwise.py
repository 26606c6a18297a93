"""Rows of ``gradcli.lax``: functions of single elements."""

from __future__ import annotations

import numpy as np

from gradcli.conformance.row import ABOVE, POSITIVE, UNIT, WIDE, Draw, Row, rows_of

Case = rows_of("lax")
real = Draw(21)

A, B, V = real((2, 3)), real((2, 3)), real((3,))
Z, Y = A + 1j * B, real((2, 3)) + 1j * real((2, 3))
INTS, OTHERS = np.array([[3, -1, 2], [0, 5, -4]]), np.array([[2, 3, -2], [1, -3, 5]])
POWERS = real((3,), POSITIVE)
BOOLS = np.array([[True, False, True], [False, True, True]])
STEPS = "piecewise constant: differences see steps"
BITS = "about bits"


def each(names: str, *domains: tuple[float, float], order: int = 2, complex: bool | None = None) -> list[Row]:
    """One case a name, with one array a domain."""
    return [Case(n, tuple(real((3,), d) for d in domains), order=order, complex=complex) for n in names.split()]


SMOOTH = [
    *each("abs exp exp2 expm1 sin cos tan sinh cosh tanh asinh atan logistic square neg", (0.2, 1.2)),
    *each("log log1p sqrt rsqrt reciprocal", POSITIVE),
    *each("cbrt", (0.3, 2.0)),
    *each("asin acos atanh", UNIT),
    *each("acosh", ABOVE),
    *each("conj", WIDE),
    *[Case("sign", (x,), complex=False) for x in (V,)],  # of complex numbers: 0, as in JAX, though it is not
    *each("floor ceil round", (0.1, 0.4)),
    *each("add sub mul max min atan2", WIDE, WIDE),
    *each("div pow", POSITIVE, POSITIVE),
    *each("rem", (2.2, 2.8), (0.95, 1.05)),
    *each("complex", WIDE, WIDE),
    *[Case("integer_pow", (A,), {"y": y}) for y in (-2, 0, 1, 3)],
    *[Case(n, (Z,), id="complex") for n in ("abs", "real", "imag", "conj", "exp", "log", "tanh", "logistic")],
    *[Case(n, (Z, Y), id="complex") for n in ("add", "mul", "div", "pow", "max", "min")],
    *[Case(n, (INTS,), order=0, id="int") for n in ("abs", "sign", "neg", "square")],
    *[Case(n, (INTS, OTHERS), order=0, id="int") for n in ("add", "mul", "div", "rem", "max", "min")],
    Case("add", (A,), call=lambda f, x: f(x, 2.0), id="number"),
    Case("mul", (A,), call=lambda f, x: f(2.0, x), id="number"),
    Case("pow", (A,), {"y": 3}),
    Case("pow", (POWERS, np.array([2, -1, 0])), complex=False),  # of integer exponents: no tangent
    Case("pow", (Z,), call=lambda f, x: f(x, 3), id="complex"),
    Case("clamp", (A,), call=lambda f, x: f(-1.0, x, 1.0)),
    Case("clamp", (np.full((2, 3), -0.5), A, np.full((2, 3), 0.7))),
    Case("clamp", (INTS,), call=lambda f, x: f(-1, x, 3), order=0),
    Case("select", (A, B), call=lambda f, x, y: f(BOOLS, x, y)),
    Case("select_n", (A, B), call=lambda f, x, y: f(BOOLS, x, y)),
    Case("select_n", (V, V * 2, V * V), call=lambda f, *xs: f(np.array([2, 0, 1], np.int32), *xs)),
    Case("select_n", (A, B), call=lambda f, x, y: f(np.True_, x, y), id="scalar"),
    Case("stop_gradient", (A,), order=0, why="has no derivative where differences see one"),
    Case("stop_gradient", (A,), call=lambda f, x: x * f(x), order=0, why="the same", id="product"),
    Case("nextafter", (V, np.array([9.0, -9.0, V[2]])), order=0, why=STEPS, single=None),
    *[Case("round", (A * 3,), {"m": m}, lambda f, x, m: f(x, m), order=0, why=STEPS) for m in (0, 1)],
    *[
        Case("reduce_precision", (A,), {"exponent_bits": e, "mantissa_bits": m}, order=0, why=STEPS)
        for e, m in ((5, 10), (8, 7), (11, 2), (11, 52))
    ],
    Case("reduce_precision", (np.array([1.0001, 65520.0, 1e-8, -3e5, np.nan, np.inf, 0.1]),),
         {"exponent_bits": 5, "mantissa_bits": 10}, order=0, why=STEPS, single=None),
    Case("reduce_precision", (np.array([1.00390625, 1.01171875, -1e-39, 3.3e38], np.float32),),
         {"exponent_bits": 8, "mantissa_bits": 7}, order=0, why=STEPS),
    Case("reduce_precision", (np.array([1.4, 1.6, 3.0]),), {"exponent_bits": 11, "mantissa_bits": 0}, order=0,
         why=STEPS),
]  # fmt: skip

TESTS = [
    *each("eq ne lt le gt ge", WIDE, WIDE, order=0),
    *[Case(n, (A, A), order=0, id="equal") for n in ("eq", "ne", "lt", "le", "gt", "ge")],
    *[Case(n, (BOOLS, ~BOOLS), order=0, id="bool") for n in ("eq", "lt", "bitwise_and", "bitwise_or", "bitwise_xor")],
    *[Case(n, (Z, Z), order=0, id="complex") for n in ("eq", "ne")],
    Case("is_finite", (np.array([1.0, np.nan, np.inf, -np.inf]),), order=0),
]

WORDS = {t: np.array([0, 1, 7, np.iinfo(t).max, 100], t) for t in ("int8", "uint8", "int32", "uint32", "int64")}
INTEGERS = [
    *[Case(n, (INTS, OTHERS), order=0) for n in ("bitwise_and", "bitwise_or", "bitwise_xor")],
    *[Case("bitwise_not", (x,), order=0) for x in (INTS, BOOLS)],
    *[
        Case(n, (x, np.array([1, 2, 0, 3, 5], x.dtype)), order=0)
        for n in ("shift_left", "shift_right_arithmetic", "shift_right_logical")
        for x in (np.array([3, -1, 2, -7, 5]), np.array([3, 200, 255, 0, 128], np.uint8))
    ],
    *[
        Case(n, (np.array([5, -5, 1], np.int32), np.array([32, 40, 31], np.int32)), order=0, id="far")
        for n in ("shift_left", "shift_right_arithmetic", "shift_right_logical")
    ],
    *[Case(n, (x,), order=0) for n in ("population_count", "clz") for x in WORDS.values()],
    Case("clz", (np.array([0, 1, 7, 2**31 - 1, -1], np.int32),), order=0, id="negative"),
    Case("mulhi", (np.array([2**31 - 1, -5], np.int32), np.array([2**30, 7], np.int32)), order=0),
    Case("mulhi", (np.array([-(2**62), 2**61 + 9]), np.array([2**60 + 3, -(2**59)])), order=0),
    Case("mulhi", (np.array([2**64 - 1, 12], np.uint64), np.array([2**64 - 1, 2**63], np.uint64)), order=0),
]

TYPES = [
    *[
        Case("convert_element_type", (A,), {"new_dtype": t}, order=0, why="not a smooth function", single=None)
        for t in ("int32", "bool", "float32")
    ],
    Case("convert_element_type", (A,), {"new_dtype": "float64"}, single=None, complex=False),
    Case("convert_element_type", (A,), {"new_dtype": "complex128"}, single=None),
    *[Case("convert_element_type", (INTS,), {"new_dtype": t}, order=0) for t in ("uint8", "float64", "bool", int)],
    *[
        Case("bitcast_convert_type", (x,), {"new_dtype": t}, order=0, why=BITS)
        for x, t in (
            (np.array([1.5, -0.0], np.float32), "uint32"), (np.array([1.5, -2.0], np.float32), "uint16"),
            (np.array([[0, 16320], [1, 2]], np.uint16), "float32"), (np.float32(3.25), "int16"),
            (np.arange(8, dtype=np.uint8).reshape(2, 4), "int32"),
        )
    ],
]  # fmt: skip

SPECIAL = [
    *each("digamma lgamma bessel_i0e bessel_i1e erf erfc", POSITIVE),
    *each("erf_inv", UNIT),
    Case("digamma", (np.array([-0.4, -1.7, 6.5]),), id="negative"),
    Case("lgamma", (np.array([-0.4, -1.7, 6.5]),), id="negative"),
    *[Case(n, (np.array([-3.5, 0.2, 20.0]),), id="far") for n in ("bessel_i0e", "bessel_i1e")],
    Case("betainc", (np.array([0.5, 2.0]), np.array([1.5, 0.7]), np.array([0.3, 0.8])), tolerance=1e-5, jax=False),
    Case(
        "betainc",
        (np.array([0.3, 0.8]),),
        call=lambda f, x: f(np.array([0.5, 2.0]), np.array([1.5, 0.7]), x),
        single=None,
    ),
    *[Case(n, (np.array([0.7, 3.0]), np.array([1.1, 2.5]))) for n in ("igamma", "igammac")],
    Case("igamma_grad_a", (np.array([0.7, 3.0]), np.array([1.1, 2.5])), jax=False),
    Case("igamma_grad_a", (np.array([0.7, 3.0]), np.array([1.1, 2.5])), order=0, why="JAX has no derivative"),
    Case("random_gamma_grad", (np.array([0.7, 3.0]), np.array([1.1, 2.5])), jax=False),
    Case("random_gamma_grad", (np.array([0.7, 3.0]), np.array([1.1, 2.5])), order=0, why="JAX has no derivative"),
    Case("polygamma", (np.array([0.7, 3.0]),), call=lambda f, x: f(np.array([1.0, 2.0]), x), single=None),
    Case("zeta", (np.array([1.7, 3.0]), np.array([0.7, 3.0])), jax=False),  # there not differentiable
    Case("zeta", (np.array([1.7, 3.0]), np.array([0.7, 3.0])), order=0, why="JAX has no derivative"),
]

ROWS = [*SMOOTH, *TESTS, *INTEGERS, *TYPES, *SPECIAL]
