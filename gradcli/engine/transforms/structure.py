"""Which inputs each element of a program's outputs can depend on, by one walk over the program.

Inputs are numbered through, element by element: these are the *columns* of the Jacobian. What an array depends on is a
few *layers*, each an integer array of its shape that holds one column an element (-1: none), or, where that would be
too many, whole leaves. Where values only move, layers move in the same way, by the primitive's own ``impl``; arithmetic
unites them. Curtis, Powell and Reid (1974) is where computing several columns at once begins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from gradcli.engine.array import Array, raw
from gradcli.engine.errors import RuleError
from gradcli.engine.ir.program import Atom, Eqn, Jaxpr, Literal, Var
from gradcli.engine.ir.types import Shape
from gradcli.engine.ops.dot import free_dims
from gradcli.engine.ops.index_numpy import gather_numpy, window_sizes
from gradcli.engine.transforms.dce import dce_jaxpr
from gradcli.engine.transforms.jvp import jvp_jaxpr

MAX_LAYERS = 32
Columns = np.ndarray[Any, np.dtype[np.int64]]


class Pattern:
    """What an array depends on: ``layers`` of one column an element, and whole ``leaves`` for all elements."""

    __slots__ = ("layers", "leaves")

    def __init__(self, layers: Sequence[Columns] = (), leaves: frozenset[int] = frozenset()) -> None:
        self.layers, self.leaves = layers, leaves


NOTHING = Pattern()
PatternRule = Callable[["Walk", Eqn, Sequence[Pattern]], Sequence[Pattern] | Pattern | None]


def output_patterns(jaxpr: Jaxpr, sizes: Sequence[int]) -> list[Pattern]:
    """What the outputs depend on, as far as derivatives go, where the inputs are leaves of these ``sizes``."""
    walk = Walk([0, *accumulate(sizes)])
    inputs = []
    for i, var in enumerate(jaxpr.inputs):
        columns = np.arange(walk.starts[i], walk.starts[i + 1]).reshape(var.type.shape)
        inputs.append(Pattern((columns,)))
    return walk.run(jaxpr, inputs, [None] * len(inputs))


class Walk:
    """The walk: patterns of variables, and the values of those integers that depend on no input (indices)."""

    def __init__(self, starts: Sequence[int]) -> None:
        self.starts = starts
        self.limit = min(MAX_LAYERS, starts[-1] // 2)  # of layers: with more, too few columns could be saved

    def run(self, jaxpr: Jaxpr, inputs: Sequence[Pattern], values: Sequence[Any]) -> list[Pattern]:
        """The patterns of a program's outputs from those, and the values as far as known, of its inputs."""
        found: dict[Atom, Pattern] = {}
        known: dict[Atom, Any] = {v: x for v, x in zip(jaxpr.inputs, values, strict=True) if x is not None}
        for var, const in zip(jaxpr.constvars, jaxpr.consts, strict=True):
            if isinstance(const, Array):
                known[var] = raw(const)
        for var, pattern in zip(jaxpr.inputs, inputs, strict=True):
            if pattern is not NOTHING:
                found[var] = pattern
        for eqn in jaxpr.eqns:
            patterns = [found.get(a, NOTHING) for a in eqn.inputs]
            if any(p is not NOTHING for p in patterns):
                results = self._through(eqn, patterns, known)
                for var, result in zip(eqn.outputs, results, strict=True):
                    if result is not NOTHING and var.type.is_float:
                        found[var] = result
            if eqn.outputs and all(v.type.dtype.kind in "iub" for v in eqn.outputs):
                self._evaluate(eqn, known)
        return [found.get(a, NOTHING) for a in jaxpr.outputs]

    def _evaluate(self, eqn: Eqn, known: dict[Atom, Any]) -> None:
        values = [_value(a, known) for a in eqn.inputs]
        if any(v is None for v in values) or eqn.primitive.effect or eqn.primitive.multiple:
            return
        with np.errstate(all="ignore"):
            known[eqn.outputs[0]] = eqn.primitive.impl(*values, **eqn.params)

    def _through(self, eqn: Eqn, patterns: Sequence[Pattern], known: dict[Atom, Any]) -> Sequence[Pattern]:
        """The patterns of an equation's outputs: by its rule, else everything depends on everything."""
        name = eqn.primitive.name
        rule = _RULES.get(name) or (_elementwise if eqn.primitive.family == "elementwise" else None)
        result: Sequence[Pattern] | Pattern | None
        if name in _VALUED:
            result = _VALUED[name](self, eqn, patterns, [_value(a, known) for a in eqn.inputs])
        else:
            result = rule(self, eqn, patterns) if rule is not None else None
        if result is None:
            full = self.dense(patterns)
            return [full] * len(eqn.outputs)
        return [self.limited(p) for p in ([result] if isinstance(result, Pattern) else result)]

    # --- patterns -----------------------------------------------------------------------------------------------------

    def limited(self, pattern: Pattern) -> Pattern:
        """The pattern, as whole leaves where it has too many layers."""
        return pattern if len(pattern.layers) <= self.limit else self.dense([pattern])

    def dense(self, patterns: Iterable[Pattern]) -> Pattern:
        """Whole leaves: all that appear in the patterns."""
        leaves: frozenset[int] = frozenset()
        for pattern in patterns:
            leaves = leaves.union(pattern.leaves, *(self._leaves_of(layer) for layer in pattern.layers))
        return Pattern((), leaves) if leaves else NOTHING

    def _leaves_of(self, layer: Columns) -> frozenset[int]:
        bounds = enumerate(zip(self.starts, self.starts[1:], strict=False))
        return frozenset(k for k, (a, b) in bounds if ((layer >= a) & (layer < b)).any())

    def united(self, patterns: Iterable[Pattern], shape: Shape) -> Pattern:
        """What elements depend on that are computed from one element of each (broadcast) operand."""
        layers: dict[bytes, Columns] = {}
        leaves: frozenset[int] = frozenset()
        found = list(patterns)
        for pattern in found:
            leaves |= pattern.leaves
            for layer in pattern.layers:
                wide = layer if layer.shape == shape else np.broadcast_to(layer, shape)
                layers.setdefault(wide.tobytes(), wide)
            if len(layers) > self.limit:
                return self.dense(found)
        return Pattern(list(layers.values()), leaves) if layers or leaves else NOTHING

    def summed(self, pattern: Pattern, axes: Sequence[int]) -> Pattern:
        """What sums over axes depend on: one layer for each element that goes into a sum."""
        if not pattern.layers:
            return pattern
        ndim = pattern.layers[0].ndim
        kept = [d for d in range(ndim) if d not in axes]
        shape = tuple(pattern.layers[0].shape[d] for d in kept)
        rows = [layer.transpose(*kept, *axes).reshape(*shape, -1) for layer in pattern.layers]
        if sum(r.shape[-1] for r in rows) > self.limit:
            return self.dense([pattern])
        single = (Pattern((r[..., i],)) for r in rows for i in range(r.shape[-1]) if (r[..., i] >= 0).any())
        return self.united([Pattern((), pattern.leaves), *single], shape)


def _value(atom: Atom, known: dict[Atom, Any]) -> Any:
    return atom.value if isinstance(atom, Literal) else known.get(atom)


# --- rules: patterns of outputs from patterns of operands; None where nothing is known ------------------------------


def _elementwise(walk: Walk, eqn: Eqn, patterns: Sequence[Pattern]) -> Pattern:
    active = [p for p in patterns if p is not NOTHING]
    shape = eqn.outputs[0].type.shape
    if all(p is active[0] for p in active) and all(layer.shape == shape for layer in active[0].layers):
        return active[0]
    return walk.united(active, shape)


def _nothing(walk: Walk, eqn: Eqn, patterns: Sequence[Pattern]) -> list[Pattern]:
    return [NOTHING] * len(eqn.outputs)


def _moved(walk: Walk, eqn: Eqn, patterns: Sequence[Pattern]) -> list[Pattern]:
    """Values that only move: each layer moves like them. Of several operands, the others are filled with -1."""
    count = max(len(p.layers) for p in patterns)
    leaves = frozenset().union(*(p.leaves for p in patterns))
    layers: list[list[Columns]] = [[] for _ in eqn.outputs]
    for k in range(count):
        operands = [
            p.layers[k] if k < len(p.layers) else np.full(a.type.shape, -1)
            for p, a in zip(patterns, eqn.inputs, strict=True)
        ]
        out = eqn.primitive.impl(*operands, **eqn.params)
        for own, layer in zip(layers, out if eqn.primitive.multiple else [out], strict=True):
            if (np.asarray(layer) >= 0).any():
                own.append(np.asarray(layer))
    return [Pattern(own, leaves) if own or leaves else NOTHING for own in layers]


def _reduced(walk: Walk, eqn: Eqn, patterns: Sequence[Pattern]) -> Pattern:
    return walk.summed(patterns[0], eqn.params["axes"])


def _dot(walk: Walk, eqn: Eqn, patterns: Sequence[Pattern]) -> Pattern:
    """Products are elementwise between operands with aligned axes; then come the sums over what is contracted."""
    contract, batch = eqn.params["dimension_numbers"]
    frees = [free_dims(a.type.ndim, contract[i], batch[i]) for i, a in enumerate(eqn.inputs)]
    n_batch, n_contract = len(batch[0]), len(contract[0])
    shape = eqn.outputs[0].type.shape
    results = []
    for i, (pattern, atom) in enumerate(zip(patterns, eqn.inputs, strict=True)):
        if pattern is NOTHING:
            continue
        sizes = [atom.type.shape[d] for d in frees[i]]
        before, after = (len(frees[0]), 0) if i else (0, len(frees[1]))
        lead = [atom.type.shape[d] for d in batch[i]]
        inner = [atom.type.shape[d] for d in contract[i]]
        aligned = [*lead, *[1] * before, *sizes, *[1] * after, *inner]
        order = (*batch[i], *frees[i], *contract[i])
        layers = [layer.transpose(order).reshape(aligned) for layer in pattern.layers]
        ndim = n_batch + len(frees[0]) + len(frees[1])
        results.append(walk.summed(Pattern(layers, pattern.leaves), range(ndim, ndim + n_contract)))
    return walk.united(results, shape)


def _call(walk: Walk, eqn: Eqn, patterns: Sequence[Pattern], values: Sequence[Any]) -> list[Pattern]:
    return walk.run(eqn.params["jaxpr"], patterns, values)


def _cond(walk: Walk, eqn: Eqn, patterns: Sequence[Pattern], values: Sequence[Any]) -> list[Pattern]:
    rows = [walk.run(b, patterns[1:], values[1:]) for b in eqn.params["branches"]]
    return [walk.united(row, v.type.shape) for row, v in zip(zip(*rows, strict=True), eqn.outputs, strict=True)]


def _by_rule(walk: Walk, eqn: Eqn, patterns: Sequence[Pattern]) -> list[Pattern] | None:
    """What a derivative rule of the user's own does to tangents: the program of the rule says it."""
    active = [p is not NOTHING for p in patterns]
    inputs = tuple(Var(a.type) for a in eqn.inputs)
    alone = Jaxpr(inputs, (Eqn(eqn.primitive, inputs, eqn.params, eqn.outputs, eqn.source),), tuple(eqn.outputs))
    try:
        program, moving = jvp_jaxpr(alone, active)
    except RuleError:
        return None
    n = len(eqn.outputs)
    program = dce_jaxpr(program, [False] * n + [True] * (len(program.outputs) - n))
    given = [*[NOTHING] * len(inputs), *(p for p in patterns if p is not NOTHING)]
    found = iter(walk.run(program, given, [None] * len(given)))
    return [next(found) if m else NOTHING for m in moving]


def _gather(walk: Walk, eqn: Eqn, patterns: Sequence[Pattern], values: Sequence[Any]) -> Pattern | None:
    """Known indices: the layers are gathered as the values are; what is out of bounds is negative, so none."""
    if any(v is None for v in values[1:]):
        return None
    params = {**eqn.params, "fill_value": -1} if "fill_value" in eqn.params else eqn.params
    layers = [np.asarray(eqn.primitive.impl(layer, *values[1:], **params)) for layer in patterns[0].layers]
    return Pattern([layer for layer in layers if (layer >= 0).any()], patterns[0].leaves)


def _scatter_add(walk: Walk, eqn: Eqn, patterns: Sequence[Pattern], values: Sequence[Any]) -> Pattern | None:
    """Known indices: every update goes to a known element, and the elements are summed there."""
    x, indices, updates = eqn.inputs
    if values[1] is None:
        return None
    numbers = eqn.params["dimension_numbers"].gather()
    places = np.arange(x.type.size).reshape(x.type.shape)
    sizes = window_sizes(x.type.shape, updates.type.shape, numbers)
    target = gather_numpy(
        places, values[1], dimension_numbers=numbers, slice_sizes=sizes, mode=eqn.params["mode"], fill_value=-1,
        indices_are_sorted=False, unique_indices=False,
    ).reshape(-1)  # fmt: skip
    layers: list[Columns] = []
    for layer in patterns[2].layers:
        used = (target >= 0) & (layer.reshape(-1) >= 0)
        order = np.argsort(target[used], kind="stable")
        place, columns = target[used][order], layer.reshape(-1)[used][order]
        turn = np.arange(place.size) - np.searchsorted(place, place)  # how many came to this element before
        if place.size and turn.max() >= walk.limit:
            return None
        for k in range(turn.max() + 1 if place.size else 0):
            layers.append(np.full(x.type.size, -1))
            layers[-1][place[turn == k]] = columns[turn == k]
    scattered = [Pattern((layer.reshape(x.type.shape),)) for layer in layers]
    return walk.united([patterns[0], *scattered, Pattern((), patterns[2].leaves)], x.type.shape)


def _overwrite(walk: Walk, eqn: Eqn, patterns: Sequence[Pattern], values: Sequence[Any]) -> Pattern | None:
    """Known places are written over: elsewhere there is what was there, and at them what is written."""
    written = [a.type.is_float for a in eqn.inputs]
    if any(v is None for v, w in zip(values, written, strict=True) if not w):
        return None
    layers = []
    for k in range(max(len(p.layers) for p in patterns)):
        operands = [
            value if not w else p.layers[k] if k < len(p.layers) else np.full(a.type.shape, -1)
            for p, a, w, value in zip(patterns, eqn.inputs, written, values, strict=True)
        ]
        layers.append(np.asarray(eqn.primitive.impl(*operands, **eqn.params)))
    return Pattern(layers, frozenset().union(*(p.leaves for p in patterns)))


_MOVING = (
    "broadcast_in_dim", "reshape", "squeeze", "transpose", "rev", "concatenate", "slice", "pad", "split", "stack",
    "unstack", "tile", "optimization_barrier",
)  # fmt: skip
_RULES: dict[str, PatternRule] = {
    **dict.fromkeys(_MOVING, _moved),
    **dict.fromkeys(("reduce_sum", "reduce_max", "reduce_min", "reduce_prod"), _reduced),
    **dict.fromkeys(("stop_gradient", "sign", "floor", "ceil", "round"), _nothing),
    "name": _elementwise, "dot_general": _dot, "custom_jvp_call": _by_rule,
}  # fmt: skip
_VALUED: dict[str, Callable[[Walk, Eqn, Sequence[Pattern], Sequence[Any]], Sequence[Pattern] | Pattern | None]] = {
    "jit": _call, "remat2": _call, "cond": _cond,
    "gather": _gather, "dynamic_slice": _gather, "dynamic_update_slice": _overwrite, "scatter": _overwrite,
    "scatter-add": _scatter_add,
}  # fmt: skip
