"""Loops over small arrays as loops over their elements: a state of two numbers is two of Python's numbers.

An operation of NumPy's on two numbers takes as long as twenty operations of Python's. Where the body of a ``scan`` or
``while`` works on arrays of a few elements, its carries, slices and outputs are taken apart before the loop and put
together behind it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

import numpy as np

from gradcli.engine.ir.program import Atom, Eqn, Jaxpr, Literal, Var, sub_jaxprs
from gradcli.engine.ir.types import BOOL, FLOAT32, FLOAT64, INT32, INT64, ArrayType
from gradcli.engine.ops import cuts as _cuts  # noqa: F401 - these define the primitives that are written here
from gradcli.engine.ops import elementwise as _elementwise_  # noqa: F401
from gradcli.engine.ops import pieces as _pieces  # noqa: F401
from gradcli.engine.ops.define import REGISTRY
from gradcli.engine.transforms.prune import map_programs, prune_jaxpr

MOST = 16  # elements of an array that is taken apart
MOST_PRODUCTS = 64  # multiplications of a product that is written out
MOST_EQUATIONS = 3000  # of a body by elements: more take long to compile
GAIN = 3  # operations on small arrays that are saved for each array that is put together again
Rule = Callable[["_Elements", Eqn], "list[Atom] | None"]


def scalarize(jaxpr: Jaxpr) -> Jaxpr:
    """An equal program whose loops over small arrays are over numbers, where that saves operations."""
    if not _has_loop(jaxpr):
        return jaxpr
    outer = _Elements()
    for eqn in jaxpr.eqns:
        new = map_programs(eqn.params, scalarize)
        eqn = eqn if new is eqn.params else Eqn(eqn.primitive, eqn.inputs, new, eqn.outputs, eqn.source)
        loop = _LOOPS.get(eqn.primitive.name)
        if loop is None or not loop(outer, eqn):
            outer.copy(eqn)
    outputs = tuple(outer.whole(a) for a in jaxpr.outputs)
    return replace(jaxpr, eqns=tuple(outer.eqns), outputs=outputs)


def _has_loop(jaxpr: Jaxpr) -> bool:
    return any(e.primitive.name in _LOOPS or any(_has_loop(s) for _, s in sub_jaxprs(e.params)) for e in jaxpr.eqns)


def small(t: ArrayType) -> bool:
    """Whether arrays of a type are taken apart: a few elements that are Python's numbers by themselves."""
    return bool(t.shape) and 0 < t.size <= MOST and t.dtype in (FLOAT64, FLOAT32, BOOL, INT64, INT32)


class _Elements:
    """A program that is being written, in which some arrays are known by their elements, in C order."""

    def __init__(self) -> None:
        self.eqns: list[Eqn] = []
        self.parts: dict[Var, list[Atom]] = {}
        self.arrays: dict[Var, Atom] = {}  # what stands for a variable as a whole
        self.saved = self.made = 0

    def emit(self, name: str, inputs: Sequence[Atom], params: dict[str, Any], type_: ArrayType) -> Var:
        """Writes an equation of one output."""
        out = Var(type_)
        self.eqns.append(Eqn(REGISTRY[name], list(inputs), params, (out,), None))
        return out

    def elements(self, atom: Atom) -> list[Atom]:
        """The elements of an array; a number is its own."""
        if isinstance(atom, Literal):
            return [atom]
        found = self.parts.get(atom)
        if found is None:
            if not atom.type.shape:
                return [self.whole(atom)]
            self.made += 1
            flat = _reshaped(self, self.whole(atom), (atom.type.size,))
            found = self.parts[atom] = [_column(self, flat, i, ()) for i in range(atom.type.size)]
        return found

    def whole(self, atom: Atom) -> Atom:
        """The array, put together from its elements where only they are there."""
        if isinstance(atom, Literal):
            return atom
        if atom in self.arrays:
            return self.arrays[atom]
        parts = self.parts.get(atom)
        if parts is None:
            return atom
        if not atom.type.shape:
            return parts[0]
        self.made += 1
        out = self.arrays[atom] = _together(self, parts, atom.type)
        return out

    def program(self, before: Jaxpr, outputs: Sequence[Atom]) -> Jaxpr:
        """The program written, for one whose small inputs were taken apart."""
        taken: list[Any] = []
        for var in before.inputs:
            taken += self.parts[var] if small(var.type) else [var]
        return prune_jaxpr(Jaxpr(tuple(taken), tuple(self.eqns), tuple(outputs), (), (), before.notes, before.name))

    def copy(self, eqn: Eqn) -> None:
        """Writes an equation as it is."""
        inputs = [self.whole(a) for a in eqn.inputs]
        same = all(a is b for a, b in zip(inputs, eqn.inputs, strict=True))
        self.eqns.append(eqn if same else Eqn(eqn.primitive, inputs, eqn.params, eqn.outputs, eqn.source))

    def write(self, eqn: Eqn) -> None:
        """Writes an equation by elements where it has a rule and its arrays are small."""
        rule = _elementwise if eqn.primitive.family == "elementwise" else _RULES.get(eqn.primitive.name)
        types = [a.type for a in (*eqn.inputs, *eqn.outputs)]
        if rule is not None and len(eqn.outputs) == 1 and any(t.shape for t in types):
            if all(small(t) or _plain(t) for t in types):
                found = rule(self, eqn)
                if found is not None:
                    self.saved += 1
                    self.parts[eqn.outputs[0]] = found
                    return
        self.copy(eqn)


def _plain(t: ArrayType) -> bool:
    return not t.shape and t.dtype in (FLOAT64, FLOAT32, BOOL, INT64, INT32)


def _reshaped(w: _Elements, x: Atom, shape: tuple[int, ...]) -> Atom:
    if x.type.shape == shape:
        return x
    return w.emit("reshape", [x], {"new_sizes": shape}, x.type.with_shape(shape))


def _column(w: _Elements, x: Atom, i: int, lead: tuple[int, ...]) -> Var:
    """Element ``i`` of the last axis."""
    n = len(lead)
    params = {"start_indices": (0,) * n + (i,), "limit_indices": (*lead, i + 1), "strides": None}
    part = w.emit("slice", [x], params, x.type.with_shape((*lead, 1)))
    return w.emit("squeeze", [part], {"dimensions": (n,)}, x.type.with_shape(lead))


def _together(w: _Elements, parts: Sequence[Atom], t: ArrayType) -> Atom:
    lead = parts[0].type.shape
    out = w.emit("stack", parts, {"axis": len(lead)}, t.with_shape((*lead, len(parts))))
    return _reshaped(w, out, (*lead, *t.shape))


# --- rules ------------------------------------------------------------------------------------------------------------


def _elementwise(w: _Elements, eqn: Eqn) -> list[Atom] | None:
    out = eqn.outputs[0].type
    if eqn.primitive.effect:
        return None
    columns = [_spread(w.elements(a), a.type.shape, out.shape) for a in eqn.inputs]
    rows = zip(*columns, strict=True)
    return [w.emit(eqn.primitive.name, row, eqn.params, out.with_shape(())) for row in rows]


def _spread(elements: Sequence[Atom], shape: tuple[int, ...], wide: tuple[int, ...]) -> list[Atom]:
    """The elements of an operand that has axes of size 1, or fewer axes, where the result has more."""
    places = np.broadcast_to(np.arange(len(elements)).reshape(shape), wide)
    return [elements[i] for i in places.ravel().tolist()]


def _moved(places: Callable[[Eqn, Any], Any]) -> Rule:
    """The rule of an operation that moves elements: ``places`` does to places what it does to its operand."""

    def rule(w: _Elements, eqn: Eqn) -> list[Atom]:
        elements = w.elements(eqn.inputs[0])
        where = places(eqn, np.arange(len(elements)).reshape(eqn.inputs[0].type.shape))
        return [elements[i] for i in np.ravel(where).tolist()]

    return rule


def _by_impl(eqn: Eqn, places: Any) -> Any:
    return eqn.primitive.impl(places, **eqn.params)


def _several(w: _Elements, eqn: Eqn) -> list[Atom]:
    """Operations that only move the elements of several operands."""
    elements: list[Atom] = []
    places = []
    for a in eqn.inputs:
        mine = w.elements(a)
        places.append(np.arange(len(elements), len(elements) + len(mine)).reshape(a.type.shape))
        elements += mine
    return [elements[i] for i in np.ravel(eqn.primitive.impl(*places, **eqn.params)).tolist()]


def _pad(w: _Elements, eqn: Eqn) -> list[Atom]:
    elements = [*w.elements(eqn.inputs[0]), *w.elements(eqn.inputs[1])]
    places = np.arange(len(elements) - 1).reshape(eqn.inputs[0].type.shape)
    where = eqn.primitive.impl(places, np.int64(len(elements) - 1), **eqn.params)
    return [elements[i] for i in np.ravel(where).tolist()]


def _reduced(name: str) -> Rule:
    def rule(w: _Elements, eqn: Eqn) -> list[Atom] | None:
        t, axes = eqn.inputs[0].type, tuple(eqn.params["axes"])
        elements, out = w.elements(eqn.inputs[0]), eqn.outputs[0].type.with_shape(())
        if t.dtype == BOOL:
            return None
        lines = [[elements[i] for i in line] for line in _lines(t.shape, axes)]
        return [reduce(lambda a, b: w.emit(name, [a, b], {}, out), line) for line in lines]

    return rule


def _dot(w: _Elements, eqn: Eqn) -> list[Atom] | None:
    (x, y), out = (a.type for a in eqn.inputs), eqn.outputs[0].type.with_shape(())
    (c_left, c_right), (b_left, _) = eqn.params["dimension_numbers"]
    count = math.prod(x.shape[d] for d in c_left)
    if b_left or not x.dtype == y.dtype == out.dtype == FLOAT64 or not count:
        return None
    if eqn.outputs[0].type.size * count > MOST_PRODUCTS:
        return None
    left, right = w.elements(eqn.inputs[0]), w.elements(eqn.inputs[1])
    rows, columns = _lines(x.shape, c_left), _lines(y.shape, c_right)

    def product(row: Sequence[int], column: Sequence[int]) -> Atom:
        terms = [w.emit("mul", [left[i], right[j]], {}, out) for i, j in zip(row, column, strict=True)]
        return reduce(lambda a, b: w.emit("add", [a, b], {}, out), terms)

    return [product(row, column) for row in rows for column in columns]


def _lines(shape: tuple[int, ...], contracted: Sequence[int]) -> list[list[int]]:
    """For each place in the other dimensions, where the elements lie that are contracted."""
    kept = [d for d in range(len(shape)) if d not in contracted]
    places = np.arange(math.prod(shape)).reshape(shape).transpose(*kept, *contracted)
    found: list[list[int]] = places.reshape(-1, math.prod(shape[d] for d in contracted)).tolist()
    return found


def _broadcast(eqn: Eqn, places: Any) -> Any:
    params = eqn.params
    shape, dims = params["shape"], params["broadcast_dimensions"]
    wide = [1] * len(shape)
    for d, n in zip(dims, places.shape, strict=True):
        wide[d] = n
    return np.broadcast_to(places.reshape(wide), shape)


_RULES: dict[str, Rule] = {
    "broadcast_in_dim": _moved(_broadcast),
    "reshape": _moved(lambda eqn, places: places), "squeeze": _moved(lambda eqn, places: places),
    "expand_dims": _moved(lambda eqn, places: places), "copy": _moved(lambda eqn, places: places),
    **dict.fromkeys(("transpose", "slice", "rev"), _moved(_by_impl)),
    "concatenate": _several, "stack": _several, "pad": _pad, "dot_general": _dot,
    "reduce_sum": _reduced("add"), "reduce_prod": _reduced("mul"), "reduce_max": _reduced("max"),
    "reduce_min": _reduced("min"),
}  # fmt: skip

# --- loops ------------------------------------------------------------------------------------------------------------


def _scan(outer: _Elements, eqn: Eqn) -> bool:
    """Writes a scan by elements; False, and nothing written, where that would save little."""
    params, body = eqn.params, eqn.params["jaxpr"]
    n, m, length = params["num_consts"], params["num_consts"] + params["num_carry"], params["length"]
    carried, ys = body.inputs[n:m], body.outputs[m - n :]
    inner = _worthwhile(body, carried)
    if inner is None:
        return False
    outputs = _results(inner, carried, body.outputs)
    split = [isinstance(y, Var) and small(y.type) and y in inner.parts and y not in inner.arrays for y in ys]
    for y, part in zip(ys, split, strict=True):
        outputs += inner.elements(y) if part else [inner.whole(y)]
    inputs = _given(outer, eqn.inputs[:m], body.inputs[:m])
    for atom, var in zip(eqn.inputs[m:], body.inputs[m:], strict=True):
        if small(var.type):
            flat = _reshaped(outer, outer.whole(atom), (length, var.type.size))
            inputs += [_column(outer, flat, i, (length,)) for i in range(var.type.size)]
        else:
            inputs.append(outer.whole(atom))
    carries = _count(carried)
    new = {**params, "jaxpr": inner.program(body, outputs), "num_consts": _count(body.inputs[:n]), "num_carry": carries}
    found = [Var(a.type) for a in outputs[:carries]]
    found += [Var(a.type.with_shape((length, *a.type.shape))) for a in outputs[carries:]]
    outer.eqns.append(Eqn(eqn.primitive, inputs, new, found, eqn.source))
    rest = iter(found)
    _deliver(outer, eqn.outputs[: m - n], carried, rest)
    for var, part in zip(eqn.outputs[m - n :], split, strict=True):
        row = var.type.with_shape(var.type.shape[1:])
        outer.arrays[var] = _together(outer, [next(rest) for _ in range(row.size)], row) if part else next(rest)
    return True


def _while(outer: _Elements, eqn: Eqn) -> bool:
    """The same for a ``while``."""
    params, test, body = eqn.params, eqn.params["cond_jaxpr"], eqn.params["body_jaxpr"]
    n, m = params["cond_nconsts"], params["body_nconsts"]
    carried = body.inputs[m:]
    inner = _worthwhile(body, carried)
    if inner is None or test.consts:
        return False
    tested = _by_elements(test)
    new: dict[str, Any] = {
        "cond_jaxpr": tested.program(test, [tested.whole(test.outputs[0])]), "cond_nconsts": _count(test.inputs[:n]),
        "body_jaxpr": inner.program(body, _results(inner, carried, body.outputs)),
        "body_nconsts": _count(body.inputs[:m]),
    }  # fmt: skip
    inputs = _given(outer, eqn.inputs, [*test.inputs[:n], *body.inputs])
    found = [Var(a.type) for a in new["body_jaxpr"].outputs]
    outer.eqns.append(Eqn(eqn.primitive, inputs, {**params, **new}, found, eqn.source))
    _deliver(outer, eqn.outputs, carried, iter(found))
    return True


def _by_elements(body: Jaxpr) -> _Elements:
    """A body by elements; small inputs are taken apart."""
    inner = _Elements()
    for var in body.inputs:
        if small(var.type):
            inner.parts[var] = [Var(var.type.with_shape(())) for _ in range(var.type.size)]
    for eqn in body.eqns:
        inner.write(eqn)
    return inner


def _worthwhile(body: Jaxpr, carried: Sequence[Var]) -> _Elements | None:
    """The body by elements; None where that would save little."""
    if body.consts or not any(small(v.type) for v in body.inputs):
        return None
    if any(v.type.strong() is not r.type.strong() for v, r in zip(carried, body.outputs, strict=False)):
        return None
    inner = _by_elements(body)
    return inner if inner.saved >= GAIN * (inner.made + 1) and len(inner.eqns) <= MOST_EQUATIONS else None


def _count(variables: Sequence[Var]) -> int:
    """How many inputs stand for these."""
    return sum(v.type.size if small(v.type) else 1 for v in variables)


def _results(inner: _Elements, carried: Sequence[Var], outputs: Sequence[Atom]) -> list[Atom]:
    """The new values of the carries."""
    found: list[Atom] = []
    for var, result in zip(carried, outputs, strict=False):
        found += inner.elements(result) if small(var.type) else [inner.whole(result)]
    return found


def _given(outer: _Elements, atoms: Sequence[Atom], variables: Sequence[Var]) -> list[Atom]:
    """What a loop is given for constants and carries."""
    found: list[Atom] = []
    for atom, var in zip(atoms, variables, strict=True):
        found += outer.elements(atom) if small(var.type) else [outer.whole(atom)]
    return found


def _deliver(outer: _Elements, outputs: Sequence[Var], carried: Sequence[Var], found: Iterator[Var]) -> None:
    """What the final carries are, from those of the new loop."""
    for out, var in zip(outputs, carried, strict=True):
        if small(var.type):
            outer.parts[out] = [next(found) for _ in range(var.type.size)]
        else:
            outer.arrays[out] = next(found)


_LOOPS = {"scan": _scan, "while": _while}
