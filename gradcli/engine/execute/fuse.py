"""Which equations run together, block by block, so that what lies between them stays in cache.

A :class:`Cluster` is a row of equations whose values all have one leading axis of ``rows`` elements, and of which every
row can be computed by itself: elementwise operations, broadcasts and reductions along the other axes. A block is some
of the rows. Values that are equal for all rows come from outside. Sums and extrema over the rows themselves may end a
cluster: they are computed for each block, and the blocks' results are combined.

Where every value has the same shape the rows are the elements: the arrays are taken as flat (``flat``). Where rows are
short they are the last axis of a block (``last``; see :mod:`gradcli.engine.execute.layout`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from gradcli.engine.ir.program import Atom, Eqn, Literal, Var
from gradcli.engine.ir.types import ArrayType, Shape
from gradcli.engine.ops.cuts import slice_p
from gradcli.engine.ops.shape import squeeze_p

LEAST = 1 << 14  # elements from which blocks pay
LEAST_SHORT = 1 << 12  # the same for arrays with short rows, on which NumPy is slow
SHORT = 48  # elements of the last axis up to which a row is short
NARROW = 512  # elements of a row up to which blocks may have the rows last: inner loops are as long as the block
WIDEST = 1 << 15  # elements of a row beyond which a block would be too large for the cache

SMALL_PRODUCT = 64  # multiplications a row up to which products of small matrices are taken apart

MOVES: dict[str, Callable[[Mapping[str, Any]], bool]] = {  # and whether they leave the rows as they are
    "slice": lambda p: p["start_indices"][0] == 0 and (p["strides"] or (1,))[0] == 1,
    "pad": lambda p: tuple(p["padding_config"][0]) == (0, 0, 0),
    "concatenate": lambda p: p["dimension"] > 0,
    "stack": lambda p: p["axis"] > 0,
    "transpose": lambda p: p["permutation"][0] == 0,
    "rev": lambda p: 0 not in p["dimensions"],
}

REDUCTIONS = {"reduce_sum": "add", "reduce_max": "maximum", "reduce_min": "minimum"}
_DEAR = {
    "sin": 24, "cos": 24, "tan": 24, "asin": 12, "acos": 12, "atan": 12, "atan2": 24, "sinh": 16, "cosh": 16, "tanh": 8,
    "asinh": 24, "acosh": 16, "atanh": 16, "exp": 5, "exp2": 5, "expm1": 16, "log": 6, "log1p": 16, "pow": 20,
    "cbrt": 20, "logistic": 12, "div": 2, "sqrt": 2, "rsqrt": 4,
}  # fmt: skip


class Cluster:
    """Equations that run together; ``inputs`` come from outside, ``outputs`` are read outside, ``finals`` are reduced.

    kept: outputs whose readers do not mind if the rows are last in memory.
    shape: that of the first equation; ``rows`` its leading axis, or all elements where the cluster is ``flat``.
    """

    __slots__ = ("eqns", "finals", "flat", "inputs", "kept", "outputs", "shape", "shortest", "widest")

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.flat = True
        self.widest = 0
        self.shortest = WIDEST
        self.eqns: list[Eqn] = []
        self.finals: list[Eqn] = []
        self.inputs: list[Var] = []
        self.outputs: list[Var] = []
        self.kept: set[Var] = set()

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return math.prod(self.shape) if self.flat else self.shape[0]

    @property
    def last(self) -> bool:
        """Whether the rows are the last axis of a block."""
        return not self.flat and self.shortest <= SHORT and self.width <= NARROW

    @property
    def work(self) -> int:
        """What it costs, in simple operations on float64."""
        return sum(
            max(t.size for t in _types(e)) * _DEAR.get(e.primitive.name, 1) * e.outputs[0].type.dtype.itemsize // 8
            for e in (*self.eqns, *self.finals)
        )

    def takes(self, eqn: Eqn, inside: set[Any]) -> bool:
        """Adds an equation to the cluster if it can be part of it."""
        if eqn.primitive.multiple:
            return False
        if self.flat and _is_flat(eqn, self.shape):
            self.eqns.append(eqn)
            return True
        rows, width = self.shape[0], max([*(math.prod(t.shape[1:]) for t in _types(eqn)), self.width])
        if rows < 2 or width > WIDEST:
            return False
        if _is_final(eqn, rows, inside):
            self.finals.append(eqn)
        elif by_rows(eqn, rows, inside):
            self.eqns.append(eqn)
        else:
            return False
        self.flat, self.widest = False, width
        self.shortest = min([self.shortest, *(t.shape[-1] for t in _types(eqn) if t.ndim > 1 and t.shape[-1] > 1)])
        return True

    @property
    def width(self) -> int:
        """The elements of the widest row."""
        return self.widest or math.prod(self.shape[1:])


def _types(eqn: Eqn) -> list[ArrayType]:
    return [*(a.type for a in eqn.inputs), eqn.outputs[0].type]


def _is_flat(eqn: Eqn, shape: Shape) -> bool:
    """Whether all values have this shape, scalars aside."""
    if eqn.outputs[0].type.shape != shape:
        return False
    if eqn.primitive.name == "broadcast_in_dim":
        return not eqn.inputs[0].type.shape
    return eqn.primitive.family == "elementwise" and all(a.type.shape in ((), shape) for a in eqn.inputs)


def has_rows(eqn: Eqn, a: Atom, rows: int) -> bool:
    """Whether a row of the operand belongs to each row of the result; otherwise it is whole for each of them."""
    shape = a.type.shape
    if not shape or shape[0] != rows:
        return False
    if eqn.primitive.name == "broadcast_in_dim":
        return bool(eqn.params["broadcast_dimensions"][0] == 0)
    return eqn.primitive.family != "elementwise" or len(shape) == len(eqn.outputs[0].type.shape)


def by_rows(eqn: Eqn, rows: int, inside: set[Any]) -> bool:
    """Whether every row of the result follows from one row of the operands."""
    name, p = eqn.primitive.name, eqn.params
    if not all(has_rows(eqn, a, rows) for a in eqn.inputs if a in inside):
        return False
    out, first = eqn.outputs[0].type.shape, eqn.inputs[0].type.shape if eqn.inputs else ()
    if name in REDUCTIONS:
        return first[:1] == (rows,) and 0 not in p["axes"]
    if out[:1] != (rows,):
        return False
    if eqn.primitive.family == "elementwise":
        return all(has_rows(eqn, a, rows) or a.type.shape[:1] in ((), (1,)) for a in eqn.inputs)
    if name == "broadcast_in_dim":
        dims = p["broadcast_dimensions"]
        return has_rows(eqn, eqn.inputs[0], rows) or 0 not in dims or first[0] == 1
    if name == "dot_general":
        return is_small_product(eqn)
    if name in MOVES:
        arrays = [a for a in eqn.inputs if a.type.shape]
        return all(has_rows(eqn, a, rows) for a in arrays) and bool(arrays) and MOVES[name](p)
    return name in ("reshape", "squeeze") and first[:1] == (rows,) and eqn.inputs[0] in inside


def is_small_product(eqn: Eqn) -> bool:
    """Whether it is for each row an outer product, or one of matrices so small that a call for each costs more."""
    (left, right), batch = eqn.params["dimension_numbers"]
    a, b = (v.type for v in eqn.inputs)
    one_dtype = a.dtype == b.dtype == eqn.params["preferred_element_type"] and a.dtype.itemsize > 2
    summed = math.prod(a.shape[d] for d in left)
    outer = summed == 1 or summed * eqn.outputs[0].type.size <= SMALL_PRODUCT * a.shape[0]
    return batch == ((0,), (0,)) and one_dtype and outer and a.dtype.kind in "fc"


def _is_final(eqn: Eqn, rows: int, inside: set[Any]) -> bool:
    """Whether it reduces over the rows: exact for extrema, and for sums in another order than NumPy's."""
    if eqn.primitive.name not in REDUCTIONS or eqn.inputs[0] not in inside or 0 not in eqn.params["axes"]:
        return False
    t = eqn.inputs[0].type
    return t.shape[0] == rows and t.dtype.kind in "fc" and t.dtype.itemsize >= 4


def clustered(eqns: Sequence[Eqn], outputs: Sequence[Atom]) -> list[Eqn | Cluster]:
    """The equations, those that run together as clusters: an equation moves up to its cluster, never down."""
    plan: list[Eqn | Cluster] = []
    current: Cluster | None = None
    inside: set[Any] = set()
    finished: set[Any] = set()
    for eqn in single(eqns):
        later = any(a in finished for a in eqn.inputs)
        if current is not None and not later and current.takes(eqn, inside):
            (finished if eqn in current.finals else inside).update(eqn.outputs)
        elif current is not None and not later and not any(a in inside for a in eqn.inputs):
            plan.insert(len(plan) - 1, eqn)  # nothing of the cluster is needed: it may run before
        else:
            current = _begun(eqn)
            inside, finished = set(eqn.outputs), set()
            plan.append(eqn if current is None else current)
    return _bounded(plan, outputs)


def single(eqns: Sequence[Eqn]) -> Iterator[Eqn]:
    """The equations, those that cut an array along a later axis as one equation for each part."""
    for eqn in eqns:
        name = eqn.primitive.name
        if name not in ("split", "unstack") or not eqn.params["axis"]:
            yield eqn
            continue
        (x,), axis, start = eqn.inputs, eqn.params["axis"], 0
        for out in eqn.outputs:
            stop = start + (out.type.shape[axis] if name == "split" else 1)
            around = out.type.shape[:axis], out.type.shape[axis:]
            part = out if name == "split" else Var(x.type.with_shape((*around[0], 1, *around[1])))
            cut = [(start, stop) if d == axis else (0, n) for d, n in enumerate(x.type.shape)]
            starts, limits = (tuple(c[i] for c in cut) for i in (0, 1))
            params = {"start_indices": starts, "limit_indices": limits, "strides": None}
            yield Eqn(slice_p, [x], params, [part], eqn.source)
            if part is not out:
                yield Eqn(squeeze_p, [part], {"dimensions": (axis,)}, [out], eqn.source)
            start = stop


def _begun(eqn: Eqn) -> Cluster | None:
    """A cluster that begins with this equation, if it is one over a large array."""
    if len(eqn.outputs) != 1 or eqn.primitive.name in MOVES:
        return None
    shape = eqn.inputs[0].type.shape if eqn.primitive.name in REDUCTIONS else eqn.outputs[0].type.shape
    least = LEAST_SHORT if len(shape) > 1 and shape[-1] <= SHORT else LEAST
    if not shape or max(t.size for t in _types(eqn)) < least:
        return None
    cluster = Cluster(shape)
    return cluster if cluster.takes(eqn, set()) else None


def _bounded(plan: list[Eqn | Cluster], outputs: Sequence[Atom]) -> list[Eqn | Cluster]:
    """Gives clusters their inputs and outputs; single equations are no clusters."""
    flat: list[Eqn | Cluster] = []
    for part in plan:
        whole = isinstance(part, Eqn) or len(part.eqns) + len(part.finals) > 1
        flat += [part] if whole else part.eqns  # type: ignore[union-attr]
    read: set[Any] = {a for a in outputs if not isinstance(a, Literal)}
    strict = set(read)  # what is read as it is in memory
    for part in reversed(flat):
        if isinstance(part, Cluster):
            _bound(part, read)
            part.kept = {v for v in part.outputs if v not in strict} if part.last else set()
            if not part.last:
                strict.update(part.inputs)
        eqns = [part] if isinstance(part, Eqn) else [*part.eqns, *part.finals]
        for eqn in eqns:
            read.update(a for a in eqn.inputs if not isinstance(a, Literal))
        if isinstance(part, Eqn):
            strict.update(a for i, a in enumerate(part.inputs) if not isinstance(a, Literal) and not _turns(part, i))
    return flat


def _turns(eqn: Eqn, i: int) -> bool:
    """Whether an operand may have its first axis last in memory: matrices of which BLAS reads the transposed, too."""
    if eqn.primitive.name != "dot_general":
        return False
    contracted, batch = eqn.params["dimension_numbers"]
    return 0 not in batch[i] and len(contracted[i]) == 1 and len(batch[i]) == eqn.inputs[i].type.ndim - 2


def _bound(cluster: Cluster, read: set[Any]) -> None:
    """``read``: what is read after the cluster."""
    made = [v for eqn in cluster.eqns for v in eqn.outputs]
    own = set(made)
    cluster.outputs = [v for v in made if v in read]
    cluster.inputs = list(
        dict.fromkeys(
            a
            for eqn in (*cluster.eqns, *cluster.finals)
            for a in eqn.inputs
            if not isinstance(a, Literal) and a not in own
        )
    )
