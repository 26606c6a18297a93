"""``autograd.tracer``'s nodes: what a function computes, one object of a class of the user's for each operation.

The function is traced by the engine as it runs, and the nodes are made of its program afterwards. Operations have the
names of the engine's primitives; a container that goes in or out is taken apart and put together by operations too.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcli.compat.autogradnames.util import subvals, toposort
from gradcli.compat.autogradnames.values import floats, getval, plain
from gradcli.engine.array import Value, is_value
from gradcli.engine.control.common import trace_tree
from gradcli.engine.custom import as_value
from gradcli.engine.execute.interpret import interpret
from gradcli.engine.ir.program import Eqn, Jaxpr, Literal
from gradcli.engine.tree import TreeDef, tree_flatten, tree_unflatten

Function = Callable[..., Any]


class Node:
    """One operation. Subclasses say what is kept of it."""

    __slots__: Sequence[str] = ()

    def __init__(
        self, value: Any, fun: Function, args: Any, kwargs: Any, parent_argnums: Sequence[int], parents: Sequence[Any]
    ) -> None:
        raise NotImplementedError("a class of nodes has its own __init__(value, fun, args, kwargs, argnums, parents)")

    def initialize_root(self, *args: Any, **kwargs: Any) -> None:
        """Makes this the node of the function's argument."""
        raise NotImplementedError("a class of nodes has its own initialize_root")

    @classmethod
    def new_root(cls, *args: Any, **kwargs: Any) -> Any:
        """The node of a function's argument."""
        root = cls.__new__(cls)
        root.initialize_root(*args, **kwargs)
        return root


class VJPNode(Node):
    """The kind of trace that reverse mode makes, for :func:`register_notrace`."""

    __slots__ = ()


class JVPNode(Node):
    """The kind of trace that forward mode makes."""

    __slots__ = ()


class _Operation:
    """One equation as a function of values."""

    def __init__(self, eqn: Eqn) -> None:
        self.eqn, self.__name__ = eqn, str(eqn.params.get("name") or eqn.primitive.name)

    def __call__(self, *args: Any) -> Any:
        args = tuple(np.asarray(a, x.type.dtype)[()] for a, x in zip(args, self.eqn.inputs, strict=True))
        return self.eqn.primitive.impl(*args, **self.eqn.params)

    def __repr__(self) -> str:
        return f"<operation {self.__name__}>"


def take(container: Any, place: int) -> Any:
    """A leaf of a container."""
    return tree_flatten(container)[0][place]


Numbers = dict[Any, Any]


def _program(fun: Function, x: Any) -> tuple[Jaxpr, TreeDef, Numbers, Any]:
    """The program of a function at x, the structure of its result, its variables' values there, and the result."""
    leaves, tree = tree_flatten((floats(x),))
    points = [as_value(leaf) for leaf in leaves]
    jaxpr, out_tree = trace_tree(fun, tree, [v.type for v in points], getattr(fun, "__name__", "f"), points)
    numbers = _numbers(jaxpr, points)
    value = tree_unflatten(out_tree, [_known(atom, numbers) for atom in jaxpr.outputs])
    return jaxpr, out_tree, numbers, plain(value)


def _numbers(jaxpr: Jaxpr, points: Sequence[Any]) -> Numbers:
    """The values of all variables of a program, those of traces around it being what they are in this run."""
    found: Numbers = dict(zip(jaxpr.constvars, map(getval, jaxpr.consts), strict=True))
    for var, point in zip(jaxpr.inputs, points, strict=True):
        found[var] = np.asarray(getval(point), var.type.dtype)[()]
    with np.errstate(all="ignore"):
        for eqn in jaxpr.eqns:
            args = [np.asarray(_known(a, found), a.type.dtype)[()] for a in eqn.inputs]
            results = eqn.primitive.run(*args, **eqn.params)
            found.update(zip(eqn.outputs, results if eqn.primitive.multiple else [results], strict=True))
    return found


def _single(x: Any) -> bool:
    """Whether it is an array or number and no container."""
    return isinstance(x, Value) or is_value(x)


def _known(atom: Any, numbers: Numbers) -> Any:
    """What an operand is."""
    return np.asarray(atom.value if isinstance(atom, Literal) else numbers[atom])[()]


def trace(start_node: Any, fun: Function, x: Any) -> tuple[Any, Any]:
    """``fun(x)`` and the node of the result, of the class of ``start_node``; None where it does not depend on x."""
    kind = type(start_node)
    jaxpr, out_tree, numbers, value = _program(fun, x)
    nodes: dict[Any, Any] = {}
    single = _single(x)
    for i, var in enumerate(jaxpr.inputs):
        nodes[var] = start_node if single else kind(_known(var, numbers), take, (x, i), {}, (0,), (start_node,))
    for eqn in jaxpr.eqns:
        args = tuple(_known(a, numbers) for a in eqn.inputs)
        places = tuple(i for i, a in enumerate(eqn.inputs) if not a.is_literal and a in nodes)
        if places:
            parents = tuple(nodes[eqn.inputs[i]] for i in places)
            out = [_known(var, numbers) for var in eqn.outputs]
            made = kind(out if eqn.primitive.multiple else out[0], _Operation(eqn), args, {}, places, parents)
            for i, var in enumerate(eqn.outputs):
                nodes[var] = kind(out[i], take, (out, i), {}, (0,), (made,)) if eqn.primitive.multiple else made
    return value, _end(kind, jaxpr, out_tree, nodes, value)


def _end(kind: Any, jaxpr: Jaxpr, out_tree: TreeDef, nodes: dict[Any, Any], value: Any) -> Any:
    ends = {i: nodes[a] for i, a in enumerate(jaxpr.outputs) if not a.is_literal and a in nodes}
    if not ends:
        warnings.warn("Output seems independent of input.", stacklevel=3)
        return None
    if _single(value):
        return ends[0]

    def together(*leaves: Any) -> Any:
        return tree_unflatten(out_tree, leaves)

    return kind(value, together, tuple(tree_flatten(value)[0]), {}, tuple(ends), tuple(ends.values()))


def const_graph(fun: Function, *args: Any, **kwargs: Any) -> Function:
    """``fun`` with some arguments given: it is run once, and from then on its operations are repeated."""
    kept: list[Any] = []

    @functools.wraps(fun)
    def repeated(*rest: Any) -> Any:
        if not kept:
            jaxpr, out_tree, _, value = _program(lambda point: fun(*args, *point, **kwargs), rest)
            kept[:] = jaxpr, out_tree
            return value
        jaxpr, out_tree = kept
        given = zip(tree_flatten(floats(rest))[0], jaxpr.inputs, strict=True)
        out = interpret(jaxpr, [np.asarray(getval(v), var.type.dtype)[()] for v, var in given])
        return tree_unflatten(out_tree, out)

    return repeated


class FullGraphNode(Node):
    """A node that keeps its value, and what it was computed from."""

    __slots__ = ("recipe", "value")

    def __init__(
        self, value: Any, fun: Function, args: Any, kwargs: Any, parent_argnums: Sequence[int], parents: Sequence[Any]
    ) -> None:
        self.value = value
        self.recipe = fun, args, kwargs, list(zip(parent_argnums, parents, strict=True))

    def initialize_root(self) -> None:
        """Makes this the node of the arguments."""
        self.value = None
        self.recipe = (lambda x: x), (), {}, []


def full_graph(fun: Function, *args: Any, **kwargs: Any) -> Any:
    """The node of ``fun(*args)``, from which all others can be reached."""
    return trace(FullGraphNode.new_root(), lambda point: fun(*point, **kwargs), args)[1]


__all__ = ["FullGraphNode", "JVPNode", "Node", "VJPNode", "const_graph", "full_graph", "subvals", "toposort", "trace"]
