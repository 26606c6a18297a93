"""Gradients with respect to objects of a user's class, which autograd allows once it has a box and a vector space.

The engine traces arrays alone, so an object is not traced: it is boxed, and each primitive that meets the box adds a
*tap* to its result, an array of zeros. The cotangents of the taps are those of the results; the primitives' own rules
take them to the object's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gradcli import numpy as gnp
from gradcli.compat.autogradnames.operators import vjp_of
from gradcli.compat.autogradnames.values import BOX_TYPES, BOXES, OBJECTS, getvals
from gradcli.compat.autogradnames.vspace import vspace
from gradcli.engine.array import Value, is_value
from gradcli.engine.custom import as_value
from gradcli.engine.tree import tree_flatten, tree_leaves, tree_map, tree_unflatten

Function = Callable[..., Any]


class Call:
    """One call of a primitive with boxes of objects among its arguments."""

    def __init__(self, primitive: Any, args: Sequence[Any], kwargs: dict[str, Any], boxed: Sequence[int]) -> None:
        self.primitive, self.kwargs, self.boxed = primitive, kwargs, boxed
        self.boxes = [args[i] for i in boxed]
        self.args = [a._value if i in boxed else a for i, a in enumerate(args)]
        self.answer: Any = None
        self.values: tuple[Any, ...] = ()  # of the arguments, which have none any more when the trace has ended

    def cotangents(self, g: Any) -> Any:
        """Of each box, for one of the result."""
        return self.primitive.cotangents(tuple(self.boxed), self.answer, self.values, self.kwargs, g)


class Recorder:
    """What a run of a function does with the boxes."""

    def __init__(self, taps: Sequence[Any] | None = None) -> None:
        self.taps, self.calls = taps, list[Call]()

    def run(self, primitive: Any, args: Sequence[Any], kwargs: dict[str, Any], boxed: Sequence[int]) -> Any:
        """The primitive's result, with its tap. Raises NotImplementedError for one that is no array."""
        call = Call(primitive, args, kwargs, boxed)
        out = primitive(*call.args, **kwargs)
        for leaf in tree_leaves(out):
            if not (isinstance(leaf, Value) or is_value(leaf)):
                made, by = type(leaf).__name__, type(call.boxes[0]._value).__name__
                raise NotImplementedError(
                    f"{primitive.__name__} makes a {made}: results by a {by} have to be arrays and numbers"
                )
        call.answer, call.values = getvals(out), tuple(map(getvals, call.args))
        tap = self.taps[len(self.calls)] if self.taps is not None else None
        self.calls.append(call)
        return out if tap is None else tree_map(lambda a, b: a + b, out, tap)


def _with_boxes(leaves: Sequence[Any], recorder: Recorder) -> list[Any]:
    return [BOXES[type(x)](x, recorder, None) if type(x) in BOXES else x for x in leaves]


def vjp_by_objects(fun: Function, x: Any) -> tuple[Function, Any]:
    """``(pull, fun(x))`` where objects are among the leaves of x."""
    leaves, tree = tree_flatten(x)
    places = [i for i, leaf in enumerate(leaves) if type(leaf) in BOXES]
    first = Recorder()
    fun(tree_unflatten(tree, _with_boxes(leaves, first)))
    zeros = [tree_map(lambda a: gnp.zeros_like(as_value(a)) * 1.0, call.answer) for call in first.calls]
    arrays = [leaf for i, leaf in enumerate(leaves) if i not in places]
    second: list[Recorder] = []

    def tapped(point: Any) -> Any:
        given, taps = point
        recorder, stream = Recorder(taps), iter(given)
        second.append(recorder)
        full = [leaf if i in places else next(stream) for i, leaf in enumerate(leaves)]
        return fun(tree_unflatten(tree, _with_boxes(full, recorder)))

    pull, value = vjp_of(tapped, (arrays, zeros))

    def vjp(g: Any) -> Any:
        of_arrays, of_taps = pull(g)
        total = {i: vspace(leaves[i]).zeros() for i in places}
        position = {id(leaves[i]): i for i in places}
        for call, ct in zip(second[-1].calls, of_taps, strict=True):
            for box, part in zip(call.boxes, call.cotangents(ct), strict=True):
                i = position[id(box._value)]
                total[i] = vspace(leaves[i]).add(total[i], part)
        stream = iter(of_arrays)
        return tree_unflatten(tree, [total[i] if i in places else next(stream) for i in range(len(leaves))])

    return vjp, value


def _run(primitive: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    places = [i for i, a in enumerate(args) if type(a) in BOX_TYPES]
    return args[places[0]]._trace.run(primitive, args, kwargs, places)


OBJECTS.update(vjp=vjp_by_objects, run=_run)
