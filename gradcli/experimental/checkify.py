"""Checks inside of functions, by the names of ``jax.experimental.checkify``.

:func:`check` says what must hold of traced values. :func:`checkify` makes a function that also returns an
:class:`Error`, a pytree, which says what did not hold first. A function with checks is a program whose equations are
run with a state: the number of the first check that failed (0: none), and the values that its message shows.
"""

from __future__ import annotations

import enum
import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcli import lax
from gradcli import numpy as gnp
from gradcli.engine.array import Value, is_value, raw, type_of
from gradcli.engine.control.common import split_list, trace_tree
from gradcli.engine.custom import as_value
from gradcli.engine.errors import fail
from gradcli.engine.ir.program import Eqn, Jaxpr
from gradcli.engine.ir.types import array_type
from gradcli.engine.ops.define import Primitive
from gradcli.engine.trace.source import user_location
from gradcli.engine.trace.tracer import bind
from gradcli.engine.tree import TreeDef, register_pytree_node, tree_flatten, tree_leaves, tree_unflatten


class JaxRuntimeError(ValueError):
    """A check that did not hold."""


class ErrorCategory(enum.Enum):
    """What is looked for."""

    USER = "check"
    NAN = "nan"
    DIV = "division"
    OOB = "index"


user_checks = frozenset({ErrorCategory.USER})
nan_checks = frozenset({ErrorCategory.NAN})
div_checks = frozenset({ErrorCategory.DIV})
index_checks = frozenset({ErrorCategory.OOB})
float_checks = nan_checks | div_checks
automatic_checks = float_checks | index_checks
all_checks = automatic_checks | user_checks


class Site:
    """One place where something is checked: its message, and the structure of the values that the message shows."""

    def __init__(self, text: str, tree: TreeDef, name: str = "") -> None:
        self.text, self.tree, self.name = text, tree, name

    def message(self, shown: Sequence[Any]) -> str:
        """The message for these values."""
        if self.name:
            return self.text
        args, kwargs = tree_unflatten(self.tree, list(shown))
        return f"{self.text.format(*args, **kwargs)} (`check` failed)"


class Outside(Site):
    """A place that reads or writes an array of a shape by indices; shown are an index, its axis and its size."""

    def __init__(self, shape: Sequence[int]) -> None:
        super().__init__("", tree_flatten(())[1])
        self.shape = tuple(shape)

    def message(self, shown: Sequence[Any]) -> str:
        """The message for these values."""
        index, axis, size = (int(x) for x in shown)
        return (
            f"out-of-bounds indexing for array of shape {self.shape}: index {index} is out of bounds for axis {axis} "
            f"with size {size}. "
        )


class Error:
    """What did not hold in a run: a pytree of the number of the check and of what its message shows."""

    def __init__(self, code: Any, shown: Sequence[Sequence[Any]], sites: Sequence[Site]) -> None:
        self._code, self._shown, self._sites = code, tuple(map(tuple, shown)), tuple(sites)

    def get(self) -> str | None:
        """The message of the first check that failed, or None. Of a batch, one line for each that failed."""
        codes = np.asarray(raw(self._code))
        if codes.ndim == 0:
            return self._message(int(codes), ())
        found = [(place, self._message(int(codes[place]), place)) for place in np.ndindex(codes.shape)]
        lines = [f"at mapped index {', '.join(map(str, place))}: {text}" for place, text in found if text is not None]
        return "\n".join(lines) or None

    def _message(self, code: int, place: tuple[int, ...]) -> str | None:
        if not code:
            return None
        return self._sites[code - 1].message([np.asarray(raw(x))[place] for x in self._shown[code - 1]])

    def throw(self) -> None:
        """Raises :class:`JaxRuntimeError` if a check failed."""
        check_error(self)

    def __repr__(self) -> str:
        return f"Error({self.get()})"


register_pytree_node(
    Error, lambda e: ((e._code, e._shown), e._sites), lambda sites, parts: Error(parts[0], parts[1], sites)
)


# --- the primitive ----------------------------------------------------------------------------------------------------


def _impl(holds: Any, *shown: Any, site: Site, debug: bool) -> list[Any]:
    if not debug and not bool(holds):
        raise JaxRuntimeError(site.message([np.asarray(x) for x in shown]))
    return []


def _jvp(primals: Sequence[Any], tangents: Sequence[Any], **params: Any) -> tuple[list[Any], list[Any]]:
    bind(check_p, *primals, **params)
    return [], []


def _batch(size: int, args: Sequence[Any], dims: Sequence[int | None], **params: Any) -> tuple[list[Any], list[Any]]:
    holds, *shown = [a if d is None else gnp.moveaxis(a, d, 0) for a, d in zip(args, dims, strict=True)]
    last = size - 1 - gnp.argmin(holds[::-1]) if dims[0] is not None else 0
    picked = [a if d is None else a[last] for a, d in zip(shown, dims[1:], strict=True)]
    bind(check_p, gnp.all(holds), *picked, **params)
    return [], []


check_p = Primitive(
    "check", type_rule=lambda *types, **params: [], impl=_impl, jvp=_jvp, batch=_batch, multiple=True, effect=True
)


def check(pred: Any, msg: str, *fmt_args: Any, debug: bool = False, **fmt_kwargs: Any) -> None:
    """Checks that the bool scalar ``pred`` is true; outside of :func:`checkify` raises JaxRuntimeError if it is not.

    msg: a format string for the other arguments, pytrees of arrays. Raises TypeError for what is no bool scalar, and
    for other arguments.
    """
    t = type_of(pred) if is_value(pred) else None
    if t is None or t.shape or t.dtype.kind != "b":
        raise fail(
            "G206", f"check takes a bool scalar, got {pred if t is None else t}", location=user_location(),
            cls=TypeError,
        )  # fmt: skip
    leaves, tree = tree_flatten((fmt_args, fmt_kwargs))
    for leaf in leaves:
        if not isinstance(leaf, (Value, np.ndarray, np.generic)):
            raise fail(
                "G206", f"the message of a check shows arrays, got {leaf!r} of {type(leaf)}", location=user_location(),
                cls=TypeError,
            )  # fmt: skip
    bind(check_p, as_value(pred), *map(as_value, leaves), site=Site(msg, tree), debug=debug)


def debug_check(pred: Any, msg: str, *fmt_args: Any, **fmt_kwargs: Any) -> None:
    """Like :func:`check`, but without any effect outside of :func:`checkify`."""
    check(pred, msg, *fmt_args, debug=True, **fmt_kwargs)


def check_error(error: Error) -> None:
    """Raises JaxRuntimeError if the error says that a check failed; in a function under checkify, checks that."""
    code = as_value(error._code)
    for number, (site, shown) in enumerate(zip(error._sites, error._shown, strict=True), 1):
        bind(check_p, gnp.all(code != number), *map(as_value, shown), site=site, debug=False)


# --- programs with a state --------------------------------------------------------------------------------------------


class _Run:
    """Runs programs with the state of their checks: the code, then what each of the sites shows."""

    def __init__(self, errors: frozenset[ErrorCategory]) -> None:
        self.errors = errors
        self.sites: list[Site] = []
        self.types: list[list[Any]] = []
        self.numbers: dict[tuple[int, str], int] = {}

    def find(self, jaxpr: Jaxpr) -> None:
        """Gives every place in a program where something is checked its number."""
        for eqn in jaxpr.eqns:
            name = eqn.primitive.name
            if name == "check" and ErrorCategory.USER in self.errors:
                self._add(eqn, "check", eqn.params["site"], [a.type for a in eqn.inputs[1:]])
            inner = self.inner(eqn)
            for program in inner:
                self.find(program)
            if inner:
                continue
            empty = tree_flatten(())[1]
            if ErrorCategory.DIV in self.errors and name == "div":
                self._add(eqn, "div", Site("division by zero", empty, name), [])
            if ErrorCategory.OOB in self.errors and name in _INDEXED:
                self._add(eqn, "index", Outside(eqn.inputs[0].type.shape), [_INTEGER] * 3)
            if ErrorCategory.NAN in self.errors and any(v.type.dtype.kind in "fc" for v in eqn.outputs):
                self._add(eqn, "nan", Site(f"nan generated by primitive: {name}.", empty, name), [])

    def inner(self, eqn: Eqn) -> list[Jaxpr]:
        """The programs inside of an equation that are run with the state."""
        found = [leaf for leaf in tree_leaves(list(eqn.params.values())) if isinstance(leaf, Jaxpr)]
        return found if eqn.primitive.name in _RULES else []

    def _add(self, eqn: Eqn, kind: str, site: Site, types: list[Any]) -> None:
        self.sites.append(site)
        self.types.append(types)
        self.numbers[id(eqn), kind] = len(self.sites)

    def start(self) -> list[Any]:
        """The state before anything was checked."""
        return [gnp.zeros((), np.int32), *(gnp.zeros(t.shape, t.dtype) for types in self.types for t in types)]

    def failed(self, state: list[Any], number: int | None, bad: Any, shown: Sequence[Any] = ()) -> list[Any]:
        """The state after a check, which counts only if none failed before."""
        if number is None:
            return state
        new = bad & (state[0] == 0)
        first = 1 + sum(map(len, self.types[: number - 1]))
        out = [gnp.where(new, np.int32(number), state[0]), *state[1:]]
        for i, value in enumerate(shown):
            out[first + i] = gnp.where(new, value, out[first + i])
        return out

    def run(self, jaxpr: Jaxpr, args: Sequence[Any], state: list[Any]) -> tuple[list[Any], list[Any]]:
        """The outputs of a program, and the state after it."""
        env: dict[Any, Any] = dict(zip(jaxpr.constvars, jaxpr.consts, strict=True))
        env.update(zip(jaxpr.inputs, args, strict=True))

        def read(atom: Any) -> Any:
            return atom.value if atom.is_literal else env[atom]

        for eqn in jaxpr.eqns:
            values = [read(a) for a in eqn.inputs]
            outs, state = self.step(eqn, values, state)
            env.update(zip(eqn.outputs, outs, strict=True))
        return [read(a) for a in jaxpr.outputs], state

    def step(self, eqn: Eqn, values: list[Any], state: list[Any]) -> tuple[list[Any], list[Any]]:
        """One equation."""
        name = eqn.primitive.name
        if name == "check":
            return [], self.failed(state, self.numbers.get((id(eqn), "check")), ~as_value(values[0]), values[1:])
        if name in _RULES:
            found: tuple[list[Any], list[Any]] = _RULES[name](self, values, state, **eqn.params)
            return found
        if (id(eqn), "div") in self.numbers:
            state = self.failed(state, self.numbers[id(eqn), "div"], gnp.any(gnp.equal(values[1], 0)))
        if (id(eqn), "index") in self.numbers:
            bad, shown = outside(name, values, eqn.params)
            state = self.failed(state, self.numbers[id(eqn), "index"], bad, shown)
        out = bind(eqn.primitive, *values, **eqn.params)
        outs = list(out) if eqn.primitive.multiple else [out]
        if (id(eqn), "nan") in self.numbers:
            floats = [gnp.any(gnp.isnan(x)) for x in outs if type_of(x).dtype.kind in "fc"]
            state = self.failed(state, self.numbers[id(eqn), "nan"], functools.reduce(lambda a, b: a | b, floats))
        return outs, state


# --- indices ----------------------------------------------------------------------------------------------------------

_INTEGER = array_type((), np.int32)
_INDEXED = frozenset({
    "gather", "dynamic_slice", "dynamic_update_slice", "scatter", "scatter-add", "scatter-sub", "scatter-mul",
    "scatter-min", "scatter-max",
})  # fmt: skip


def outside(name: str, values: Sequence[Any], params: dict[str, Any]) -> tuple[Any, list[Any]]:
    """Whether an equation reads or writes outside of its first operand; the first such index, its axis and its size."""
    shape = type_of(values[0]).shape
    if name.startswith("dynamic"):
        starts = values[1:] if name == "dynamic_slice" else values[2:]
        sizes = params["slice_sizes"] if name == "dynamic_slice" else type_of(values[1]).shape
        axes, indices = range(len(shape)), gnp.stack([as_value(s).astype(np.int32) for s in starts])
    else:
        numbers, indices = params["dimension_numbers"], as_value(values[1]).astype(np.int32)
        axes = numbers.start_index_map if name == "gather" else numbers.scatter_dims_to_operand_dims
        sizes = params["slice_sizes"] if name == "gather" else _window_sizes(shape, type_of(values[2]).shape, numbers)
    limits = np.array([shape[a] - sizes[a] for a in axes], np.int32)
    beyond = ((indices < 0) | (indices > limits)).reshape(-1)
    first = gnp.argmax(beyond)
    place = first % len(limits)
    shown = [gnp.asarray(table, np.int32)[place] for table in (list(axes), [shape[a] for a in axes])]
    return gnp.any(beyond), [indices.reshape(-1)[first], *shown]


def _window_sizes(shape: Sequence[int], updates: Sequence[int], numbers: Any) -> list[int]:
    """How much of each axis one update covers."""
    dropped = {*numbers.inserted_window_dims, *numbers.operand_batching_dims}
    windows = iter(numbers.update_window_dims)
    return [1 if axis in dropped else updates[next(windows)] for axis in range(len(shape))]


# --- control flow -----------------------------------------------------------------------------------------------------


def _call(run: _Run, values: list[Any], state: list[Any], jaxpr: Jaxpr, **_: Any) -> Any:
    return run.run(jaxpr, values, state)


def _cond(run: _Run, values: list[Any], state: list[Any], branches: Sequence[Jaxpr], **_: Any) -> Any:
    def branch(jaxpr: Jaxpr) -> Callable[..., Any]:
        return lambda operands, before: run.run(jaxpr, operands, before)

    return lax.switch(gnp.asarray(values[0]).astype(np.int32), [branch(b) for b in branches], values[1:], state)


def _scan(
    run: _Run, values: list[Any], state: list[Any], jaxpr: Jaxpr, num_consts: int, num_carry: int, length: int,
    reverse: bool, **_: Any,
) -> Any:  # fmt: skip
    consts, carry, xs = split_list(values, num_consts, num_carry)

    def body(both: Any, x: Any) -> Any:
        outs, after = run.run(jaxpr, [*consts, *both[0], *x], both[1])
        return (outs[:num_carry], after), outs[num_carry:]

    (carry, state), ys = lax.scan(body, (list(carry), state), list(xs), length=length, reverse=reverse)
    return [*carry, *ys], state


def _while(
    run: _Run, values: list[Any], state: list[Any], cond_jaxpr: Jaxpr, body_jaxpr: Jaxpr, cond_nconsts: int,
    body_nconsts: int,
) -> Any:  # fmt: skip
    test, body, carry = split_list(values, cond_nconsts, body_nconsts)

    def tested(carry: Any, state: Any) -> Any:
        (going,), state = run.run(cond_jaxpr, [*test, *carry], state)
        return going, carry, state

    def step(now: Any) -> Any:
        return tested(*run.run(body_jaxpr, [*body, *now[1]], now[2]))

    _, carry, state = lax.while_loop(lambda now: now[0], step, tested(list(carry), state))
    return carry, state


_RULES: dict[str, Callable[..., Any]] = {"jit": _call, "cond": _cond, "scan": _scan, "while": _while}


def checkify(f: Callable[..., Any], errors: frozenset[ErrorCategory] = user_checks) -> Callable[..., tuple[Error, Any]]:
    """A function that returns ``(error, f(...))``; ``error.get()`` is the message of the first check that failed.

    errors: what is looked for. Checks are found in the bodies of jit, cond, switch, scan and while_loop.

    >>> def root(x):
    ...     check(x >= 0, "negative: {x}", x=x)
    ...     return x**0.5
    >>> print(checkify(root)(np.float64(-4.0))[0].get())
    negative: -4.0 (`check` failed)
    """
    @functools.wraps(f, updated=())
    def checked(*args: Any, **kwargs: Any) -> tuple[Error, Any]:
        leaves, tree = tree_flatten((args, kwargs))
        values = [as_value(x) for x in leaves]
        jaxpr, out_tree = trace_tree(lambda a, k: f(*a, **k), tree, [v.type for v in values], "checked")
        run = _Run(frozenset(errors))
        run.find(jaxpr)
        outs, (code, *shown) = run.run(jaxpr, values, run.start())
        places = np.cumsum([0, *map(len, run.types)]).tolist()
        parts = [shown[a:b] for a, b in zip(places, places[1:], strict=False)]
        return Error(code, parts, run.sites), tree_unflatten(out_tree, outs)

    return checked


def init_error() -> Error:
    """The error of a run without checks."""
    return Error(gnp.zeros((), np.int32), [], [])


__all__ = [
    "Error", "ErrorCategory", "JaxRuntimeError", "all_checks", "automatic_checks", "check", "check_error", "checkify",
    "debug_check", "div_checks", "float_checks", "index_checks", "init_error", "nan_checks", "user_checks",
]  # fmt: skip
