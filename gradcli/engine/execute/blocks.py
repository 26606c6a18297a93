"""A cluster as a Python function of one block: ufunc calls that write into buffers.

Buffers are used again as soon as nothing reads them, and results are written where they belong.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcli.engine.execute.fuse import REDUCTIONS, Cluster, has_rows
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
_ALIASES = ("stop_gradient", "copy")
_VIEWS = ("broadcast_in_dim", "reshape", "squeeze")


class _BlockWriter:
    """Writes the statements for one block.

    A value is in a result, in a buffer, or a view of another value; the memory of a view is that of its ``_root``.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.scope: dict[str, Any] = {"copyto": np.copyto}
        self.lines: list[str] = []
        self.buffers: list[Slot] = []
        self.names: dict[Any, str] = {}
        self.cluster = cluster
        self._sliced: dict[Any, str] = {}
        self._free: dict[Slot, list[int]] = {}
        self._held: dict[Var, int] = {}
        self._root: dict[Any, Any] = {}
        self._results = {v: f"o{i}" for i, v in enumerate(cluster.outputs)}
        self._narrow: set[Any] = set()  # views that have not their type's shape, and rely on being broadcast
        for var in cluster.inputs:
            self.names[var] = f"x{len(self.names)}"
        self._outside = set(cluster.inputs)
        self._plan_views()
        last = {a: i for i, e in enumerate((*cluster.eqns, *cluster.finals)) for a in e.inputs}
        self._last: dict[Any, int] = {}
        for a, i in last.items():
            root = self.root(a)
            self._last[root] = max(self._last.get(root, i), i)

    def _plan_views(self) -> None:
        for eqn in self.cluster.eqns:
            if self._is_view(eqn):
                self._root[eqn.outputs[0]] = self.root(eqn.inputs[0])

    def root(self, a: Any) -> Any:
        """The value whose memory this one is in."""
        return self._root.get(a, a)

    # --- names --------------------------------------------------------------------------------------------------------

    def constant(self, value: Any) -> str:
        name = f"c{len(self.scope)}"
        self.scope[name] = value
        return name

    def atom(self, eqn: Eqn, a: Atom) -> str:
        """The text of an operand: of one from outside those rows that belong to the block, or all of it."""
        if isinstance(a, Literal):
            return self.constant(a.value)
        if a not in self._outside:
            return self.names[a]
        rowwise = bool(a.type.shape) if self.cluster.flat else has_rows(eqn, a, self.cluster.rows)
        if not rowwise:
            return self.names[a]
        if a not in self._sliced:
            self._sliced[a] = f"{self.names[a]}s"
            self.lines.append(f"{self._sliced[a]} = {self.names[a]}[low:high]")
        return self._sliced[a]

    def rest(self, t: ArrayType) -> Shape:
        """The shape of a row."""
        return () if self.cluster.flat else t.shape[1:]

    # --- memory -------------------------------------------------------------------------------------------------------

    def destination(self, var: Var) -> str:
        """Where a result goes: to its place in the output, or to a free buffer."""
        if var in self._results:
            return f"{self._results[var]}s"
        slot = Slot(var.type.dtype, self.rest(var.type))
        free = self._free.setdefault(slot, [])
        number = free.pop() if free else self.spare(slot)
        self._held[var] = number
        return f"b{number}"

    def spare(self, slot: Slot) -> int:
        """One more buffer."""
        self.buffers.append(slot)
        return len(self.buffers) - 1

    def release(self, eqn: Eqn, place: int, same_slot: Slot | None = None) -> None:
        """Frees the buffers that nothing reads any more; ``same_slot``: those only that have this form."""
        for a in eqn.inputs:
            root = self.root(a)
            if root in self._held and self._last[root] == place:
                slot = self.buffers[self._held[root]]
                if same_slot is None or (slot == same_slot and root is a):
                    self._free.setdefault(slot, []).append(self._held.pop(root))

    # --- statements ---------------------------------------------------------------------------------------------------

    def write(self, eqn: Eqn, place: int) -> None:
        args, var = [self.atom(eqn, a) for a in eqn.inputs], eqn.outputs[0]
        ufunc = _ufunc(eqn)
        if self._is_view(eqn):
            self.names[var] = self.view(eqn, args[0])
            return
        if ufunc is not None:
            self.release(eqn, place, Slot(var.type.dtype, self.rest(var.type)))  # it may write over its operands
            target = self.destination(var)
            self.lines.append(f"{self.constant(ufunc)}({', '.join(args)}, out={target})")
        elif eqn.primitive.name in REDUCTIONS:
            target = self.destination(var)
            self.lines.append(f"{self.reduction(eqn, args[0])}, out={target})")
        else:
            target = self.special(eqn, args, var)
        self.release(eqn, place)
        self.names[var] = target

    def _is_view(self, eqn: Eqn) -> bool:
        """Whether the result needs no memory of its own."""
        return eqn.outputs[0] not in self._results and eqn.primitive.name in (*_VIEWS, *_ALIASES)

    def view(self, eqn: Eqn, x: str) -> str:
        """The text of a view. A broadcast is left to the ufuncs that read it, unless something else does."""
        var, given = eqn.outputs[0], eqn.inputs[0]
        name, shape = eqn.primitive.name, var.type.shape
        if name in _ALIASES or not given.type.shape:
            if given in self._narrow or not given.type.shape:
                self._narrow.add(var)
            return x
        x = self.full(x, given)
        text = f"v{len(self.lines)}"
        if name != "broadcast_in_dim":
            self.lines.append(f"{text} = {x}.reshape(-1, {''.join(f'{n}, ' for n in shape[1:])})")
            return text
        dims = eqn.params["broadcast_dimensions"]
        places = ["slice(None)" if d in dims else "None" for d in range(len(shape))]
        self.lines.append(f"{text} = {x}[{', '.join(places)}]")
        self._narrow.add(var)
        return text

    def reduction(self, eqn: Eqn, x: str) -> str:
        """The beginning of a call that reduces."""
        ufunc = self.constant(getattr(np, REDUCTIONS[eqn.primitive.name]).reduce)
        return f"{ufunc}({self.full(x, eqn.inputs[0])}, axis={tuple(eqn.params['axes'])}"

    def full(self, x: str, a: Atom) -> str:
        """A value with the shape that its type says, for what does not broadcast by itself."""
        if a not in self._narrow:
            return x
        shape = "".join(f"{n}, " for n in ("high - low", *(() if self.cluster.flat else a.type.shape[1:])))
        return f"{self.constant(np.broadcast_to)}({x}, ({shape}))"

    def special(self, eqn: Eqn, args: Sequence[str], var: Var) -> str:
        name = eqn.primitive.name
        target = self.destination(var)
        if name in (*_VIEWS, *_ALIASES):
            self.copy(eqn, args[0], target)
        elif _widens(eqn):
            self.lines.append(f"copyto({target}, {args[0]})")
        elif name == "select_n" and len(args) == 3 and eqn.inputs[0].type.dtype.kind == "b":
            self.lines += [f"copyto({target}, {args[1]})", f"copyto({target}, {args[2]}, where={args[0]})"]
        elif name == "dot_general":
            self.outer(eqn, args, target)
        elif name == "integer_pow" and eqn.params["y"] > 1:
            self.power(eqn.params["y"], args[0], target, Slot(var.type.dtype, self.rest(var.type)))
        else:
            impl = self.constant(functools.partial(eqn.primitive.impl, **eqn.params))
            self.lines.append(f"copyto({target}, {impl}({', '.join(args)}))")
        return target

    def copy(self, eqn: Eqn, x: str, target: str) -> None:
        """A view that is a result of the cluster, and so needs memory of its own."""
        if eqn.primitive.name in ("reshape", "squeeze"):
            x = f"{self.full(x, eqn.inputs[0])}.reshape({target}.shape)"
        elif eqn.inputs[0].type.shape and not self.cluster.flat and eqn.primitive.name == "broadcast_in_dim":
            x = self.view(eqn, x)
        self.lines.append(f"copyto({target}, {x})")

    def outer(self, eqn: Eqn, args: Sequence[str], target: str) -> None:
        """The product of each row of one operand with a row of the other."""
        contracted, _ = eqn.params["dimension_numbers"]
        free = [
            [n for d, n in enumerate(a.type.shape) if d and d not in gone]
            for a, gone in zip(eqn.inputs, contracted, strict=True)
        ]
        shapes = [(*free[0], *(1 for _ in free[1])), (*(1 for _ in free[0]), *free[1])]
        x, y = (
            f"{self.full(text, a)}.reshape(-1, {''.join(f'{n}, ' for n in shape)})"
            for text, a, shape in zip(args, eqn.inputs, shapes, strict=True)
        )
        self.lines.append(f"{self.constant(np.multiply)}({x}, {y}, out={target})")

    def power(self, n: int, x: str, target: str, slot: Slot) -> None:
        """Products by repeated squaring, in the order in which the primitive's own evaluation has them."""
        times, square, result = self.constant(np.multiply), x, ""
        while True:
            if n & 1:
                if result:
                    self.lines.append(f"{times}({result}, {square}, {target})")
                result = target if result else square
            n >>= 1
            if not n:
                return
            if n == 1 and not result:  # the last square of a power of two is the result
                self.lines.append(f"{times}({square}, {square}, {target})")
                return
            free = f"b{self.spare(slot)}" if square in (x, result) else square
            self.lines.append(f"{times}({square}, {square}, {free})")
            square = free


def _ufunc(eqn: Eqn) -> Any:
    name = eqn.primitive.name
    return UFUNCS.get(name) or (_FLOAT_UFUNCS.get(name) if eqn.inputs[0].type.dtype.kind in "fc" else None)


def _widens(eqn: Eqn) -> bool:
    """Whether it is a conversion that NumPy makes as the primitive does: no rounding to integers, nothing cut off."""
    if eqn.primitive.name != "convert_element_type":
        return False
    return bool(np.can_cast(eqn.inputs[0].type.dtype, eqn.outputs[0].type.dtype, "same_kind"))


def compile_cluster(cluster: Cluster) -> Callable[..., Any]:
    """A function of the cluster's inputs that returns its outputs, then the results of its last reductions."""
    writer = _BlockWriter(cluster)
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
    cut = [f"{n}s = {n}[low:high]" for n in outputs]
    exec("\n    ".join([f"def block({', '.join(names)}):", *cut, *writer.lines]), writer.scope)
    plan = Plan(
        block=writer.scope["block"],
        rows=cluster.rows,
        shape=cluster.shape if cluster.flat else None,
        flattened=[cluster.flat and bool(v.type.shape) for v in cluster.inputs],
        outputs=[Slot(v.type.dtype, writer.rest(v.type)) for v in cluster.outputs],
        partials=[_partial(eqn) for eqn in cluster.finals],
        buffers=writer.buffers,
        work=cluster.work,
    )
    return functools.partial(run, plan)


def _partial(eqn: Eqn) -> tuple[Slot, np.ufunc]:
    t = eqn.outputs[0].type
    return Slot(t.dtype, t.shape), getattr(np, REDUCTIONS[eqn.primitive.name])
