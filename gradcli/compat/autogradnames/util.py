"""``autograd.util`` and ``autograd.wrap_util``: small helpers that files written for autograd import."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import reduce
from graphlib import TopologicalSorter
from operator import attrgetter
from typing import Any

from gradcli.compat.autogradnames.testing import check_grads
from gradcli.engine.tree import tree_map

Function = Callable[..., Any]


def subvals(x: Iterable[Any], ivs: Iterable[tuple[int, Any]]) -> tuple[Any, ...]:
    """A tuple with other elements at some places."""
    out = list(x)
    for i, v in ivs:
        out[i] = v
    return tuple(out)


def subval(x: Iterable[Any], i: int, v: Any) -> tuple[Any, ...]:
    """A tuple with another element at one place."""
    return subvals(x, [(i, v)])


def func(f: Function) -> Function:
    """The function itself."""
    return f


def toposort(end_node: Any, parents: Function = attrgetter("parents")) -> Iterator[Any]:
    """The nodes that lead to ``end_node``, each before its parents."""
    sorter: TopologicalSorter[Any] = TopologicalSorter()
    seen, stack = set(), [end_node]
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            sorter.add(node, *parents(node))
            stack.extend(parents(node))
    return iter(reversed(list(sorter.static_order())))


def wraps(fun: Function, namestr: str = "{fun}", docstr: str = "{doc}", **kwargs: Any) -> Function:
    """A decorator that takes name and docstring of ``fun``, formatted."""

    def decorate(f: Function) -> Function:
        name, doc = getattr(fun, "__name__", "[unknown name]"), getattr(fun, "__doc__", "")
        f.__name__ = namestr.format(fun=name, **kwargs)
        f.__doc__ = docstr.format(fun=name, doc=doc, **kwargs)
        return f

    return decorate


def quick_grad_check(fun: Function, arg0: Any, extra_args: tuple[Any, ...] = (), kwargs: Any = None, **_: Any) -> None:
    """Checks the gradient by the first argument. Raises AssertionError."""
    check_grads(lambda x: fun(x, *extra_args, **(kwargs or {})), modes=["rev"], order=1)(arg0)


def get_name(f: Any) -> str:
    """The name of a function."""
    return getattr(f, "__name__", "[unknown name]")


def get_doc(f: Any) -> str:
    """The docstring of a function."""
    return getattr(f, "__doc__", "")


def make_sequence(seq_type: type, *args: Any) -> Any:
    """A list or tuple of the arguments."""
    return seq_type(args)


def sequence_extend_right(seq: Any, *elts: Any) -> Any:
    """A sequence with elements at its end."""
    return seq + type(seq)(elts)


def sequence_extend_left(seq: Any, *elts: Any) -> Any:
    """A sequence with elements at its beginning."""
    return type(seq)(elts) + seq


def container_take(container: Any, index: Any) -> Any:
    """An element of a container."""
    return container[index]


def sum_outgrads(gs: Iterable[Any]) -> Any:
    """The sum of cotangents, which may be containers."""
    return reduce(lambda a, b: tree_map(lambda x, y: x + y, a, b), gs)
