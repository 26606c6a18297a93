"""``custom_jvp`` and ``custom_vjp`` for users: pytrees, keyword arguments and ``nondiff_argnums`` over flat rules."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np

from gradcli.engine.array import Array, Value, is_value, not_an_array, raw, type_of
from gradcli.engine.closures import INSIDE, REBUILT, captured, rebuilt
from gradcli.engine.control.common import split_list
from gradcli.engine.control.custom import Rule, custom_jvp_call_p, custom_vjp_call_p, with_inputs_between
from gradcli.engine.errors import fail
from gradcli.engine.ir.program import Jaxpr
from gradcli.engine.ir.types import ArrayType
from gradcli.engine.ops.elementwise import add, mul
from gradcli.engine.ops.shape import zeros
from gradcli.engine.trace.source import user_location
from gradcli.engine.trace.tracer import Tracer, bind, trace_program, tracing
from gradcli.engine.tree import TreeDef, tree_flatten, tree_map, tree_unflatten

FLOAT0 = np.dtype([("float0", np.void, 0)])


def as_value(x: Any) -> Any:
    """The leaf as a value of the engine. Raises TypeError (G207) for a leaf that is no array."""
    if isinstance(x, Value):
        return x
    if not is_value(x):
        raise not_an_array(x)
    t = type_of(x)
    return Array(raw(x), t)


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


class SymbolicZero:
    """Stands for a tangent or cotangent that is zero, in rules that asked for it by ``symbolic_zeros=True``."""

    __slots__ = ("aval",)

    def __init__(self, aval: ArrayType) -> None:
        self.aval = aval

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the zeros."""
        return self.aval.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the zeros."""
        return self.aval.dtype

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self.aval.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return self.aval.size

    def instantiate(self) -> Any:
        """The zeros as an array."""
        return as_value(zeros(self.aval))

    def __repr__(self) -> str:
        return f"SymbolicZero({self.aval})"


class CustomVJPPrimal:
    """A leaf as a forward rule with ``symbolic_zeros`` gets it: its value, and whether a derivative flows to it."""

    __slots__ = ("perturbed", "value")

    def __init__(self, value: Any, perturbed: bool) -> None:
        self.value, self.perturbed = value, perturbed


def custom_vjp_primal_tree_values(tree: Any) -> Any:
    """The values of a tree of :class:`CustomVJPPrimal`."""
    return tree_map(lambda leaf: leaf.value, tree)


def zero_from_primal(x: Any, symbolic_zeros: bool = False) -> Any:
    """The zero tangent of a value: zeros, or a :class:`SymbolicZero`."""
    t = type_of(x).strong()
    return SymbolicZero(t) if symbolic_zeros else as_value(zeros(t))


def _tangent(x: Any) -> Any:
    """A leaf that a rule returned as a tangent or cotangent: None for a symbolic zero."""
    if x is None or isinstance(x, SymbolicZero) or getattr(x, "dtype", None) == FLOAT0:
        return None
    return as_value(x)


class _Call:
    """One call of a custom-rule function: its flat arguments, its program, and what it and its rules captured."""

    def __init__(self, custom: _Custom, args: tuple[Any, ...], kwargs: dict[str, Any], rules: Sequence[Any]) -> None:
        self.custom, self.name = custom, _name(custom.fun)
        self.static, dynamic = custom._split(resolve_kwargs(custom.fun, args, kwargs))
        leaves, self.in_tree = tree_flatten(tuple(dynamic))
        self.leaves = [as_value(x) for x in leaves]
        trees: list[TreeDef] = []
        flat = custom._flat(custom.fun, self.static, self.in_tree, trees)
        program = trace_program(flat, [type_of(x) for x in self.leaves], self.leaves, self.name)
        self.out_tree = trees[0]
        self.rules = list(rules)
        self.tracers: list[Tracer] = captured([*self.rules, *self.static])
        closed, self.consts = program.closed()
        n, m = len(self.consts), len(self.tracers)
        self.jaxpr: Jaxpr = with_inputs_between(closed, n, [t.type for t in self.tracers])
        self.counts = (n, n + m)
        self.operands = [*self.consts, *self.tracers, *self.leaves]

    def with_captured(self, around: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """The rules and the static arguments, with the values that captured variables have now."""
        _, values = split_list(around, self.counts[0])
        both = rebuilt([self.rules, self.static], self.tracers, values)
        return both[0], both[1]

    def outputs(self, leaves: Sequence[Any]) -> Any:
        """The result of the function from its flat outputs."""
        return tree_unflatten(self.out_tree, leaves)


class _Custom:
    """What both kinds share: the function, its name, and the split into static and differentiable arguments."""

    def __init__(
        self, fun: Callable[..., Any], nondiff_argnums: Sequence[int] | int = (), nondiff_argnames: Sequence[str] = ()
    ) -> None:
        functools.update_wrapper(cast(Any, self), fun)
        self.fun = fun
        numbers = (nondiff_argnums,) if isinstance(nondiff_argnums, int) else tuple(nondiff_argnums)
        if nondiff_argnames:
            names = list(inspect.signature(fun).parameters)
            numbers += tuple(names.index(n) for n in nondiff_argnames if names.index(n) not in numbers)
        self.nondiff = numbers

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
    symbolic_zeros = False

    def defjvp(self, jvp: Callable[..., Any], symbolic_zeros: bool = False) -> Callable[..., Any]:
        """Sets the rule ``jvp(*nondiff, primals, tangents) -> (out, tangent_out)``; a decorator.

        symbolic_zeros: tangents that are zero are given as :class:`SymbolicZero`, and may be returned as such.
        """
        self.jvp, self.symbolic_zeros = jvp, bool(symbolic_zeros)
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
        if self.jvp is None:
            raise _missing(_name(self.fun), "defjvp")
        if not tracing():
            return self.fun(*args, **kwargs)
        call = _Call(self, args, kwargs, [self.jvp])
        rule = Rule(_flat_jvp(call, self.symbolic_zeros), _name(self.jvp), *call.counts)
        out = bind(
            custom_jvp_call_p, *call.operands,
            call_jaxpr=call.jaxpr, jvp=rule, name=call.name, symbolic_zeros=self.symbolic_zeros,
        )  # fmt: skip
        return call.outputs(out)


def _symbolic_or_filled(tangents: Sequence[Any], types: Sequence[ArrayType], symbolic: bool) -> list[Any]:
    return [
        t if t is not None else SymbolicZero(s.strong()) if symbolic else zeros(s.strong())
        for t, s in zip(tangents, types, strict=True)
    ]


def _flat_jvp(call: _Call, symbolic: bool) -> Callable[..., Any]:
    in_tree, out_tree, name = call.in_tree, call.out_tree, call.name

    def rule(around: list[Any], primals: list[Any], tangents: list[Any]) -> tuple[list[Any], list[Any]]:
        (user_rule,), static = call.with_captured(around)
        dots = _symbolic_or_filled(tangents, [type_of(p) for p in primals], symbolic)
        result = user_rule(*static, tree_unflatten(in_tree, primals), tree_unflatten(in_tree, dots))
        if not isinstance(result, (tuple, list)) or len(result) != 2:
            raise fail("G208", f"the custom rule of {name} must return (primal_out, tangent_out)", cls=TypeError)
        outs, tree = tree_flatten(result[0])
        out_dots, dot_tree = tree_flatten(result[1])
        _match(tree, out_tree, name, "a primal output")
        _match(dot_tree, out_tree, name, "a tangent output")
        return [as_value(x) for x in outs], [_tangent(x) for x in out_dots]

    return rule


class custom_vjp(_Custom):  # noqa: N801 - JAX's name
    """A function with its own reverse derivative: ``fwd`` returns (out, residuals), ``bwd(residuals, ct)`` cotangents.

    Forward mode works as well where ``bwd`` is made of operations that can be transposed.
    """

    fwd: Callable[..., Any] | None = None
    bwd: Callable[..., Any] | None = None
    symbolic_zeros = False

    def defvjp(
        self, fwd: Callable[..., Any], bwd: Callable[..., Any], symbolic_zeros: bool = False,
        optimize_remat: bool = False,
    ) -> None:  # fmt: skip
        """Sets ``fwd(*args) -> (out, residuals)`` and ``bwd(*nondiff, residuals, ct) -> one cotangent an argument``.

        symbolic_zeros: ``fwd`` gets its arguments as :class:`CustomVJPPrimal`, ``bwd`` zero cotangents as
        :class:`SymbolicZero`. ``optimize_remat`` has no effect.
        """
        self.fwd, self.bwd, self.symbolic_zeros = fwd, bwd, bool(symbolic_zeros)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.fwd is None or self.bwd is None:
            raise _missing(_name(self.fun), "defvjp")
        if not tracing():
            return self.fun(*args, **kwargs)
        call = _Call(self, args, kwargs, [self.fwd, self.bwd])
        fwd, bwd = _flat_rules(call, self.symbolic_zeros)
        out = bind(
            custom_vjp_call_p, *call.operands,
            call_jaxpr=call.jaxpr, fwd=Rule(fwd, _name(self.fwd), *call.counts),
            bwd=Rule(bwd, _name(self.bwd), *call.counts), name=call.name, symbolic_zeros=self.symbolic_zeros,
        )  # fmt: skip
        return call.outputs(out)


_KEPT: Any = object()  # in the place of a residual that is an array


def _flat_rules(call: _Call, symbolic: bool) -> Any:
    in_tree, out_tree, name = call.in_tree, call.out_tree, call.name
    kept: list[tuple[TreeDef, list[Any]]] = []  # what the last fwd returned beside arrays: a pull-back, say

    def fwd(around: list[Any], primals: list[Any], perturbed: list[bool]) -> list[Any]:
        (user_fwd, _), static = call.with_captured(around)
        leaves = [CustomVJPPrimal(p, m) for p, m in zip(primals, perturbed, strict=True)] if symbolic else primals
        result = user_fwd(*call.custom._merge(static, tree_unflatten(in_tree, leaves)))
        if not isinstance(result, (tuple, list)) or len(result) != 2:
            raise fail("G208", f"the fwd rule of {name} must return (out, residuals)", cls=TypeError)
        outs, tree = tree_flatten(result[0])
        _match(tree, out_tree, name, "an output")
        residuals, residual_tree = tree_flatten(result[1])
        kept[:] = [(residual_tree, [_KEPT if is_value(r) else r for r in residuals])]
        return [*map(as_value, outs), *(as_value(r) for r in residuals if is_value(r))]

    def bwd(around: list[Any], residuals: list[Any], cts: list[Any]) -> list[Any]:
        (_, user_bwd), static = call.with_captured(around)
        given = tree_unflatten(out_tree, _symbolic_or_filled(cts, call.jaxpr.out_types, symbolic))
        tree, objects = kept[0]
        arrays = iter(residuals)
        leaves = [next(arrays) if o is _KEPT else o for o in objects]
        result = user_bwd(*static, tree_unflatten(tree, leaves), given)
        if isinstance(result, list):
            result = tuple(result)
        if not isinstance(result, tuple):
            raise fail(
                "G208", f"the bwd rule of {name} must return a tuple, one cotangent an argument",
                hint="a single one is written (ct,)", cls=TypeError,
            )  # fmt: skip
        return [_tangent(ct) for ct in _cotangent_leaves(in_tree, result, name)]

    return fwd, bwd


def _cotangent_leaves(in_tree: TreeDef, result: tuple[Any, ...], name: str) -> list[Any]:
    """One cotangent a leaf; None stands for zeros of a whole argument."""
    if len(result) != len(in_tree.parts):
        raise fail(
            "G208",
            f"the bwd rule of {name} returned {len(result)} cotangents for {len(in_tree.parts)} arguments",
            cls=TypeError,
        )
    leaves: list[Any] = []
    for child, ct in zip(in_tree.parts, result, strict=True):
        if ct is None:
            leaves.extend([None] * child.num_leaves)
        else:
            leaves.extend(child.flatten_up_to(ct))
    return leaves


def _parts(custom: Any) -> list[Any]:
    return [custom.fun, getattr(custom, "jvp", None), getattr(custom, "fwd", None), getattr(custom, "bwd", None)]


def _with_parts(custom: Any, again: Callable[[Any], Any]) -> None:
    for name in ("fun", "jvp", "fwd", "bwd"):
        part = custom.__dict__.get(name)
        if part is not None:
            custom.__dict__[name] = again(part)


for _kind in (custom_jvp, custom_vjp):
    INSIDE[_kind], REBUILT[_kind] = _parts, _with_parts
