"""Simplifications of elementwise equations. Each holds for nan, infinities and both zeros, or is not here.

What is missing on purpose: ``x + 0.0`` (-0.0 becomes 0.0), ``x * 0``, ``x - x`` and ``x / x`` (nan, infinities),
``-(x - y)`` (the sign of zero), and the neutral factors of complex numbers (inf * (1+0j) has a nan).
"""

from __future__ import annotations

from gradcli.engine.ir.program import Atom, Eqn
from gradcli.engine.transforms.simplify_table import Change, View, rule

_SIMPLE = ("add", "add_any", "sub", "mul", "div", "max", "min", "eq", "ne", "lt", "le", "gt", "ge")


@rule("broadcast operand", *_SIMPLE)
def _broadcast_operand(eqn: Eqn, view: View) -> Change:
    """An elementwise operation takes a scalar as it is: the equation that repeats it can go."""
    if eqn.inputs[0].type.dtype.kind == "c":  # NumPy may round complex products of arrays and scalars differently
        return None
    if not eqn.outputs[0].type.shape:
        return None
    inputs = tuple([_scalar_source(a, view) for a in eqn.inputs])
    if all(new is old for new, old in zip(inputs, eqn.inputs, strict=True)) or not any(a.type.shape for a in inputs):
        return None
    return eqn.primitive.name, inputs, eqn.params


def _scalar_source(atom: Atom, view: View) -> Atom:
    if not atom.type.shape:
        return atom
    wide = view.find(atom, "broadcast_in_dim")
    return wide.inputs[0] if wide is not None and not wide.inputs[0].type.shape else atom


@rule("plus zero", "add", "add_any")
def _plus_zero(eqn: Eqn, view: View) -> Change:
    """x + -0.0 is x; integers have but one zero."""
    x, y = eqn.inputs
    negative = x.type.dtype.kind in "fc"
    if view.is_zero(y, negative):
        return x
    return y if view.is_zero(x, negative) else None


@rule("minus zero", "sub")
def _minus_zero(eqn: Eqn, view: View) -> Change:
    """x - 0.0 is x."""
    x, y = eqn.inputs
    return x if view.is_zero(y) else None


@rule("times one", "mul")
def _times_one(eqn: Eqn, view: View) -> Change:
    """x * 1 is x, for real x."""
    x, y = eqn.inputs
    if x.type.dtype.kind == "c":
        return None
    if view.is_number(y, 1):
        return x
    return y if view.is_number(x, 1) else None


@rule("integer times zero", "mul", "and")
def _times_zero(eqn: Eqn, view: View) -> Change:
    """n * 0 is 0, for integers and bools only."""
    if eqn.inputs[0].type.dtype.kind not in "biu":
        return None
    return next((a for a in eqn.inputs if view.is_zero(a)), None)


@rule("over one", "div")
def _over_one(eqn: Eqn, view: View) -> Change:
    """x / 1 is x, for real x."""
    x, y = eqn.inputs
    return x if x.type.dtype.kind != "c" and view.is_number(y, 1) else None


@rule("first power", "integer_pow")
def _first_power(eqn: Eqn, view: View) -> Change:
    """x to the power of 1 is x."""
    return eqn.inputs[0] if eqn.params["y"] == 1 else None


@rule("even power of negative", "integer_pow", "square")
def _even_power(eqn: Eqn, view: View) -> Change:
    """(-x)**2 and |x|**2 are x**2, for real x."""
    (x,) = eqn.inputs
    if x.type.dtype.kind == "c" or eqn.params.get("y", 2) % 2:
        return None
    inner = view.find(x, "neg") or view.find(x, "abs")
    if inner is None or inner.inputs[0].type.dtype.kind == "c":
        return None
    return eqn.primitive.name, (inner.inputs[0],), eqn.params


@rule("double negation", "neg", "not", "conj")
def _twice(eqn: Eqn, view: View) -> Change:
    """neg(neg x), not(not x) and conj(conj x) are x."""
    inner = view.find(eqn.inputs[0], eqn.primitive.name)
    return inner.inputs[0] if inner is not None else None


@rule("idempotent", "abs", "sign", "floor", "ceil")
def _idempotent(eqn: Eqn, view: View) -> Change:
    """The same function applied again changes nothing (the sign of a complex number does, at infinity)."""
    if eqn.inputs[0].type.dtype.kind == "c":
        return None
    inner = view.find(eqn.inputs[0], eqn.primitive.name)
    return eqn.inputs[0] if inner is not None else None


@rule("size of negative", "abs")
def _abs_of_negative(eqn: Eqn, view: View) -> Change:
    """|-x| is |x|, where there are negative numbers."""
    inner = view.find(eqn.inputs[0], "neg")
    return ("abs", (inner.inputs[0],), {}) if inner is not None and inner.inputs[0].type.dtype.kind != "u" else None


@rule("plus negative", "add", "add_any")
def _plus_negative(eqn: Eqn, view: View) -> Change:
    """x + (-y) is x - y."""
    x, y = eqn.inputs
    inner = view.find(y, "neg")
    if inner is not None:
        return "sub", (x, inner.inputs[0]), {}
    inner = view.find(x, "neg")
    return ("sub", (y, inner.inputs[0]), {}) if inner is not None else None


@rule("minus negative", "sub")
def _minus_negative(eqn: Eqn, view: View) -> Change:
    """x - (-y) is x + y."""
    x, y = eqn.inputs
    inner = view.find(y, "neg")
    return ("add", (x, inner.inputs[0]), {}) if inner is not None else None


@rule("product of negatives", "mul", "div")
def _product_of_negatives(eqn: Eqn, view: View) -> Change:
    """(-x) * (-y) is x * y and (-x) / (-y) is x / y, for floats (integers may overflow in the quotient)."""
    x, y = (view.find(a, "neg") for a in eqn.inputs)
    if x is None or y is None or eqn.inputs[0].type.dtype.kind != "f":
        return None
    return eqn.primitive.name, (x.inputs[0], y.inputs[0]), {}


@rule("with itself", "max", "min", "and", "or")
def _with_itself(eqn: Eqn, view: View) -> Change:
    """max(x, x), min(x, x), x and x, x or x are x."""
    x, y = eqn.inputs
    return x if x is y else None


@rule("logical neutral", "and", "or", "xor")
def _logical_neutral(eqn: Eqn, view: View) -> Change:
    """p and True, p or False, p xor False are p; on integers, or and xor with 0."""
    x, y = eqn.inputs
    for a, b in ((x, y), (y, x)):
        if view.is_number(b, 1) and b.type.dtype.kind == "b" if eqn.primitive.name == "and" else view.is_zero(b):
            return a
    return None


@rule("negated comparison", "not")
def _negated_comparison(eqn: Eqn, view: View) -> Change:
    """not (x == y) is x != y, and the other way round; orderings are not negated, as nan is in none of them."""
    for name, opposite in (("eq", "ne"), ("ne", "eq")):
        inner = view.find(eqn.inputs[0], name)
        if inner is not None:
            return opposite, tuple(inner.inputs), {}
    return None


@rule("selection known", "select_n")
def _selection_known(eqn: Eqn, view: View) -> Change:
    """A selection by a constant is that case."""
    which, *cases = eqn.inputs
    value = view.scalar(which)
    if value is None:
        return None
    return cases[max(0, min(int(value), len(cases) - 1))]


@rule("selection of one", "select_n")
def _selection_of_one(eqn: Eqn, view: View) -> Change:
    """A selection among equal cases is that case."""
    _, first, *rest = eqn.inputs
    return first if all(case is first for case in rest) else None


@rule("selection by negation", "select_n")
def _selection_by_negation(eqn: Eqn, view: View) -> Change:
    """A selection by ``not p`` is the one by p with its cases exchanged."""
    which, *cases = eqn.inputs
    inner = view.find(which, "not") if which.type.dtype.kind == "b" else None
    return ("select_n", (inner.inputs[0], *reversed(cases)), {}) if inner is not None and len(cases) == 2 else None


@rule("part of complex", "real", "imag")
def _part_of_complex(eqn: Eqn, view: View) -> Change:
    """The real (imaginary) part of complex(x, y) is x (y)."""
    inner = view.find(eqn.inputs[0], "complex")
    return inner.inputs[eqn.primitive.name == "imag"] if inner is not None else None


@rule("complex of parts", "complex")
def _complex_of_parts(eqn: Eqn, view: View) -> Change:
    """complex(real z, imag z) is z."""
    x, y = view.find(eqn.inputs[0], "real"), view.find(eqn.inputs[1], "imag")
    return x.inputs[0] if x is not None and y is not None and x.inputs[0] is y.inputs[0] else None


@rule("copy", "copy")
def _copy(eqn: Eqn, view: View) -> Change:
    """Values do not change, so a copy is the value."""
    return eqn.inputs[0]


@rule("identity of values", "stop_gradient", "name", final=True)
def _identity_of_values(eqn: Eqn, view: View) -> Change:
    """What concerns derivatives alone is the identity once there are none to take."""
    return eqn.inputs[0]
