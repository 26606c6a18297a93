"""Every rule of simplification by itself: it applies where it should, and no bit of the result changes."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gradcli.engine.api import make_jaxpr
from gradcli.engine.array import Array
from gradcli.engine.control.remat import named
from gradcli.engine.execute.interpret import interpret
from gradcli.engine.ir.check import check_jaxpr
from gradcli.engine.ir.program import Eqn, Jaxpr
from gradcli.engine.ops import cuts
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops import shape as s
from gradcli.engine.trace.tracer import bind
from gradcli.engine.transforms.simplify import Simplifier
from gradcli.engine.transforms.simplify_table import RULES, Change, Rule, View

Function = Callable[..., Any]

REAL, COMPLEX, INTEGER = ("float32", "float64"), ("complex64", "complex128"), ("int32", "int8", "uint8")
FLOATS, NUMBERS, ALL = REAL + COMPLEX, REAL + COMPLEX + INTEGER, REAL + COMPLEX + INTEGER + ("bool",)


def special(dtype: str) -> Any:
    """The values of a dtype where identities break."""
    d = np.dtype(dtype)
    if d.kind == "b":
        return np.array([False, True])
    if d.kind in "iu":
        info = np.iinfo(d)
        return np.array([info.min, info.max, 0, 1, 2, 7, info.max - 1], d)
    if d.kind == "c":
        parts = special("float32" if d == np.complex64 else "float64")[[0, 1, 2, 3, 4, 5, 7, 9]]
        out = np.empty((len(parts), len(parts)), d)
        out.real, out.imag = parts[:, None], parts[None, :]
        return out.reshape(-1)
    info = np.finfo(d)
    tiny, least = info.tiny, info.smallest_subnormal
    return np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, least, -least, tiny / 2, tiny, 1.0, -1.0, 1.5, info.max], d)


def grid(dtypes: tuple[str, ...]) -> list[Any]:
    """Every combination of special values of the operands, at most 4096 of them."""
    columns = [special(d) for d in dtypes]
    if all(np.dtype(d).kind == "c" for d in dtypes):
        columns = [c[:: max(1, len(columns) * 2 - 1)] for c in columns]
    rows = itertools.product(*columns)
    return [np.array(c, d) for c, d in zip(zip(*rows, strict=True), dtypes, strict=True)]


def same(a: Any, b: Any) -> bool:
    """Equal in dtype, shape and every bit; a nan is a nan."""
    a, b = np.asarray(a), np.asarray(b)
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    if a.dtype.kind == "c":
        return same(a.real, b.real) and same(a.imag, b.imag)
    if a.dtype.kind == "f":
        nan = np.isnan(a)
        return bool((nan == np.isnan(b)).all()) and np.where(nan, 0, a).tobytes() == np.where(nan, 0, b).tobytes()
    return a.tobytes() == b.tobytes()


def one(x: Any, value: float) -> Any:
    return x.dtype.type(value)


def wide(x: Any, value: float) -> Any:
    return s.full(x.shape, value, x.dtype)


def square(x: Any) -> Any:
    """The operand as a matrix; the grid's length is cut to 2 columns."""
    n = x.shape[0] // 2
    return s.reshape(cuts.slice(x, (0,), (2 * n,)), (n, 2))


def slices(x: Any) -> Any:
    a = bind(cuts.slice_p, x, start_indices=(2,), limit_indices=(x.shape[0],), strides=(2,))
    return bind(cuts.slice_p, a, start_indices=(1,), limit_indices=(3,), strides=None)


def joined(x: Any) -> Any:
    both = cuts.concatenate([x, e.neg(x), x], 0)
    n = x.shape[0]
    return bind(cuts.slice_p, both, start_indices=(n + 1,), limit_indices=(2 * n,), strides=(2,))


def converted(x: Any, first: Any, then: Any) -> Any:
    return e.convert_element_type(e.convert_element_type(x, first), then)


def raw_bind(primitive: Any, **params: Any) -> Function:
    return lambda x: bind(primitive, x, **params)


CASES: dict[str, list[tuple[Function, tuple[str, ...], int]]] = {
    "broadcast operand": [
        (lambda x: e.mul(x, s.broadcast_in_dim(x[0], x.shape)), REAL + INTEGER, 1),
        (lambda x: e.lt(s.broadcast_in_dim(x[1], x.shape), x), REAL + INTEGER, 1),
        (lambda x: e.max(x, s.broadcast_in_dim(x[3], x.shape)), REAL + INTEGER, 1),
        (lambda x: e.min(s.broadcast_in_dim(x[4], x.shape), x), REAL, 1),
    ],
    "plus zero": [
        (lambda x: e.add(x, one(x, -0.0)), NUMBERS[:2] + INTEGER, 1),
        (lambda x: e.add_any(wide(x, -0.0), x), REAL + INTEGER, 1),
        (lambda x: e.add(x, x.dtype.type(complex(-0.0, -0.0))), COMPLEX, 1),
        (lambda x: e.add_any(x, np.False_), ("bool",), 1),
    ],
    "minus zero": [(lambda x: e.sub(x, one(x, 0.0)), NUMBERS, 1), (lambda x: e.sub(x, wide(x, 0.0)), NUMBERS, 1)],
    "times one": [
        (lambda x: e.mul(x, one(x, 1.0)), REAL + INTEGER + ("bool",), 1),
        (lambda x: e.mul(wide(x, 1.0), x), REAL + INTEGER, 1),
    ],
    "integer times zero": [
        (lambda x: e.mul(x, wide(x, 0)), INTEGER, 1),
        (lambda x: e.bitwise_and(wide(x, 0), x), INTEGER + ("bool",), 1),
    ],
    "over one": [(lambda x: e.div(x, one(x, 1.0)), REAL + INTEGER, 1)],
    "first power": [(lambda x: e.integer_pow(x, 1), NUMBERS, 1)],
    "even power of negative": [
        (lambda x: e.square(e.neg(x)), REAL + INTEGER, 1),
        (lambda x: e.integer_pow(e.abs(x), 4), REAL + INTEGER, 1),
        (lambda x: e.integer_pow(e.neg(x), -2), REAL, 1),
    ],
    "double negation": [
        (lambda x: e.neg(e.neg(x)), NUMBERS, 1),
        (lambda x: e.bitwise_not(e.bitwise_not(x)), INTEGER + ("bool",), 1),
        (lambda x: e.conj(e.conj(x)), COMPLEX, 1),
    ],
    "idempotent": [
        (lambda x: e.abs(e.abs(x)), REAL + INTEGER, 1),
        (lambda x: e.sign(e.sign(x)), REAL + INTEGER, 1),
        (lambda x: e.floor(e.floor(x)), REAL, 1),
        (lambda x: e.ceil(e.ceil(x)), REAL, 1),
    ],
    "size of negative": [(lambda x: e.abs(e.neg(x)), FLOATS + ("int32", "int8"), 1)],
    "plus negative": [
        (lambda x, y: e.add(x, e.neg(y)), NUMBERS, 2),
        (lambda x, y: e.add_any(e.neg(x), y), NUMBERS, 2),
    ],
    "minus negative": [(lambda x, y: e.sub(x, e.neg(y)), NUMBERS, 2)],
    "product of negatives": [
        (lambda x, y: e.mul(e.neg(x), e.neg(y)), REAL, 2),
        (lambda x, y: e.div(e.neg(x), e.neg(y)), REAL, 2),
    ],
    "with itself": [
        (lambda x: e.max(x, x), REAL + INTEGER + ("bool",), 1),
        (lambda x: e.min(x, x), REAL + INTEGER, 1),
        (lambda x: e.bitwise_and(x, x), INTEGER + ("bool",), 1),
        (lambda x: e.bitwise_or(x, x), INTEGER + ("bool",), 1),
    ],
    "logical neutral": [
        (lambda x: e.bitwise_and(x, np.True_), ("bool",), 1),
        (lambda x: e.bitwise_or(wide(x, 0), x), INTEGER + ("bool",), 1),
        (lambda x: e.bitwise_xor(x, one(x, 0)), INTEGER + ("bool",), 1),
    ],
    "negated comparison": [
        (lambda x, y: e.bitwise_not(e.eq(x, y)), ALL, 2),
        (lambda x, y: e.bitwise_not(e.ne(x, y)), ALL, 2),
    ],
    "selection known": [
        (lambda x, y: e.select_n(np.True_, x, y), ALL, 2),
        (lambda x, y: e.select_n(s.full(x.shape, False, bool), x, y), ALL, 2),
        (lambda x, y: e.select_n(np.int32(7), x, y), REAL, 2),
    ],
    "selection of one": [(lambda x, y: e.select_n(e.eq(x, y), x, x), ALL, 2)],
    "selection by negation": [(lambda x, y: e.select_n(e.bitwise_not(e.lt(x, y)), x, y), REAL + INTEGER, 2)],
    "part of complex": [
        (lambda x, y: e.real(e.complex(x, y)), REAL, 2),
        (lambda x, y: e.imag(e.complex(x, y)), REAL, 2),
    ],
    "complex of parts": [(lambda x: e.complex(e.real(x), e.imag(x)), COMPLEX, 1)],
    "copy": [(e.copy, ALL, 1)],
    "identity of values": [(e.stop_gradient_value, ALL, 1), (lambda x: named(x, "kept"), ALL, 1)],
    "reshape of reshape": [
        (lambda x: s.reshape(square(x), (x.shape[0] // 2 * 2,)), ALL, 1),
        (lambda x: s.reshape(s.expand_dims(square(x), (1,)), (x.shape[0] // 2 * 2,)), REAL, 1),
        (lambda x: s.reshape(s.squeeze(x[:2][None], (0,)), (2, 1)), REAL, 1),
    ],
    "same shape": [
        (lambda x: bind(s.reshape_p, x, new_sizes=x.shape), ALL, 1),
        (lambda x: bind(s.broadcast_in_dim_p, x, shape=x.shape, broadcast_dimensions=(0,)), ALL, 1),
    ],
    "broadcast of broadcast": [
        (lambda x: s.broadcast_in_dim(s.broadcast_in_dim(x, (1, x.shape[0]), (1,)), (2, 3, x.shape[0]), (0, 2)), ALL, 1)
    ],
    "squeeze of nothing": [(raw_bind(s.squeeze_p, dimensions=()), ALL, 1), (raw_bind(s.rev_p, dimensions=()), REAL, 1)],
    "squeeze of broadcast": [(lambda x: s.squeeze(s.expand_dims(x, (0, 2)), (2,)), ALL, 1)],
    "squeeze of reshape": [(lambda x: s.squeeze(s.reshape(x, (1, x.shape[0], 1)), (0,)), ALL, 1)],
    "identity transpose": [(raw_bind(s.transpose_p, permutation=(0,)), ALL, 1)],
    "transpose of transpose": [
        (lambda x: s.transpose(s.transpose(s.expand_dims(square(x), (0,)), (2, 0, 1)), (1, 0, 2)), ALL, 1)
    ],
    "reversed twice": [(lambda x: s.rev(s.rev(square(x), (0, 1)), (1,)), ALL, 1)],
    "same dtype": [
        (lambda x: bind(e.convert_element_type_p, x, new_dtype=x.dtype, weak_type=False), ALL, 1)
    ],
    "conversion of conversion": [
        (lambda x: converted(x, "float64", x.dtype), ("float32", "int32", "bool"), 1),
        (lambda x: converted(x, "complex128", x.dtype), REAL, 1),
        (lambda x: converted(x, "int64", "int16"), ("int32", "int8"), 1),
        (lambda x: converted(x, "float64", "float16"), ("float32",), 1),
    ],
    "reduction over nothing": [
        (raw_bind(s.reduce_sum_p, axes=()), INTEGER, 1),
        (lambda x: bind(_primitive("reduce_max"), x, axes=()), REAL + INTEGER, 1),
        (lambda x: bind(_primitive("reduce_prod"), x, axes=()), REAL + INTEGER, 1),
        (lambda x: bind(_primitive("reduce_and"), x, axes=()), ("bool",), 1),
    ],
    "whole slice": [
        (lambda x: bind(cuts.slice_p, x, start_indices=(0,), limit_indices=x.shape, strides=None), ALL, 1)
    ],
    "slice of slice": [(slices, FLOATS + INTEGER, 1)],
    "slice of concatenation": [(joined, NUMBERS, 1)],
    "slice of padding": [
        (lambda x: cuts.slice(cuts.pad(x, one(x, 0), [(3, 2, 0)]), (4,), (x.shape[0] + 2,), (2,)), ALL, 1),
        (lambda x: cuts.slice(cuts.pad(x, one(x, 0), [(-1, 2, 0)]), (0,), (x.shape[0] - 1,)), ALL, 1),
    ],
    "no padding": [
        (lambda x: bind(cuts.pad_p, x, one(x, 0), padding_config=((0, 0, 0),)), ALL, 1)
    ],
    "one piece": [
        (lambda x: cuts.concatenate([x[:0], x, x[:0]], 0), ALL, 1),
        (lambda x: cuts.concatenate([x[:0], x, x], 0), ALL, 1),
    ],
}  # fmt: skip


def _primitive(name: str) -> Any:
    from gradcli.engine.ops.define import REGISTRY

    return REGISTRY[name]


def test_every_rule_has_its_cases() -> None:
    assert set(CASES) == set(RULES)
    assert all(rule.doc.endswith(".") for rule in RULES.values())


FLAT = [
    pytest.param(name, f, (dtype,) * count, id=f"{name}-{i}-{dtype}")
    for name, cases in CASES.items()
    for i, (f, dtypes, count) in enumerate(cases)
    for dtype in dtypes
]


def applied(jaxpr: Jaxpr, name: str) -> tuple[Jaxpr, int]:
    """The program simplified with one rule only, and how often that rule gave something."""
    times = []
    rule = RULES[name]

    def watched(eqn: Eqn, view: View) -> Change:
        change = rule.function(eqn, view)
        if change is not None:
            times.append(name)
        return change

    simplifier = Simplifier(inline=True, rules=[Rule(rule.name, rule.primitives, watched, rule.doc, rule.final)])
    return simplifier.program(jaxpr), len(times)


@pytest.mark.parametrize(("name", "f", "dtypes"), FLAT)
def test_a_rule_applies_and_keeps_every_bit(name: str, f: Function, dtypes: tuple[str, ...]) -> None:
    values = grid(dtypes)
    jaxpr = make_jaxpr(f)(*map(Array, values))
    simple, times = applied(jaxpr, name)
    assert times > 0
    check_jaxpr(simple)
    assert simple.out_types == jaxpr.out_types
    before, after = interpret(jaxpr, values), interpret(simple, values)
    assert all(same(a, b) for a, b in zip(before, after, strict=True))


# What looks like an identity and is not one: there nothing may happen.
UNSOUND: dict[str, tuple[Function, str]] = {
    "plus zero": (lambda x: e.add(x, one(x, 0.0)), "float64"),
    "plus complex zero": (lambda x: e.add(x, one(x, 0.0)), "complex128"),
    "minus negative zero": (lambda x: e.sub(x, one(x, -0.0)), "float64"),
    "zero minus": (lambda x: e.sub(one(x, 0.0), x), "float64"),
    "times zero": (lambda x: e.mul(x, one(x, 0.0)), "float64"),
    "complex times one": (lambda x: e.mul(x, one(x, 1.0)), "complex128"),
    "complex over one": (lambda x: e.div(x, one(x, 1.0)), "complex64"),
    "sum over nothing": (raw_bind(s.reduce_sum_p, axes=()), "float64"),
    "minus itself": (lambda x: e.sub(x, x), "float64"),
    "over itself": (lambda x: e.div(x, x), "float64"),
    "negated difference": (lambda x: e.neg(e.sub(x, one(x, 2.0))), "float64"),
    "size of unsigned negative": (lambda x: e.abs(e.neg(x)), "uint8"),
    "negated ordering": (lambda x: e.bitwise_not(e.lt(x, one(x, 0.0))), "float64"),
    "and one": (lambda x: e.bitwise_and(x, one(x, 1)), "int32"),
    "wider integer to float": (
        lambda x: converted(x, "float32", x.dtype),
        "int32",
    ),
    "narrower float": (lambda x: converted(x, "float16", x.dtype), "float32"),
}


@pytest.mark.parametrize("name", UNSOUND)
def test_what_is_no_identity_stays(name: str) -> None:
    f, dtype = UNSOUND[name]
    jaxpr = make_jaxpr(f)(Array(special(dtype)))
    simple = Simplifier(inline=True).program(jaxpr)
    assert [eqn.primitive for eqn in simple.eqns] == [eqn.primitive for eqn in jaxpr.eqns]
