"""``autograd.extend``: primitives of one's own, which run on NumPy's values and have rules that users give them.

A primitive that meets a traced value becomes a custom rule of the engine around a callback: the user's function runs on
plain values, and the rules, which are traced like everything else, give derivatives of any order.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcli import numpy as gnp
from gradcli.compat.autogradnames.operators import MODE
from gradcli.compat.autogradnames.values import BOX_TYPES, OBJECTS, getval, getvals, isbox, known, plain
from gradcli.compat.autogradnames.vspace import vspace
from gradcli.engine.callbacks import pure_callback
from gradcli.engine.custom import as_value, custom_jvp, custom_vjp
from gradcli.engine.staging import ShapeDtypeStruct
from gradcli.engine.trace.tracer import untraced
from gradcli.engine.tree import tree_leaves, tree_map

Function = Callable[..., Any]
VJPS: dict[Any, Function] = {}  # by primitive: (argnums, ans, args, kwargs) -> (g -> one cotangent an argnum)
JVPS: dict[Any, Function] = {}  # by primitive: (argnums, gs, ans, args, kwargs) -> tangent of the result


class Primitive:
    """A function whose derivative is given, not derived."""

    __name__: str

    def __init__(self, fun: Function) -> None:
        functools.update_wrapper(self, fun, updated=())
        self.fun = fun
        self.constant = False
        self._makers: dict[int, Function | None] = {}

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else functools.partial(self, instance)

    def __repr__(self) -> str:
        return f"<primitive {self.__name__}>"

    @property
    def _name(self) -> str:
        return getattr(self.fun, "__name__", str(self.fun))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if BOX_TYPES and not BOX_TYPES.isdisjoint(map(type, args)):
            return OBJECTS["run"](self, args, kwargs)
        traced = tuple(i for i, a in enumerate(args) if any(isbox(leaf) for leaf in tree_leaves(a)))
        if not traced or self.constant:
            with untraced():
                return self.fun(*map(getvals, args), **kwargs)
        MODE.user_primitives += 1
        call = _Call(self, args, kwargs, traced)
        dynamic = [args[i] for i in traced]
        if self in JVPS and (MODE.forward or self not in VJPS):
            with_jvp = custom_jvp(call.value)
            with_jvp.defjvp(call.jvp)
            return with_jvp(*dynamic)
        if self not in VJPS:
            if not MODE.tracing:  # by an operator of autograd's, at least: other traces may take it as it is
                return plain(call.value(*dynamic))
            raise NotImplementedError(f"VJP of {self._name} wrt argnums {traced} not defined")
        with_vjp = custom_vjp(call.value)
        with_vjp.defvjp(call.fwd, call.bwd)
        return with_vjp(*dynamic)

    def cotangents(self, argnums: Sequence[int], ans: Any, args: Any, kwargs: Any, g: Any) -> Any:
        """Those of some arguments, for one of the result."""
        return VJPS[self](argnums, ans, args, kwargs)(g)

    def defvjp(self, vjpmaker: Function, argnum: int = 0) -> None:
        """autograd's old way: ``vjpmaker(g, ans, vs, gvs, *args, **kwargs)``."""

        def staged(ans: Any, *args: Any, **kwargs: Any) -> Function:
            return lambda g: vjpmaker(g, ans, vspace(args[argnum]), vspace(g), *args, **kwargs)

        self._define(argnum, staged)

    def defgrad(self, gradfun: Function, argnum: int = 0) -> None:
        """autograd's oldest way: ``gradfun(ans, *args) -> (g -> cotangent)``."""
        self._define(argnum, gradfun)

    def defvjp_is_zero(self, argnums: Sequence[int] = (0,)) -> None:
        """Says that the derivative by these arguments is zero."""
        for argnum in argnums:
            self._define(argnum, None)

    def _define(self, argnum: int, maker: Function | None) -> None:
        self._makers[argnum] = maker
        defvjp(self, *self._makers.values(), argnums=list(self._makers))


class _Call:
    """One call of a primitive with traced arguments: what the engine's custom rules need of it."""

    def __init__(self, primitive: Primitive, args: tuple[Any, ...], kwargs: dict[str, Any], traced: tuple[int, ...]):
        self.primitive, self.args, self.kwargs, self.traced = primitive, args, kwargs, traced
        self._last: tuple[list[Any], Any] | None = None

    def full(self, dynamic: Sequence[Any]) -> list[Any]:
        """All arguments, with these for the traced ones."""
        full = list(self.args)
        for i, x in zip(self.traced, dynamic, strict=True):
            full[i] = x
        return full

    def _run(self, *dynamic: Any) -> Any:
        """The user's function on plain values; a result whose shape was asked for is the next one for those values."""
        last, self._last = self._last, None
        if last is not None and all(map(_same, last[0], tree_leaves(dynamic))):
            return last[1]
        full = [getvals(a) for a in self.full(dynamic)]
        with untraced():
            return plain(self.primitive.fun(*full, **self.kwargs))

    def _shapes(self, dynamic: Sequence[Any]) -> Any:
        """Shapes and dtypes of the result. Where values are unknown (a batch), those for ones are taken for them."""
        if known(dynamic):
            values = [getvals(d) for d in dynamic]
            out = self._run(*values)
            self._last = tree_leaves(values), out
        else:
            ones = [tree_map(lambda x: np.ones(as_value(x).shape, as_value(x).dtype)[()], d) for d in dynamic]
            out = self._run(*ones)
        return tree_map(lambda x: ShapeDtypeStruct(np.shape(x), np.asarray(x).dtype), out)

    def value(self, *dynamic: Any) -> Any:
        """The result for traced arguments."""
        return pure_callback(self._numpy_run, self._shapes(dynamic), *dynamic, vmap_method="sequential")

    def _numpy_run(self, *dynamic: Any) -> Any:
        return self._run(*tree_map(lambda x: x[()], list(dynamic)))

    def fwd(self, *dynamic: Any) -> Any:
        """The forward rule: the primitive again, one level further out."""
        full = self.full([plain(d) for d in dynamic])
        traced = any(isbox(leaf) for leaf in tree_leaves(full))
        ans = self.primitive(*full, **self.kwargs) if traced else self._run(*map(getvals, dynamic))
        return tree_map(as_value, ans), (list(dynamic), tree_map(as_value, ans))

    def bwd(self, residuals: Any, g: Any) -> Any:
        """The reverse rule, from what the user gave for each argument."""
        dynamic, ans = plain(residuals[0]), plain(residuals[1])
        full = tuple(self.full(dynamic))
        cotangents = self.primitive.cotangents(self.traced, ans, full, self.kwargs, plain(g))
        pairs = zip(cotangents, dynamic, strict=True)
        return tuple(tree_map(_fitting, ct, d) for ct, d in pairs)

    def jvp(self, primals: Any, tangents: Any) -> Any:
        """The forward-mode rule."""
        dynamic = [plain(p) for p in primals]
        args = tuple(self.full(dynamic))
        ans = self.primitive(*args, **self.kwargs)
        dot = JVPS[self.primitive](self.traced, tuple(plain(t) for t in tangents), ans, args, self.kwargs)
        return tree_map(as_value, ans), tree_map(_fitting, dot, ans)


def _same(a: Any, b: Any) -> bool:
    return a is b or (np.shape(a) == np.shape(b) and bool(np.array_equal(a, b, equal_nan=True)))


def _fitting(x: Any, like: Any) -> Any:
    """A (co)tangent with the dtype, and where it is a scalar the shape, of what it belongs to."""
    target, array = as_value(like), gnp.asarray(x)
    if array.dtype.kind == "c" and target.dtype.kind == "f":
        array = gnp.real(array)
    if array.shape != target.shape and array.size == 1:
        array = gnp.reshape(array, (1,) * target.ndim)
    if array.shape != target.shape:
        array = gnp.broadcast_to(array, target.shape)
    return gnp.astype(array, target.dtype) if array.dtype != target.dtype else array


def primitive(fun: Function) -> Primitive:
    """Makes a function of NumPy's values a primitive, whose derivative is then given by :func:`defvjp`."""
    return Primitive(fun)


def notrace_primitive(fun: Function) -> Function:
    """A function that sees plain values only, and whose result is a constant."""

    @functools.wraps(fun)
    def run(*args: Any, **kwargs: Any) -> Any:
        with untraced():
            return fun(*map(getvals, args), **kwargs)

    return run


def register_notrace(trace_type: Any, fun: Any) -> None:
    """Says that a primitive's result is a constant."""
    _checked(fun).constant = True


def _checked(fun: Any) -> Primitive:
    if not isinstance(fun, Primitive):
        name = getattr(fun, "__name__", fun)
        raise TypeError(f"derivatives can be defined for functions under @primitive, which {name} is not")
    return fun


def defvjp_argnums(fun: Any, vjpmaker: Function) -> None:
    """``vjpmaker(argnums, ans, args, kwargs)(g)``: one cotangent for each of the argnums."""
    VJPS[_checked(fun)] = vjpmaker


def defvjp_argnum(fun: Any, vjpmaker: Function) -> None:
    """``vjpmaker(argnum, ans, args, kwargs)(g)``: the cotangent of one argument."""

    def several(argnums: Sequence[int], *rest: Any) -> Function:
        vjps = [vjpmaker(argnum, *rest) for argnum in argnums]
        return lambda g: [vjp(g) for vjp in vjps]

    defvjp_argnums(fun, several)


def _zeros_like(x: Any) -> Any:
    return tree_map(lambda leaf: gnp.zeros_like(as_value(leaf)), x)


def defvjp(fun: Any, *vjpmakers: Function | None, argnums: Any = None) -> None:
    """``vjpmakers[i](ans, *args, **kwargs)(g)``: the cotangent of argument i, or of ``argnums[i]``; None for zero."""
    makers = dict(zip(itertools.count() if argnums is None else argnums, vjpmakers, strict=False))
    name = _checked(fun)._name

    def several(numbers: Sequence[int], ans: Any, args: Any, kwargs: Any) -> Function:
        missing = tuple(n for n in numbers if n not in makers)
        if missing:
            raise NotImplementedError(f"VJP of {name} wrt argnums {missing} not defined")

        def one(n: int) -> Function:
            maker = makers[n]
            return (lambda g: _zeros_like(args[n])) if maker is None else maker(ans, *args, **kwargs)

        vjps = [one(n) for n in numbers]
        return lambda g: [vjp(g) for vjp in vjps]

    defvjp_argnums(fun, several)


def defjvp_argnums(fun: Any, jvpmaker: Function) -> None:
    """``jvpmaker(argnums, gs, ans, args, kwargs)``: the tangent of the result."""
    JVPS[_checked(fun)] = jvpmaker


def defjvp_argnum(fun: Any, jvpmaker: Function) -> None:
    """``jvpmaker(argnum, g, ans, args, kwargs)``: what one argument's tangent contributes."""

    def total(argnums: Sequence[int], gs: Sequence[Any], ans: Any, args: Any, kwargs: Any) -> Any:
        terms = [jvpmaker(n, g, ans, args, kwargs) for n, g in zip(argnums, gs, strict=True)]
        return functools.reduce(lambda a, b: tree_map(lambda x, y: x + y, a, b), terms)

    defjvp_argnums(fun, total)


def defjvp(fun: Any, *jvpfuns: Any, argnums: Any = None) -> None:
    """``jvpfuns[i](g, ans, *args, **kwargs)``; ``"same"`` where the function is linear in it, None for zero."""
    rules = dict(zip(itertools.count() if argnums is None else argnums, jvpfuns, strict=False))
    name = _checked(fun)._name

    def one(n: int, g: Any, ans: Any, args: Any, kwargs: Any) -> Any:
        if n not in rules:
            raise NotImplementedError(f"JVP of {name} wrt argnums ({n},) not defined")
        rule = rules[n]
        if rule is None:
            return _zeros_like(ans)
        return _linear(fun, n, g, args, kwargs) if rule == "same" else rule(g, ans, *args, **kwargs)

    defjvp_argnum(fun, one)


def _linear(fun: Any, n: int, g: Any, args: Any, kwargs: Any) -> Any:
    return fun(*[g if i == n else a for i, a in enumerate(args)], **kwargs)


def def_linear(fun: Any) -> None:
    """Says that a function is linear in each of its arguments."""
    defjvp_argnum(fun, lambda n, g, ans, args, kwargs: _linear(fun, n, g, args, kwargs))


__all__ = [
    "Primitive", "def_linear", "defjvp", "defjvp_argnum", "defjvp_argnums", "defvjp", "defvjp_argnum",
    "defvjp_argnums", "getval", "notrace_primitive", "primitive", "register_notrace",
]  # fmt: skip
