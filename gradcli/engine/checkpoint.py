"""``checkpoint`` (``remat``), its policies, and what reverse mode keeps of a function (``saved_residuals``)."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from gradcli.engine.autodiff import Function, flat_values, name_of
from gradcli.engine.control.common import trace_tree
from gradcli.engine.control.remat import Policy, named, remat_p
from gradcli.engine.ir.program import Eqn, Literal, Var
from gradcli.engine.ir.types import ArrayType
from gradcli.engine.ops.define import Primitive
from gradcli.engine.trace.tracer import bind
from gradcli.engine.transforms.linearize import linearize_jaxpr
from gradcli.engine.tree import tree_flatten_with_path, tree_map, tree_unflatten


class Case:
    """An answer of a policy: whether what an equation computes is kept."""

    def __init__(self, kept: bool) -> None:
        self.kept = kept

    def __bool__(self) -> bool:
        return self.kept


Recompute, Saveable = Case(False), Case(True)


class Offloadable(NamedTuple):
    """An answer of a policy: kept, in another memory, of which there is none here."""

    src: Any
    dst: Any


def checkpoint(
    fun: Function | None = None, *, prevent_cse: bool | Sequence[bool] = True, policy: Policy = None,
    static_argnums: int | tuple[int, ...] = (), static_argnames: str | Iterable[str] = (), concrete: Any = None,
) -> Any:  # fmt: skip
    """``fun``, of which reverse mode keeps the arguments (and what ``policy`` chooses) and computes the rest again.

    policy(primitive, *types, **params) says for an equation whether its results are kept: see
    :data:`checkpoint_policies`. A decorator, with or without arguments. Results and derivatives are those of ``fun``.

    >>> from gradcli import grad
    >>> print(grad(checkpoint(lambda x: x * x * x))(2.0))
    12.0
    """
    if fun is None:
        return functools.partial(
            checkpoint, prevent_cse=prevent_cse, policy=policy, static_argnums=static_argnums,
            static_argnames=static_argnames,
        )  # fmt: skip
    numbers = (static_argnums,) if isinstance(static_argnums, int) else tuple(static_argnums)
    names = {static_argnames} if isinstance(static_argnames, str) else set(static_argnames)
    function: Function = fun

    @functools.wraps(function, updated=())
    def run(*args: Any, **kwargs: Any) -> Any:
        fixed = {i % len(args) for i in numbers} if args else set()
        static_kw = {k: v for k, v in kwargs.items() if k in names}
        moving = [a for i, a in enumerate(args) if i not in fixed]
        leaves, tree = flat_values((moving, {k: v for k, v in kwargs.items() if k not in names}))

        def inner(new: list[Any], keywords: dict[str, Any]) -> Any:
            stream = iter(new)
            return function(
                *(a if i in fixed else next(stream) for i, a in enumerate(args)), **keywords, **static_kw
            )

        jaxpr, out_tree = trace_tree(inner, tree, [x.type for x in leaves], name_of(function), leaves)
        closed, consts = jaxpr.closed()
        out = bind(
            remat_p, *consts, *leaves, jaxpr=closed, policy=policy, differentiated=False, prevent_cse=prevent_cse
        )
        return tree_unflatten(out_tree, out)

    return run


def checkpoint_name(x: Any, name: str) -> Any:
    """The value (each leaf of a pytree) under a name that policies can choose by."""
    return tree_map(lambda leaf: named(leaf, name), x)


# --- policies ---------------------------------------------------------------------------------------------------------


def _name_given(primitive: Primitive, params: dict[str, Any]) -> Any:
    return params["name"] if primitive.name == "name" else None


class _Policies:
    """The policies by the names of ``jax.checkpoint_policies``; those with arguments return one."""

    @staticmethod
    def everything_saveable(primitive: Primitive, *types: ArrayType, **params: Any) -> bool:
        """Every result is kept: as without ``checkpoint``."""
        return True

    @staticmethod
    def nothing_saveable(primitive: Primitive, *types: ArrayType, **params: Any) -> bool:
        """No result is kept: all is computed again from the arguments."""
        return False

    @staticmethod
    def dots_saveable(primitive: Primitive, *types: ArrayType, **params: Any) -> bool:
        """Results of matrix products and convolutions are kept."""
        return primitive.name in ("dot_general", "conv_general_dilated")

    @staticmethod
    def dots_with_no_batch_dims_saveable(primitive: Primitive, *types: ArrayType, **params: Any) -> bool:
        """Results of matrix products without batch dimensions are kept."""
        return primitive.name == "dot_general" and not params["dimension_numbers"][1][0]

    checkpoint_dots = dots_saveable
    checkpoint_dots_with_no_batch_dims = dots_with_no_batch_dims_saveable

    @staticmethod
    def save_only_these_names(*names: str) -> Callable[..., bool]:
        """Values that :func:`checkpoint_name` gave one of these names are kept."""
        return lambda primitive, *types, **params: _name_given(primitive, params) in names

    @staticmethod
    def save_any_names_but_these(*names: str) -> Callable[..., bool]:
        """Named values are kept, but for these names."""
        return lambda primitive, *types, **params: _name_given(primitive, params) not in (None, *names)

    @staticmethod
    def save_anything_except_these_names(*names: str) -> Callable[..., bool]:
        """All is kept but for values of these names."""
        return lambda primitive, *types, **params: _name_given(primitive, params) not in names

    @staticmethod
    def save_from_both_policies(first: Callable[..., Any], second: Callable[..., Any]) -> Callable[..., bool]:
        """What either policy keeps is kept."""
        return lambda primitive, *types, **params: bool(
            first(primitive, *types, **params) or second(primitive, *types, **params)
        )

    @staticmethod
    def save_and_offload_only_these_names(
        *, names_which_can_be_saved: Sequence[str], names_which_can_be_offloaded: Sequence[str], offload_src: str,
        offload_dst: str,
    ) -> Callable[..., bool]:  # fmt: skip
        """Values of both lists of names are kept; there is no other memory to move them to."""
        return _Policies.save_only_these_names(*names_which_can_be_saved, *names_which_can_be_offloaded)

    @staticmethod
    def offload_dot_with_no_batch_dims(offload_src: str, offload_dst: str) -> Callable[..., bool]:
        """Results of matrix products without batch dimensions are kept."""
        return _Policies.dots_with_no_batch_dims_saveable


checkpoint_policies = _Policies()


# --- what is kept -----------------------------------------------------------------------------------------------------


def saved_residuals(fun: Function, *args: Any, **kwargs: Any) -> list[tuple[ArrayType, str]]:
    """What reverse mode keeps of ``fun(*args)``: type and origin of every value, arguments first.

    >>> from gradcli.numpy import sin
    >>> [text.split(" from ")[0] for _, text in saved_residuals(lambda x: sin(x) * 2.0, 1.0)]
    ['output of cos']
    """
    leaves, tree = flat_values((args, kwargs))
    paths = [path for path, _ in tree_flatten_with_path((args, kwargs))[0]]
    jaxpr, _ = trace_tree(lambda a, k: fun(*a, **k), tree, [x.type for x in leaves], name_of(fun))
    closed, consts = jaxpr.closed()
    active = [False] * len(consts) + [x.type.is_float for x in leaves]
    split = linearize_jaxpr(closed, active)
    found: list[tuple[ArrayType, str]] = []
    names = [f"from the argument {_argument(fun, path)}" for path in paths]
    origins = ["from a constant"] * len(consts) + names
    places = sorted(i for i in split.residual_inputs if i is not None)
    found = [(closed.inputs[i].type, origins[i]) for i in places]
    makers = {v: (i, eqn) for i, eqn in enumerate(split.known.eqns) for v in eqn.outputs}
    computed = split.known.outputs[len(closed.outputs) :]
    rows = sorted(computed, key=lambda v: makers[v][0] if isinstance(v, Var) and v in makers else -1)
    return found + [(v.type, _origin(v, makers)) for v in rows]


def _argument(fun: Function, path: str) -> str:
    """A path into ``(args, kwargs)`` by the function's own names: ``[0][1]['w']`` is ``y['w']``."""
    positional = re.fullmatch(r"\[0\]\[(\d+)\](.*)", path)
    if positional is None:
        return re.sub(r"^\[1\]\['(\w+)'\]", r"\1", path)
    try:
        names = list(inspect.signature(fun).parameters)
    except (TypeError, ValueError):
        names = []
    place = int(positional[1])
    return (names[place] if place < len(names) else f"{place}") + positional[2]


def _origin(v: Any, makers: dict[Any, tuple[int, Eqn]]) -> str:
    if isinstance(v, Literal):
        return "from a literal"
    if v not in makers:
        return "from a constant"
    eqn = makers[v][1]
    where = f" from {eqn.source.location()}" if eqn.source is not None else ""
    if eqn.primitive.name == "name":
        return f"named '{eqn.params['name']}'{where}"
    return f"output of {eqn.primitive.name}{where}"


def print_saved_residuals(fun: Function, *args: Any, **kwargs: Any) -> None:
    """Prints :func:`saved_residuals`, one value a line."""
    for t, text in saved_residuals(fun, *args, **kwargs):
        print(t, text)

