"""A cluster as a Python function of one block: ufunc calls that write into buffers.

Buffers are used again as soon as nothing reads them, and results are written where they belong.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcli.engine.execute import block_moves
from gradcli.engine.execute.fuse import REDUCTIONS, Cluster, has_rows
from gradcli.engine.execute.layout import ROWS_FIRST, ROWS_LAST
from gradcli.engine.execute.threads import Plan, Slot, run
from gradcli.engine.ir.program import Atom, Eqn, Literal, Var
from gradcli.engine.ir.types import ArrayType, Shape

UFUNCS: dict[str, Any] = {
    "add": np.add, "add_any": np.add, "sub": np.subtract, "mul": np.multiply, "neg": np.negative, "abs": np.abs,
    "max": np.maximum, "min": np.minimum, "square": np.square, "exp": np.exp, "exp2": np.exp2, "expm1": np.expm1,
    "log": np.log, "log1p": np.log1p, "sqrt": np.sqrt, "cbrt": np.cbrt, "sin": np.sin, "cos": np.cos, "tan": np.tan,
    "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "atan2": np.arctan2, "sinh": np.sinh, "cosh": np.cosh,
    "tanh": np.tanh, "asinh": np.arcsinh, "acosh": np.arccosh, "atanh": np.arctanh, "pow": np.power,
    "floor": np.floor, "ceil": np.ceil, "sign": np.sign, "eq": np.equal, "ne": np.not_equal, "lt": np.less,
    "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal, "and": np.bitwise_and, "or": np.bitwise_or,
    "xor": np.bitwise_xor, "not": np.invert, "is_finite": np.isfinite, "conj": np.conjugate,
}  # fmt: skip
_FLOAT_UFUNCS = {"div": np.true_divide, "rem": np.fmod}


class BlockWriter:
    """Writes the statements for one block.

    A value is in a result, in a buffer, or a view of another value; the memory of a view is that of its ``root``.
    Values from outside are slices of arrays, or copies of them where the layout is another.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.layout = ROWS_LAST if cluster.last else ROWS_FIRST
        self.scope: dict[str, Any] = {"copyto": np.copyto}
        self.lines: list[str] = []
        self.buffers: list[Slot] = []
        self.names: dict[Any, str] = {}
        self.narrow: set[Any] = set()  # views that have not their type's shape, and rely on being broadcast
        self._loaded: dict[Any, str] = {}
        self._free: dict[Slot, list[int]] = {}
        self._held: dict[Var, int] = {}
        self._root: dict[Any, Any] = {}
        self._results = {v: f"o{i}s" for i, v in enumerate(cluster.outputs)}
        for var in cluster.inputs:
            self.names[var] = f"x{len(self.names)}"
        self._outside = set(cluster.inputs)
        for eqn in cluster.eqns:
            if self.is_view(eqn):
                self._root[eqn.outputs[0]] = self.root(eqn.inputs[0])
        last = {a: i for i, e in enumerate((*cluster.eqns, *cluster.finals)) for a in e.inputs}
        self._last: dict[Any, int] = {}
        for a, i in last.items():
            root = self.root(a)
            self._last[root] = max(self._last.get(root, i), i)

    def root(self, a: Any) -> Any:
        """The value whose memory this one is in."""
        return self._root.get(a, a)

    # --- names --------------------------------------------------------------------------------------------------------

    def constant(self, value: Any) -> str:
        """A name for a value that is the same for all blocks."""
        name = f"c{len(self.scope)}"
        self.scope[name] = value
        return name

    def atom(self, eqn: Eqn, a: Atom) -> str:
        """The text of an operand: of one from outside those rows that belong to the block, or all of it."""
        if isinstance(a, Literal):
            return self.constant(a.value)
        if a not in self._outside or not a.type.shape:
            return self.names[a]
        rowwise = self.cluster.flat or has_rows(eqn, a, self.cluster.rows)
        if not rowwise:
            leading = eqn.primitive.name != "broadcast_in_dim" or eqn.params["broadcast_dimensions"][:1] == (0,)
            return self.layout.moved(self.names[a], a.type.ndim) if leading else self.names[a]
        if a not in self._loaded:
            self._loaded[a] = self.load(a)
        return self._loaded[a]

    def load(self, a: Var) -> str:
        """The block's rows of an array from outside."""
        rows = f"{self.names[a]}[low:high]"
        if not self.layout.last or a.type.ndim < 2:
            self.lines.append(f"{self.names[a]}s = {rows}")
            return f"{self.names[a]}s"
        loaded = f"{self.names[a]}s"
        given = self.layout.moved(rows, a.type.ndim)
        self.lines.append(f"{loaded} = {self.constant(_in_order)}({given}, {self.reserve(a)})")
        return loaded

    def rest(self, t: ArrayType) -> Shape:
        """The shape of a row."""
        return () if self.cluster.flat else t.shape[1:]

    def slot(self, var: Var) -> Slot:
        """The form of a buffer for a value."""
        return Slot(var.type.dtype, self.rest(var.type))

    def full(self, x: str, a: Atom) -> str:
        """A value with the shape that its type says, for what does not broadcast by itself."""
        if a not in self.narrow:
            return x
        return f"{self.constant(np.broadcast_to)}({x}, {self.layout.shape(self.rest(a.type), 'high - low')})"

    # --- memory -------------------------------------------------------------------------------------------------------

    def goes_out(self, var: Var) -> bool:
        """Whether a value is computed where it belongs, in a result."""
        return var in self._results and (not self.layout.last or not self.rest(var.type) or var in self.cluster.kept)

    def destination(self, var: Var) -> str:
        """Where a value goes: to its place in the result, or to a free buffer."""
        return self._results[var] if self.goes_out(var) else self.reserve(var)

    def reserve(self, var: Var) -> str:
        """A free buffer for a value."""
        slot = self.slot(var)
        free = self._free.setdefault(slot, [])
        number = self._held[var] = free.pop() if free else self.spare(slot)
        return f"b{number}"

    def spare(self, slot: Slot) -> int:
        """One more buffer."""
        self.buffers.append(slot)
        return len(self.buffers) - 1

    def release(self, values: Sequence[Any], place: int, same_slot: Slot | None = None) -> None:
        """Frees the buffers that nothing reads any more; ``same_slot``: those only that have this form."""
        for a in values:
            root = self.root(a)
            if root in self._held and self._last.get(root, place) <= place:
                slot = self.buffers[self._held[root]]
                if same_slot is None or (slot == same_slot and root is a):
                    self._free.setdefault(slot, []).append(self._held.pop(root))

    # --- statements ---------------------------------------------------------------------------------------------------

    def write(self, eqn: Eqn, place: int) -> None:
        """Writes one equation, the ``place``-th of the cluster."""
        args, var = [self.atom(eqn, a) for a in eqn.inputs], eqn.outputs[0]
        ufunc = ufunc_of(eqn)
        if self.is_view(eqn):
            self.names[var] = block_moves.view(self, eqn, args[0])
        elif ufunc is not None:
            self.release(eqn.inputs, place, self.slot(var))  # it may write over its operands
            target = self.names[var] = self.destination(var)
            self.lines.append(f"{self.constant(ufunc)}({', '.join(args)}, out={target})")
        elif eqn.primitive.name in REDUCTIONS:
            target = self.names[var] = self.destination(var)
            self.lines.append(f"{self.reduction(eqn, args[0])}, out={target})")
        else:
            self.names[var] = self.destination(var)
            self.special(eqn, args, self.names[var])
        if var in self._results and not self.goes_out(var):
            self.lines += self.layout.stores(self._results[var], self.full(self.names[var], var), self.rest(var.type))
        self.release([*eqn.inputs, var], place)

    def is_view(self, eqn: Eqn) -> bool:
        """Whether the result needs no memory of its own."""
        return eqn.primitive.name in block_moves.VIEWS and not self.goes_out(eqn.outputs[0])

    def reduction(self, eqn: Eqn, x: str) -> str:
        """The beginning of a call that reduces."""
        given = eqn.inputs[0]
        ufunc = self.constant(getattr(np, REDUCTIONS[eqn.primitive.name]).reduce)
        return f"{ufunc}({self.full(x, given)}, axis={self.layout.axes(eqn.params['axes'], given.type.ndim)}"

    def special(self, eqn: Eqn, args: Sequence[str], target: str) -> None:
        """What is no ufunc's call."""
        name = eqn.primitive.name
        if name in block_moves.MOVES:
            block_moves.MOVES[name](self, eqn, args, target)
        elif name in block_moves.VIEWS:
            self.lines.append(f"copyto({target}, {block_moves.view(self, eqn, args[0])})")
        elif _widens(eqn):
            self.lines.append(f"copyto({target}, {args[0]})")
        elif name == "select_n" and len(args) == 3 and eqn.inputs[0].type.dtype.kind == "b":
            self.lines += [f"copyto({target}, {args[1]})", f"copyto({target}, {args[2]}, where={args[0]})"]
        elif name == "dot_general":
            self.product(eqn, args, target)
        elif name == "integer_pow" and eqn.params["y"]:
            self.power(eqn, args[0], target)
        else:
            impl = self.constant(functools.partial(eqn.primitive.impl, **eqn.params))
            self.lines.append(f"copyto({target}, {impl}({', '.join(args)}))")

    def product(self, eqn: Eqn, args: Sequence[str], target: str) -> None:
        """For each row the product of small matrices: of all pairs of elements, summed."""
        (left, right), _ = eqn.params["dimension_numbers"]
        a, b = (v.type for v in eqn.inputs)
        free = [[d for d in range(1, t.ndim) if d not in gone] for t, gone in ((a, left), (b, right))]
        ones = [["None"] * len(f) for f in free]
        operands = []
        for x, given, t, own, gone, before, after in (
            (args[0], eqn.inputs[0], a, free[0], left, [], ones[1]),
            (args[1], eqn.inputs[1], b, free[1], right, ones[0], []),
        ):
            order = [*own, *gone]
            turned = self.full(x, given)
            if order != sorted(order):
                axes = self.layout.axes([0, *order], t.ndim)
                turned += f".transpose{(*axes[1:], axes[0]) if self.layout.last else axes}"
            places = [*before, *(":" for _ in own), *after, *(":" for _ in gone)]
            operands.append(turned + self.layout.index([":", *places]))
        times = self.constant(np.multiply)
        shape = (*(a.shape[d] for d in free[0]), *(b.shape[d] for d in free[1]), *(a.shape[d] for d in left))
        if math.prod(a.shape[d] for d in left) == 1:
            self.lines.append(f"{times}({', '.join(operands)}, out={target}.reshape{self.layout.shape(shape)})")
            return
        pairs = f"b{self.spare(Slot(a.dtype, shape))}"
        self.lines.append(f"{times}({', '.join(operands)}, out={pairs})")
        summed = range(len(shape) - len(left) + 1, len(shape) + 1)
        axes = self.layout.axes(list(summed), len(shape) + 1)
        self.lines.append(f"{self.constant(np.add.reduce)}({pairs}, axis={axes}, out={target})")

    def power(self, eqn: Eqn, x: str, target: str) -> None:
        """Products by repeated squaring, in the order in which the primitive's own evaluation has them."""
        times, square, result, n = self.constant(np.multiply), x, "", abs(eqn.params["y"])
        slot = self.slot(eqn.outputs[0])
        while True:
            if n & 1:
                if result:
                    self.lines.append(f"{times}({result}, {square}, {target})")
                result = target if result else square
            n >>= 1
            if not n:
                break
            if n == 1 and not result:  # the last square of a power of two is the result
                self.lines.append(f"{times}({square}, {square}, {target})")
                result = target
                break
            free = f"b{self.spare(slot)}" if square in (x, result) else square
            self.lines.append(f"{times}({square}, {square}, {free})")
            square = free
        if eqn.params["y"] < 0:
            one = self.constant(slot.dtype.type(1))
            self.lines.append(f"{self.constant(np.true_divide)}({one}, {result}, {target})")
        elif result != target:
            self.lines.append(f"copyto({target}, {result})")


def _in_order(rows: Any, buffer: Any) -> Any:
    """Rows in the order of the block: themselves if they are in memory, or else a copy of them."""
    if rows.strides[-1] == rows.itemsize:
        return rows
    np.copyto(buffer, rows)
    return buffer


def ufunc_of(eqn: Eqn) -> Any:
    """The ufunc that computes an equation bit for bit as its primitive does; None where there is none."""
    name = eqn.primitive.name
    return UFUNCS.get(name) or (_FLOAT_UFUNCS.get(name) if eqn.inputs[0].type.dtype.kind in "fc" else None)


def _widens(eqn: Eqn) -> bool:
    """Whether it is a conversion that NumPy makes as the primitive does: no rounding to integers, nothing cut off."""
    if eqn.primitive.name != "convert_element_type":
        return False
    return bool(np.can_cast(eqn.inputs[0].type.dtype, eqn.outputs[0].type.dtype, "same_kind"))


def compile_cluster(cluster: Cluster) -> Callable[..., Any]:
    """A function of the cluster's inputs that returns its outputs, then the results of its last reductions."""
    writer = BlockWriter(cluster)
    for place, eqn in enumerate(cluster.eqns):
        writer.write(eqn, place)
    for i, eqn in enumerate(cluster.finals):
        x = writer.atom(eqn, eqn.inputs[0])
        writer.lines.append(f"p{i}[number] = {writer.reduction(eqn, x)})")
    outputs = [f"o{i}" for i in range(len(cluster.outputs))]
    names = [
        "number", "low", "high", *(f"x{i}" for i in range(len(cluster.inputs))), *outputs,
        *(f"p{i}" for i in range(len(cluster.finals))), *(f"b{i}" for i in range(len(writer.buffers))),
    ]  # fmt: skip
    cut = [
        f"{n}s = {writer.layout.cut(n) if v in cluster.kept else ROWS_FIRST.cut(n)}"
        for n, v in zip(outputs, cluster.outputs, strict=True)
    ]
    exec("\n    ".join([f"def block({', '.join(names)}):", *cut, *writer.lines]), writer.scope)
    plan = Plan(
        block=writer.scope["block"],
        rows=cluster.rows,
        shape=cluster.shape if cluster.flat else None,
        last=writer.layout.last,
        flattened=[cluster.flat and bool(v.type.shape) for v in cluster.inputs],
        outputs=[writer.slot(v) for v in cluster.outputs],
        kept=[v in cluster.kept for v in cluster.outputs],
        partials=[_partial(eqn) for eqn in cluster.finals],
        buffers=writer.buffers,
        work=cluster.work,
    )
    return functools.partial(run, plan)


def _partial(eqn: Eqn) -> tuple[Slot, np.ufunc]:
    t = eqn.outputs[0].type
    return Slot(t.dtype, t.shape), getattr(np, REDUCTIONS[eqn.primitive.name])
