"""``custom_jvp`` and ``custom_vjp`` for users: pytrees, keyword arguments and ``nondiff_argnums`` over flat rules."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np

from gradcli.engine.array import Array, Value, is_value, not_an_array, type_of
from gradcli.engine.control.custom import custom_jvp_call_p, custom_vjp_call_p
from gradcli.engine.errors import fail
from gradcli.engine.ops.elementwise import add, mul
from gradcli.engine.trace.source import user_location
from gradcli.engine.trace.tracer import bind, trace_program
from gradcli.engine.tree import TreeDef, tree_flatten, tree_unflatten


def as_value(x: Any) -> Any:
    """The leaf as a value of the engine. Raises TypeError (G207) for a leaf that is no array."""
    if isinstance(x, Value):
        return x
    if not is_value(x):
        raise not_an_array(x)
    t = type_of(x)
    return Array(np.asarray(x, dtype=t.dtype)[()], t)


def resolve_kwargs(f: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """All arguments as positional ones, defaults filled in."""
    if not kwargs:
        try:
            signature = inspect.signature(f)
            bound = signature.bind(*args)
        except (TypeError, ValueError):
            return tuple(args)
        bound.apply_defaults()
        return tuple(bound.args) if not bound.kwargs else tuple(args)
    bound = inspect.signature(f).bind(*args, **kwargs)
    bound.apply_defaults()
    if bound.kwargs:
        raise fail("G208", f"{_name(f)} has keyword-only arguments, which a custom rule cannot take", cls=TypeError)
    return tuple(bound.args)


def _name(f: Callable[..., Any]) -> str:
    return getattr(f, "__name__", "f")


class _Custom:
    """What both kinds share: the function, its name, and the split into static and differentiable arguments."""

    def __init__(self, fun: Callable[..., Any], nondiff_argnums: Sequence[int] | int = ()) -> None:
        functools.update_wrapper(cast(Any, self), fun)
        self.fun = fun
        self.nondiff = (nondiff_argnums,) if isinstance(nondiff_argnums, int) else tuple(nondiff_argnums)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else functools.partial(cast(Any, self), instance)

    def _split(self, args: tuple[Any, ...]) -> tuple[list[Any], list[Any]]:
        nondiff = {i % len(args) for i in self.nondiff} if args else set()
        return [args[i] for i in sorted(nondiff)], [a for i, a in enumerate(args) if i not in nondiff]

    def _merge(self, static: Sequence[Any], dynamic: Sequence[Any]) -> list[Any]:
        total = len(static) + len(dynamic)
        nondiff = {i % total for i in self.nondiff}
        s, d = iter(static), iter(dynamic)
        return [next(s) if i in nondiff else next(d) for i in range(total)]

    def _flat(self, f: Callable[..., Any], static: Sequence[Any], in_tree: TreeDef, trees: list[TreeDef]) -> Any:
        def flat(*leaves: Any) -> list[Any]:
            out, tree = tree_flatten(f(*self._merge(static, tree_unflatten(in_tree, leaves))))
            trees.append(tree)
            return [as_value(x) for x in out]

        return flat


def _missing(name: str, what: str) -> Exception:
    error: Exception = fail(
        "G208",
        f"no {what} was defined for {name}",
        hint=f"define it with @{name}.{what}",
        location=user_location(),
        cls=AttributeError,
    )
    return error


def _match(tree: TreeDef, expected: TreeDef, name: str, what: str) -> None:
    if tree != expected:
        raise fail(
            "G208", f"the custom rule of {name} returned {what} of structure {tree}, expected {expected}",
            location=user_location(), cls=TypeError,
        )  # fmt: skip


class custom_jvp(_Custom):  # noqa: N801 - JAX's name
    """A function with its own forward derivative (and so, by transposition, its own reverse one).

    >>> @custom_jvp
    ... def f(x):
    ...     return x * x
    >>> f.defjvp(lambda primals, tangents: (f(primals[0]), 3.0 * tangents[0])) and None
    """

    jvp: Callable[..., Any] | None = None

    def defjvp(self, jvp: Callable[..., Any], symbolic_zeros: bool = False) -> Callable[..., Any]:
        """Sets the rule ``jvp(*nondiff, primals, tangents) -> (out, tangent_out)``; a decorator."""
        self.jvp = jvp
        return jvp

    def defjvps(self, *jvps: Callable[..., Any] | None) -> None:
        """Sets one rule an argument: ``jvps[i](tangent, out, *primals) -> tangent_out``; None for a zero."""

        def rule(primals: Any, tangents: Any) -> Any:
            out = self(*primals)
            terms = [r(t, out, *primals) for r, t in zip(jvps, tangents, strict=True) if r is not None]
            total = terms[0] if terms else mul(out, 0.0)
            for term in terms[1:]:
                total = add(total, term)
            return out, total

        self.jvp = rule

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        name = _name(self.fun)
        if self.jvp is None:
            raise _missing(name, "defjvp")
        static, dynamic = self._split(resolve_kwargs(self.fun, args, kwargs))
        leaves, in_tree = tree_flatten(tuple(dynamic))
        leaves = [as_value(x) for x in leaves]
        trees: list[TreeDef] = []
        program = trace_program(
            self._flat(self.fun, static, in_tree, trees), [type_of(x) for x in leaves], leaves, name
        )
        jaxpr, consts = program.closed()
        out_tree, user_rule = trees[0], self.jvp

        def rule(primals: list[Any], tangents: list[Any]) -> tuple[list[Any], list[Any]]:
            result = user_rule(*static, tree_unflatten(in_tree, primals), tree_unflatten(in_tree, tangents))
            if not isinstance(result, (tuple, list)) or len(result) != 2:
                raise fail("G208", f"the custom rule of {name} must return (primal_out, tangent_out)", cls=TypeError)
            outs, tree = tree_flatten(result[0])
            dots, dot_tree = tree_flatten(result[1])
            _match(tree, out_tree, name, "a primal output")
            _match(dot_tree, out_tree, name, "a tangent output")
            return [as_value(x) for x in outs], [as_value(x) for x in dots]

        rule.__name__ = _name(user_rule)
        out = bind(custom_jvp_call_p, *consts, *leaves, call_jaxpr=jaxpr, jvp=rule, name=name, num_consts=len(consts))
        return tree_unflatten(out_tree, out)


class custom_vjp(_Custom):  # noqa: N801 - JAX's name
    """A function with its own reverse derivative: ``fwd`` returns (out, residuals), ``bwd(residuals, ct)`` cotangents.

    Forward mode works as well where ``bwd`` is made of operations that can be transposed.
    """

    fwd: Callable[..., Any] | None = None
    bwd: Callable[..., Any] | None = None

    def defvjp(self, fwd: Callable[..., Any], bwd: Callable[..., Any], symbolic_zeros: bool = False, **_: Any) -> None:
        """Sets ``fwd(*args) -> (out, residuals)`` and ``bwd(*nondiff, residuals, ct) -> one cotangent an argument``."""
        self.fwd, self.bwd = fwd, bwd

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        name = _name(self.fun)
        if self.fwd is None or self.bwd is None:
            raise _missing(name, "defvjp")
        static, dynamic = self._split(resolve_kwargs(self.fun, args, kwargs))
        leaves, in_tree = tree_flatten(tuple(dynamic))
        leaves = [as_value(x) for x in leaves]
        trees: list[TreeDef] = []
        program = trace_program(
            self._flat(self.fun, static, in_tree, trees), [type_of(x) for x in leaves], leaves, name
        )
        jaxpr, consts = program.closed()
        fwd, bwd = _flat_rules(self, static, in_tree, trees[0], name)
        out = bind(
            custom_vjp_call_p, *consts, *leaves,
            call_jaxpr=jaxpr, fwd=fwd, bwd=bwd, name=name, num_consts=len(consts),
        )  # fmt: skip
        return tree_unflatten(trees[0], out)


def _flat_rules(custom: custom_vjp, static: list[Any], in_tree: TreeDef, out_tree: TreeDef, name: str) -> Any:
    user_fwd, user_bwd = custom.fwd, custom.bwd
    assert user_fwd is not None and user_bwd is not None
    residual_trees: list[TreeDef] = []

    def fwd(primals: list[Any]) -> list[Any]:
        args = custom._merge(static, tree_unflatten(in_tree, primals))
        result = user_fwd(*args)
        if not isinstance(result, (tuple, list)) or len(result) != 2:
            raise fail("G208", f"the fwd rule of {name} must return (out, residuals)", cls=TypeError)
        outs, tree = tree_flatten(result[0])
        _match(tree, out_tree, name, "an output")
        residuals, residual_tree = tree_flatten(result[1])
        residual_trees.append(residual_tree)
        return [*map(as_value, outs), *map(as_value, residuals)]

    def bwd(residuals: list[Any], cts: list[Any]) -> list[Any]:
        tree = residual_trees[-1]
        result = user_bwd(*static, tree_unflatten(tree, residuals), tree_unflatten(out_tree, cts))
        if isinstance(result, list):
            result = tuple(result)
        if not isinstance(result, tuple):
            raise fail(
                "G208", f"the bwd rule of {name} must return a tuple, one cotangent an argument",
                hint="a single one is written (ct,)", cls=TypeError,
            )  # fmt: skip
        return [None if ct is None else as_value(ct) for ct in _cotangent_leaves(in_tree, result, name)]

    fwd.__name__, bwd.__name__ = _name(user_fwd), _name(user_bwd)
    return fwd, bwd


def _cotangent_leaves(in_tree: TreeDef, result: tuple[Any, ...], name: str) -> list[Any]:
    """One cotangent a leaf; None stands for zeros of a whole argument."""
    if len(result) != len(in_tree.children):
        raise fail(
            "G208",
            f"the bwd rule of {name} returned {len(result)} cotangents for {len(in_tree.children)} arguments",
            cls=TypeError,
        )
    leaves: list[Any] = []
    for child, ct in zip(in_tree.children, result, strict=True):
        if ct is None:
            leaves.extend([None] * child.num_leaves)
        else:
            leaves.extend(child.flatten_up_to(ct))
    return leaves
