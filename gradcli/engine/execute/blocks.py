"""Elementwise equations in a row over large arrays, block by block, so that what lies between them stays in cache.

A :class:`Cluster` is such a row, over one shape. Its program becomes a function of one block, made of ufunc calls that
write into buffers; buffers are used again as soon as nothing reads them, and results are written where they belong.
"""

from __future__ import annotations

import functools
import math
import os
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcli.engine.ir.program import Atom, Eqn, Literal, Var
from gradcli.engine.ir.types import Shape
from gradcli.engine.record import record

LEAST = 1 << 14  # elements from which blocks pay
BLOCK_BYTES = 1 << 17  # of one buffer: several of them fit the cache, and a ufunc call costs little beside them
SHARED = 1 << 21  # operations (elements by equations) from which a second thread pays
_KEPT = 1 << 28  # bytes of results that are kept for later ones

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


class Cluster:
    """Equations over one shape; ``inputs`` come from outside, ``outputs`` are read outside."""

    __slots__ = ("eqns", "inputs", "outputs", "shape")

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.eqns: list[Eqn] = []
        self.inputs: list[Var] = []
        self.outputs: list[Var] = []


def _fits(eqn: Eqn, shape: Shape) -> bool:
    if eqn.primitive.multiple or eqn.outputs[0].type.shape != shape:
        return False
    if eqn.primitive.name == "broadcast_in_dim":
        return not eqn.inputs[0].type.shape
    return eqn.primitive.family == "elementwise" and all(a.type.shape in ((), shape) for a in eqn.inputs)


def clustered(eqns: Sequence[Eqn], outputs: Sequence[Atom]) -> list[Eqn | Cluster]:
    """The equations, those that run together as clusters: an equation moves up to its cluster, never down."""
    plan: list[Eqn | Cluster] = []
    current: Cluster | None = None
    inside: set[Var] = set()
    for eqn in eqns:
        t = eqn.outputs[0].type if eqn.outputs else None
        shape = t.shape if t is not None and t.size >= LEAST else None
        if current is not None and _fits(eqn, current.shape):
            current.eqns.append(eqn)
            inside.update(eqn.outputs)
        elif current is not None and not any(a in inside for a in eqn.inputs):
            plan.insert(len(plan) - 1, eqn)  # nothing of the cluster is needed: it may run before
        elif shape is not None and _fits(eqn, shape):
            current = Cluster(shape)
            current.eqns.append(eqn)
            plan.append(current)
            inside = set(eqn.outputs)
        else:
            plan.append(eqn)
            current, inside = None, set()
    return _bounded(plan, outputs)


def _bounded(plan: list[Eqn | Cluster], outputs: Sequence[Atom]) -> list[Eqn | Cluster]:
    """Gives clusters their inputs and outputs; single equations are no clusters."""
    flat = [x for part in plan for x in ([part] if isinstance(part, Eqn) or len(part.eqns) > 1 else part.eqns)]
    read: set[Any] = set(outputs)
    for part in reversed(flat):
        eqns = [part] if isinstance(part, Eqn) else part.eqns
        if isinstance(part, Cluster):
            made = [v for eqn in eqns for v in eqn.outputs]
            part.outputs = [v for v in made if v in read]
            own = set(made)
            part.inputs = list(dict.fromkeys(
                a for eqn in eqns for a in eqn.inputs if not isinstance(a, Literal) and a not in own
            ))  # fmt: skip
        for eqn in eqns:
            read.update(a for a in eqn.inputs if not isinstance(a, Literal))
    return flat


# --- a cluster as a function ------------------------------------------------------------------------------------------


class _BlockWriter:
    """Writes the statements for one block."""

    def __init__(self, cluster: Cluster) -> None:
        self.scope: dict[str, Any] = {"copyto": np.copyto}
        self.lines: list[str] = []
        self.buffers: list[np.dtype[Any]] = []
        self._free: dict[np.dtype[Any], list[int]] = {}
        self._held: dict[Var, int] = {}
        self.names: dict[Any, str] = {}
        self._last = {a: i for i, eqn in enumerate(cluster.eqns) for a in eqn.inputs}
        self.cluster = cluster
        self._results = {v: f"o{i}" for i, v in enumerate(cluster.outputs)}

    def constant(self, value: Any) -> str:
        name = f"c{len(self.scope)}"
        self.scope[name] = value
        return name

    def atom(self, a: Atom) -> str:
        return self.constant(a.value) if isinstance(a, Literal) else self.names[a]

    def destination(self, var: Var) -> str:
        """Where a result goes: to its place in the output, or to a free buffer."""
        if var in self._results:
            return self._results[var]
        dtype = var.type.dtype
        free = self._free.setdefault(dtype, [])
        if free:
            number = free.pop()
        else:
            number = len(self.buffers)
            self.buffers.append(dtype)
        self._held[var] = number
        return f"b{number}"

    def release(self, eqn: Eqn, place: int) -> None:
        for a in eqn.inputs:
            if not isinstance(a, Literal) and self._last.get(a) == place and a in self._held:
                number = self._held.pop(a)
                self._free.setdefault(self.buffers[number], []).append(number)

    def write(self, eqn: Eqn, place: int) -> None:
        args, var, name = [self.atom(a) for a in eqn.inputs], eqn.outputs[0], eqn.primitive.name
        whole = eqn.inputs[0].type.shape == self.cluster.shape
        if var not in self._results and (name == "broadcast_in_dim" or (name in _ALIASES and not whole)):
            self.names[var] = args[0]  # a scalar: what reads it broadcasts it
            return
        ufunc = _ufunc(eqn)
        if ufunc is not None:
            self.release(eqn, place)  # a ufunc may write over its operands
            target = self.destination(var)
            self.lines.append(f"{self.constant(ufunc)}({', '.join(args)}, {target})")
        else:
            target = self.special(eqn, args, var)
            self.release(eqn, place)
        self.names[var] = target

    def special(self, eqn: Eqn, args: Sequence[str], var: Var) -> str:
        name = eqn.primitive.name
        if name in ("broadcast_in_dim", *_ALIASES) or _widens(eqn):
            target = self.destination(var)
            self.lines.append(f"copyto({target}, {args[0]})")
        elif name == "select_n" and len(args) == 3 and eqn.inputs[0].type.dtype.kind == "b":
            target = self.destination(var)
            self.lines += [f"copyto({target}, {args[1]})", f"copyto({target}, {args[2]}, where={args[0]})"]
        elif name == "integer_pow" and eqn.params["y"] > 1:
            target = self.power(eqn.params["y"], args[0], var)
        else:
            impl = self.constant(functools.partial(eqn.primitive.impl, **eqn.params))
            if var in self._results:
                target = self._results[var]
                self.lines.append(f"copyto({target}, {impl}({', '.join(args)}))")
            else:
                target = f"v{len(self.lines)}"
                self.lines.append(f"{target} = {impl}({', '.join(args)})")
        return target


    def power(self, n: int, x: str, var: Var) -> str:
        """Products by repeated squaring, in the order in which the primitive's own evaluation has them."""
        times, target = self.constant(np.multiply), self.destination(var)
        square, result = x, ""
        while True:
            if n & 1:
                if result:
                    self.lines.append(f"{times}({result}, {square}, {target})")
                result = target if result else square
            n >>= 1
            if not n:
                return result
            if n == 1 and not result:  # the last square of a power of two is the result
                self.lines.append(f"{times}({square}, {square}, {target})")
                return target
            free = self.spare(var) if square in (x, result) else square
            self.lines.append(f"{times}({square}, {square}, {free})")
            square = free

    def spare(self, var: Var) -> str:
        """One more buffer, until the equation of ``var`` is written."""
        number = len(self.buffers)
        self.buffers.append(var.type.dtype)
        return f"b{number}"


def _ufunc(eqn: Eqn) -> Any:
    name = eqn.primitive.name
    return UFUNCS.get(name) or (_FLOAT_UFUNCS.get(name) if eqn.inputs[0].type.dtype.kind in "fc" else None)


def _widens(eqn: Eqn) -> bool:
    """Whether it is a conversion that NumPy makes as the primitive does: no rounding to integers, nothing cut off."""
    if eqn.primitive.name != "convert_element_type":
        return False
    return bool(np.can_cast(eqn.inputs[0].type.dtype, eqn.outputs[0].type.dtype, "same_kind"))


def compile_cluster(cluster: Cluster) -> Callable[..., Any]:
    """A function of the cluster's inputs that returns its outputs, in order."""
    writer = _BlockWriter(cluster)
    scalars = []
    for i, var in enumerate(cluster.inputs):
        writer.names[var] = f"x{i}"
        scalars.append(not var.type.shape)
    for place, eqn in enumerate(cluster.eqns):
        writer.write(eqn, place)
    inputs, outputs = [f"x{i}" for i in range(len(scalars))], [f"o{i}" for i in range(len(cluster.outputs))]
    buffers = [f"b{i}" for i in range(len(writer.buffers))]
    cut = [f"{n} = {n}[low:high]" for n, scalar in zip(inputs, scalars, strict=True) if not scalar]
    cut += [f"{n} = {n}[low:high]" for n in outputs] + [f"{n} = {n}[:high - low]" for n in buffers]
    head = f"def block({', '.join(['low', 'high', *inputs, *outputs, *buffers])}):"
    exec("\n    ".join([head, *cut, *writer.lines]), writer.scope)
    results = [v.type.dtype for v in cluster.outputs]
    length = BLOCK_BYTES // max(d.itemsize for d in (*results, *writer.buffers))
    count = math.prod(cluster.shape) * len(cluster.eqns)
    workers = (os.cpu_count() or 1) if count >= SHARED else 1
    plan = _Plan(writer.scope["block"], cluster.shape, scalars, results, writer.buffers, length, workers)
    return functools.partial(_run, plan)


@record
class _Plan:
    """How a cluster is run: the function of one block, its arrays, the elements of a block, and on how many threads."""

    block: Callable[..., None]
    shape: Shape
    scalars: Sequence[bool]
    results: Sequence[np.dtype[Any]]
    buffers: Sequence[np.dtype[Any]]
    length: int
    workers: int


def _run(plan: _Plan, *values: Any) -> list[Any]:
    size = math.prod(plan.shape)
    inputs = [x if s else np.ascontiguousarray(x).reshape(-1) for x, s in zip(values, plan.scalars, strict=True)]
    outputs = [_POOL.take(size, dtype) for dtype in plan.results]

    def work(start: int, stop: int) -> None:
        own = [np.empty(min(plan.length, stop - start), dtype) for dtype in plan.buffers]
        with np.errstate(all="ignore"):  # threads have settings of their own
            for low in range(start, stop, plan.length):
                plan.block(low, min(low + plan.length, stop), *inputs, *outputs, *own)

    if plan.workers == 1:
        work(0, size)
    else:
        step = -(-size // plan.workers)
        cuts = range(0, size, -(-step // 64) * 64)
        list(_threads(plan.workers).map(work, cuts, [*cuts[1:], size]))
    return [x.reshape(plan.shape) for x in outputs]


@functools.cache
def _threads(count: int) -> Any:
    from concurrent.futures import ThreadPoolExecutor  # here: it takes longer to load than the engine does

    return ThreadPoolExecutor(count, "gradcli")


class _Pool:
    """Large arrays that were results and are referred to no longer: new ones cost a page fault for every 4 KiB."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._arrays: list[Any] = []

    def take(self, size: int, dtype: np.dtype[Any]) -> Any:
        """An array of that size and dtype; its content is anything."""
        if size * dtype.itemsize < 1 << 20:
            return np.empty(size, dtype)
        with self._lock:
            for i in range(len(self._arrays)):
                array = self._arrays[i]
                if array.size == size and array.dtype == dtype and sys.getrefcount(array) == 3:  # list, name, argument
                    return array
            array = np.empty(size, dtype)
            self._arrays.append(array)
            while len(self._arrays) > 1 and sum(x.nbytes for x in self._arrays) > _KEPT:
                del self._arrays[0]
            return array


_POOL = _Pool()
