"""Promoting operations, as NumPy and JAX spell them, and Python's operators on values, which are made of them.

Primitives want operands of one dtype; what stands here brings operands there by JAX's lattice. Operands that are no
arrays get the ``TypeError`` of Python (the operators return ``NotImplemented``); a list, tuple, set or dictionary gets
one that says what to write.
"""

from __future__ import annotations

import builtins
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from gradcli.engine.array import OPERATORS, PROTOCOLS, Array, Value, install_operator, is_value, numbers, type_of
from gradcli.engine.errors import fail
from gradcli.engine.ir.program import Literal
from gradcli.engine.ir.types import (
    FLOAT32,
    FLOAT64,
    INT32,
    ArrayType,
    array_type,
    broadcast_shapes,
    canonical_dtype,
    promote_types,
)
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops.define import REGISTRY, Primitive
from gradcli.engine.ops.dot import dot_general
from gradcli.engine.ops.families import MOVABLE
from gradcli.engine.ops.ranks import look_at_ranks
from gradcli.engine.ops.shape import broadcast_in_dim, expand_dims, squeeze, transpose
from gradcli.engine.trace.source import user_location
from gradcli.engine.trace.tracer import STATE, Tracer, bind, write_known

Function = Callable[..., Any]
KNOWN_SIZE = 4096

# --- promotion ------------------------------------------------------------------------------------------------------

def to_inexact(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The floating dtype in which functions such as ``sin`` work: JAX's rule, float64 for 64-bit integers only."""
    if dtype.kind in "fc":
        return dtype
    return FLOAT64 if dtype.itemsize == 8 else FLOAT32


def _numeric(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return INT32 if dtype.kind == "b" else dtype


def _any(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return dtype


def _cast(x: Any, t: ArrayType, dtype: np.dtype[Any], weak: bool) -> Any:
    """One operand in ``dtype``. A Python scalar becomes a literal, a NumPy array is converted without an equation."""
    if isinstance(x, Value):
        return x if t.dtype == dtype else e.convert_element_type(x, dtype, weak)
    if isinstance(x, (np.ndarray, np.generic)):
        if x.dtype == dtype:
            return x
        converted = numbers(x, dtype)
        return Array(converted, array_type(x.shape, dtype, True)) if weak else converted
    scalar = dtype.type(x)
    return Array(scalar, array_type((), dtype, True)) if weak else scalar


def _aligned(xs: list[Any], types: list[ArrayType]) -> list[Any]:
    """Operands of unequal rank, brought to the highest; scalars stay."""
    rank = builtins.max(t.ndim for t in types)
    out = []
    for x, t in zip(xs, types, strict=True):
        lead = rank - t.ndim
        if t.ndim and lead:
            look_at_ranks(types)
            x = broadcast_in_dim(x, (1,) * lead + t.shape, tuple(range(lead, rank)))
        out.append(x)
    return out


def promoted(*args: Any, to: Callable[[np.dtype[Any]], np.dtype[Any]] = _any) -> list[Any]:
    """The operands in their common dtype (changed by ``to``), ranks equal or 0: what elementwise primitives accept.

    Raises TypeError for operands that are no arrays.
    """
    types = [type_of(a) for a in args]
    dtype, weak = promote_types(*types)
    dtype = to(dtype)
    return _aligned([_cast(a, t, dtype, weak) for a, t in zip(args, types, strict=True)], types)


def inexact(*args: Any) -> list[Any]:
    """:func:`promoted` to a floating dtype."""
    return promoted(*args, to=to_inexact)


def numeric(*args: Any) -> list[Any]:
    """:func:`promoted`, with bool counted as an integer."""
    return promoted(*args, to=_numeric)


def _pair(x: Any, y: Any, kinds: str, to: Callable[[np.dtype[Any]], np.dtype[Any]]) -> Any:
    """:func:`promoted` for two operands, quick where nothing is to do; ``to`` leaves the ``kinds`` as they are."""
    if isinstance(x, Value):
        t = x.type
        if isinstance(y, Value):
            u = y.type
            if (t is u or _fit(t, u)) and t.dtype.kind in kinds:
                return x, y
        elif not t.weak_type and t.dtype.kind in kinds and _takes(t.dtype.kind, y):
            return x, t.dtype.type(y)
    elif isinstance(y, Value):
        u = y.type
        if not u.weak_type and u.dtype.kind in kinds and _takes(u.dtype.kind, x):
            return u.dtype.type(x), y
    return promoted(x, y, to=to)


def _fit(t: ArrayType, u: ArrayType) -> bool:
    """Whether operands of these types need no change before they meet."""
    return t.dtype is u.dtype and t.weak_type == u.weak_type and (t.ndim == u.ndim or not t.shape or not u.shape)


def _takes(kind: str, scalar: Any) -> bool:
    """Whether an array of that kind keeps its dtype beside a Python scalar."""
    cls = type(scalar)
    return (cls is float and kind in "fc") or (cls is int and kind in "iufc")


Known = dict[Any, tuple[ArrayType, ArrayType | None]]


def binary(
    primitive: str,
    to: Callable[[np.dtype[Any]], np.dtype[Any]] = _any,
    boolean: str | None = None,
) -> Function:
    """A promoting function of two operands from a primitive; ``boolean`` is the primitive that serves bools instead.

    Operands seen before that needed no change are recognised by their types, and written down at once.
    """
    prim = REGISTRY[primitive]
    for_bool = REGISTRY[boolean] if boolean else None
    kinds = "fc" if to is to_inexact else "iufc" if to is _numeric or boolean else "biufc"
    known: Known = {}

    def apply(x: Any, y: Any, /) -> Any:
        if type(x) is Tracer:
            trace = x.trace
            if STATE.trace is trace:
                if type(y) is Tracer:
                    found = known.get((x.type, y.type))
                    if found is not None and y.trace is trace:
                        return write_known(prim, (x, y), trace, found[0])
                else:
                    found = known.get((x.type, type(y)))
                    if found is not None:
                        return write_known(prim, (x, Literal(y, found[1])), trace, found[0])  # type: ignore[arg-type]
        elif type(y) is Tracer:
            found = known.get((type(x), y.type))
            if found is not None and STATE.trace is y.trace:
                return write_known(prim, (Literal(x, found[1]), y), y.trace, found[0])  # type: ignore[arg-type]
        return general(x, y)

    def general(x: Any, y: Any) -> Any:
        a, b = _pair(x, y, kinds, to)
        if for_bool is not None and type_of(a).dtype.kind == "b":
            return bind(for_bool, a, b)
        out = bind(prim, a, b)
        _remember(known, (x, y), (a, b), out)
        return out

    apply.__name__ = apply.__qualname__ = primitive
    return apply


_PLAIN_SCALARS = (float, int)


def _remember(known: Known, before: tuple[Any, Any], after: tuple[Any, Any], out: Any) -> None:
    """Keeps the types of operands that needed no change, or of which one is a Python scalar beside a traced value."""
    if len(known) >= KNOWN_SIZE:
        known.clear()
    (x, y), (a, b) = before, after
    if a is x and b is y and isinstance(x, Value) and isinstance(y, Value):
        known[x.type, y.type] = out.type, None
    elif a is x and isinstance(x, Tracer) and type(y) in _PLAIN_SCALARS:
        known[x.type, type(y)] = out.type, type_of(b)
    elif b is y and isinstance(y, Tracer) and type(x) in _PLAIN_SCALARS:
        known[type(x), y.type] = out.type, type_of(a)


def unary(primitive: str, to: Callable[[np.dtype[Any]], np.dtype[Any]] = to_inexact) -> Function:
    """A promoting function of one operand from a primitive."""
    prim: Primitive = REGISTRY[primitive]
    known: dict[ArrayType, ArrayType] = {}

    def apply(x: Any, /) -> Any:
        if type(x) is Tracer and STATE.trace is x.trace:
            found = known.get(x.type)
            if found is not None:
                return write_known(prim, (x,), x.trace, found)
        if not isinstance(x, Value) or x.type.dtype.kind not in "fc":
            (x,) = promoted(x, to=to)
            return bind(prim, x)
        out = bind(prim, x)
        if len(known) >= KNOWN_SIZE:
            known.clear()
        known[x.type] = out.type
        return out

    apply.__name__ = apply.__qualname__ = primitive
    return apply


# --- arithmetic -----------------------------------------------------------------------------------------------------

add = binary("add", boolean="or")
subtract = binary("sub")
multiply = binary("mul", boolean="and")
true_divide = binary("div", to=to_inexact)
_max, _min = binary("max"), binary("min")
negative = unary("neg", to=_any)


def absolute(x: Any, /) -> Any:
    """The absolute value; bools are returned as they are."""
    if type_of(x).dtype.kind in "bu":
        return positive(x)
    return e.abs(x)


def positive(x: Any, /) -> Any:
    """The operand, as a value of gradcli."""
    type_of(x)
    return x if isinstance(x, Value) else e.copy(x)


def like(x: Any, value: Any) -> Any:
    """A scalar constant of the operand's dtype and weakness."""
    t = type_of(x)
    return Array(t.dtype.type(value), t.with_shape(()))


def where(condition: Any, x: Any, y: Any) -> Any:
    """``x`` where the condition holds, else ``y``, broadcast together. A number as condition means ``!= 0``."""
    if type_of(condition).dtype.kind != "b":
        condition = not_equal(condition, 0)
    x, y = _pair(x, y, MOVABLE, _any)
    types = [type_of(v) for v in (condition, x, y)]
    condition, x, y = _aligned([condition, x, y], types)
    return e.select_n(condition, y, x)


def maximum(x: Any, y: Any, /) -> Any:
    """The larger one; nan wins. Complex numbers compare by real part, then by imaginary part."""
    if type_of(x).dtype.kind != "c" and type_of(y).dtype.kind != "c":
        return _max(x, y)
    x, y = promoted(x, y)
    return where(e.bitwise_or(greater_equal(x, y), e.ne(x, x)), x, y)


def minimum(x: Any, y: Any, /) -> Any:
    """The smaller one; nan wins. Complex numbers compare by real part, then by imaginary part."""
    if type_of(x).dtype.kind != "c" and type_of(y).dtype.kind != "c":
        return _min(x, y)
    x, y = promoted(x, y)
    return where(e.bitwise_or(less_equal(x, y), e.ne(x, x)), x, y)


def floor_divide(x: Any, y: Any, /) -> Any:
    """The quotient rounded towards minus infinity. Raises TypeError for complex operands."""
    x, y = _pair(x, y, "iuf", _numeric)
    kind = type_of(x).dtype.kind
    if kind == "c":
        raise _unsupported("floor_divide", "complex numbers")
    if kind == "f":
        return _float_divmod(x, y)[0]
    quotient = e.div(x, y)
    if kind == "u":
        return quotient
    inexact_ = e.bitwise_and(e.ne(e.sign(x), e.sign(y)), e.ne(e.rem(x, y), like(x, 0)))
    return e.select_n(inexact_, quotient, e.sub(quotient, like(x, 1)))


def _float_divmod(x: Any, y: Any) -> tuple[Any, Any]:
    """Quotient and remainder with the sign of the divisor; x // 0 is x / 0 and x % 0 nan, as in NumPy."""
    rest = e.rem(x, y)
    exact = where(e.eq(y, like(y, 0)), x, e.sub(x, rest))
    quotient = e.div(exact, y)
    wrong_side = e.bitwise_and(e.ne(rest, like(x, 0)), e.ne(e.sign(y), e.sign(rest)))
    rest = e.select_n(wrong_side, rest, e.add(rest, y))
    return e.round(e.select_n(wrong_side, quotient, e.sub(quotient, like(x, 1)))), rest


def remainder(x: Any, y: Any, /) -> Any:
    """``x - y * (x // y)``: the remainder with the sign of the divisor; 0 for an integer division by zero."""
    x, y = _pair(x, y, "iuf", _numeric)
    if type_of(x).dtype.kind == "c":
        raise _unsupported("remainder", "complex numbers")
    zero = like(x, 0)
    if type_of(y).dtype.kind in "iu":
        y = e.select_n(e.eq(y, zero), y, like(y, 1))
    rest = e.rem(x, y)
    wrong_side = e.bitwise_and(e.ne(e.lt(rest, zero), e.lt(y, zero)), e.ne(rest, zero))
    return e.select_n(wrong_side, rest, e.add(rest, y))


def divmod(x: Any, y: Any, /) -> tuple[Any, Any]:
    """``(x // y, x % y)``."""
    x, y = _pair(x, y, "iuf", _numeric)
    if type_of(x).dtype.kind == "f":
        return _float_divmod(x, y)
    return floor_divide(x, y), remainder(x, y)


def power(x: Any, y: Any, /) -> Any:
    """``x`` to the power ``y``; a concrete integer ``y`` gives the primitive ``integer_pow``.

    Raises TypeError for a negative integer power of integers.
    """
    if not isinstance(y, Tracer):
        try:
            exponent = operator.index(y)
        except TypeError:
            pass
        else:
            (x,) = numeric(x)
            if exponent < 0 and type_of(x).dtype.kind in "iu":
                raise fail("G206", "integers cannot be raised to negative powers", hint="make the base a float",
                           location=user_location(), cls=TypeError)  # fmt: skip
            return e.integer_pow(x, exponent)
    weak = type_of(y).weak_type
    x, y = _pair(x, y, "fc", _numeric)
    if type_of(y).weak_type and not weak:
        y = e.convert_element_type(y, type_of(y).dtype)
    if type_of(x).dtype.kind in "iu":
        return _integer_power(x, y)
    return bind(REGISTRY["pow"], x, y)


def _integer_power(x: Any, y: Any) -> Any:
    """By repeated squaring on the six low bits of the exponent: all that an integer result can use."""
    zero, one = like(y, 0), like(y, 1)
    result = e.select_n(e.bitwise_and(e.eq(x, zero), e.ne(y, zero)), one, zero)
    for _ in range(6):
        odd = e.ne(e.bitwise_and(y, one), zero)
        result = e.select_n(odd, result, e.mul(result, x))
        x, y = e.mul(x, x), e.shift_right_logical(y, one)
    return result


def round(x: Any, decimals: int = 0, out: None = None) -> Any:
    """To the given number of decimals, halves to even. Integers are returned as they are."""
    t = type_of(x)
    if t.dtype.kind in "biu":
        return positive(x)
    if t.dtype.kind == "c":
        return e.complex(round(e.real(x), decimals), round(e.imag(x), decimals))
    if decimals == 0:
        return e.round(x, 1)
    factor = like(x, 10.0**decimals)
    return e.div(e.round(e.mul(x, factor), 1), factor)


def matmul(a: Any, b: Any, *, precision: Any = None, preferred_element_type: Any = None) -> Any:
    """The matrix product; leading axes broadcast, a vector is a row on the left and a column on the right.

    Raises ValueError for scalars, TypeError where the inner sizes differ.
    """
    types = [type_of(a), type_of(b)]
    if not types[0].shape or not types[1].shape:
        raise fail("G206", f"matmul needs at least one dimension, got {types[0]} and {types[1]}", cls=ValueError,
                   hint="use * for products with a scalar", location=user_location())  # fmt: skip
    dtype, weak = promote_types(*types)
    dtype, weak = (dtype, weak) if preferred_element_type is None else (canonical_dtype(preferred_element_type), False)
    a, b = (_cast(x, t, dtype, weak) for x, t in zip((a, b), types, strict=True))
    inner = builtins.max(types[1].ndim - 2, 0)
    if types[0].shape[-1] != types[1].shape[inner]:
        raise fail("G206", f"matmul of {types[0]} and {types[1]}: inner sizes {types[0].shape[-1]} and "
                   f"{types[1].shape[inner]} differ", location=user_location(), cls=TypeError)  # fmt: skip
    if types[0].ndim <= 2 and types[1].ndim <= 2:
        return dot_general(a, b, (((types[0].ndim - 1,), (inner,)), ((), ())))
    return _batched_matmul(a, b)


def _batched_matmul(a: Any, b: Any) -> Any:
    """With leading axes: common ones become batch axes of one dot_general; those of one operand alone stay free."""
    (*lead_a, _), (*lead_b, _) = type_of(a).shape, type_of(b).shape
    rows, columns = type_of(a).ndim > 1, type_of(b).ndim > 1
    lead_a, lead_b = (lead_a[:-1] if rows else []), (lead_b[:-1] if columns else [])
    rank = builtins.max(len(lead_a), len(lead_b))
    pad_a, pad_b = rank - len(lead_a), rank - len(lead_b)
    broadcast_shapes(tuple(lead_a), tuple(lead_b))
    drop_a = [i for i, n in enumerate(lead_a) if n == 1]
    drop_b = [i for i, n in enumerate(lead_b) if n == 1]
    has_a = [i >= pad_a and i - pad_a not in drop_a for i in range(rank)]
    has_b = [i >= pad_b and i - pad_b not in drop_b for i in range(rank)]
    a, b = squeeze(a, drop_a), squeeze(b, drop_b)
    axes_a, axes_b = [i for i in range(rank) if has_a[i]], [i for i in range(rank) if has_b[i]]
    common = [i for i in range(rank) if has_a[i] and has_b[i]]
    batch = (tuple(axes_a.index(i) for i in common), tuple(axes_b.index(i) for i in common))
    contract = ((type_of(a).ndim - 1,), (type_of(b).ndim - 1 - columns,))
    out = dot_general(a, b, (contract, batch))
    order = [*common, *(i for i in axes_a if i not in common), *([rank] if rows else [])]
    order += [*(i for i in axes_b if i not in common), *([rank + 1] if columns else [])]
    out = transpose(out, [order.index(i) for i in sorted(order)])
    missing = [i for i in range(rank) if i not in order]
    return expand_dims(out, missing) if missing else out


def _unsupported(name: str, what: str) -> Exception:
    error: Exception = fail("G206", f"{name} does not accept {what}", location=user_location(), cls=TypeError)
    return error


# --- comparison, bits -----------------------------------------------------------------------------------------------


def _comparison(name: str, strict: str) -> Function:
    """An order comparison; complex numbers compare by real part, then by imaginary part."""
    simple = binary(name)

    def apply(x: Any, y: Any, /) -> Any:
        if type_of(x).dtype.kind != "c" and type_of(y).dtype.kind != "c":
            return simple(x, y)
        x, y = promoted(x, y)
        (a, b), (c, d) = ((e.real(v), e.imag(v)) for v in (x, y))
        tie = e.bitwise_and(e.eq(a, c), bind(REGISTRY[name], b, d))
        return e.bitwise_or(bind(REGISTRY[strict], a, c), tie)

    apply.__name__ = apply.__qualname__ = name
    return apply


equal, not_equal = binary("eq"), binary("ne")
less, less_equal = _comparison("lt", "lt"), _comparison("le", "lt")
greater, greater_equal = _comparison("gt", "gt"), _comparison("ge", "gt")
bitwise_and, bitwise_or, bitwise_xor = binary("and"), binary("or"), binary("xor")
left_shift = binary("shift_left", to=_numeric)
bitwise_not = unary("not", to=_any)


def right_shift(x: Any, y: Any, /) -> Any:
    """``x >> y``: keeps the sign of signed integers."""
    x, y = numeric(x, y)
    return e.shift_right_logical(x, y) if type_of(x).dtype.kind == "u" else e.shift_right_arithmetic(x, y)


# --- the operators of Python ----------------------------------------------------------------------------------------

_CONTAINERS = (list, tuple, dict, set)
_QUICK = {Tracer, Array, float, int, complex, bool, np.float64, np.float32}


def _operator(symbol: str, function: Function) -> Function:
    """The operator form of a function: ``NotImplemented`` for an operand that is no array."""

    def apply(x: Any, y: Any) -> Any:
        if type(x) in _QUICK and type(y) in _QUICK:
            return function(x, y)
        for operand in (x, y):
            if not isinstance(operand, Value) and not is_value(operand):
                if type(operand) in _CONTAINERS:
                    taken = PROTOCOLS["lists"](x, y) if "lists" in PROTOCOLS else None
                    if taken is not None:
                        return function(*taken)
                    raise fail(
                        "G207", f"unsupported operand for {symbol}: a {type(operand).__name__}", cls=TypeError,
                        hint="make an array of it first, with asarray", location=user_location(),
                    )  # fmt: skip
                return NotImplemented
        return function(x, y)

    return apply


_ARITHMETIC: dict[str, tuple[str, Function]] = {
    "add": ("+", add), "sub": ("-", subtract), "mul": ("*", multiply), "truediv": ("/", true_divide),
    "floordiv": ("//", floor_divide), "mod": ("%", remainder), "divmod": ("divmod()", divmod), "pow": ("**", power),
    "matmul": ("@", matmul),
    "and": ("&", bitwise_and), "or": ("|", bitwise_or), "xor": ("^", bitwise_xor),
    "lshift": ("<<", left_shift), "rshift": (">>", right_shift),
}  # fmt: skip
_COMPARISONS: dict[str, tuple[str, Function]] = {
    "lt": ("<", less), "le": ("<=", less_equal), "gt": (">", greater), "ge": (">=", greater_equal),
    "eq": ("==", equal), "ne": ("!=", not_equal),
}  # fmt: skip
_UNARY: dict[str, Function] = {"neg": negative, "pos": positive, "abs": absolute, "invert": bitwise_not}

for _name, (_symbol, _function) in _ARITHMETIC.items():
    install_operator(_name, _operator(_symbol, _function), reflected=True)
for _name, (_symbol, _function) in _COMPARISONS.items():
    install_operator(_name, _operator(_symbol, _function))
for _name, _function in _UNARY.items():
    install_operator(_name, _function)
OPERATORS["round"] = round
