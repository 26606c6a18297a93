"""autograd's differential operators over the engine's.

An operator gets a function and the number of the argument it is about; numbers in a tuple or list make one tuple of
those arguments. Arguments may be arrays, numbers, lists, tuples and dictionaries; results are NumPy's values.
"""

from __future__ import annotations

import functools
import inspect
import threading
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from gradcli import numpy as gnp
from gradcli.compat.autogradnames.values import BOXES, OBJECTS, floats, isbox, ordered_like, plain
from gradcli.engine import api
from gradcli.engine.array import PROTOCOLS, Array, Value, is_value
from gradcli.engine.checkpoint import checkpoint as _checkpoint
from gradcli.engine.custom import as_value
from gradcli.engine.trace.tracer import Tracer, value_of
from gradcli.engine.tree import tree_leaves, tree_map

Function = Callable[..., Any]


class _Mode(threading.local):
    """Which way the function that is being traced will be differentiated, and how many primitives of users it has."""

    def __init__(self) -> None:
        self.tracing = self.forward = False
        self.user_primitives = 0


MODE = _Mode()


@contextmanager
def _mode(forward: bool) -> Iterator[None]:
    before = MODE.tracing, MODE.forward
    MODE.tracing, MODE.forward = True, forward
    try:
        yield
    finally:
        MODE.tracing, MODE.forward = before


def _with_lists(x: Any, y: Any) -> Any:
    """The operands of an operator as arrays: autograd's boxes take lists as NumPy's arrays do. None for others."""
    if not MODE.tracing or not all(isinstance(v, (Value, list, tuple)) or is_value(v) for v in (x, y)):
        return None
    return gnp.asarray(x), gnp.asarray(y)


def _as_array(x: Tracer, dtype: Any) -> Any:
    """A mask or index as NumPy's array, where NumPy asks for it: autograd has no boxes of integers. None for others."""
    found = value_of(x) if MODE.tracing and x.dtype.kind in "biu" else None
    if found is not None:
        x.trace.note(x, found)
        found = np.asarray(found, dtype)
    return found


PROTOCOLS.update(lists=_with_lists, array=_as_array)


def _traced(fun: Function, forward: bool) -> Function:
    """The function as the engine traces it, with autograd's warning for a result that does not depend on it."""

    @functools.wraps(fun, updated=())
    def run(x: Any) -> Any:
        with _mode(forward):
            out = fun(x)
        if type(out) is Tracer:
            return out
        if not any(isbox(leaf) for leaf in tree_leaves(out)):
            warnings.warn("Output seems independent of input.", stacklevel=2)
        return tree_map(as_value, out)

    return run


def vjp_of(fun: Function, x: Any) -> tuple[Function, Any]:
    """``(pull, fun(x))``: pull takes a cotangent of the result to one of x."""
    if BOXES and any(type(leaf) in BOXES for leaf in tree_leaves(x)):
        return OBJECTS["vjp"](fun, x)  # type: ignore[no-any-return]
    value, pull = api.vjp(_traced(fun, False), floats(x))

    def vjp(g: Any) -> Any:
        quick = type(g) is np.float64 and type(value) is Array and value.type.shape == () and value.dtype == g.dtype
        full = g if quick else tree_map(_cotangent, g, value)
        return ordered_like(plain(pull(full)[0]), x)

    return vjp, plain(value)


def _cotangent(ct: Any, like: Any) -> Any:
    """A cotangent of the shape and dtype of what it belongs to."""
    array = gnp.asarray(ct)
    if array.shape != like.shape:
        array = gnp.broadcast_to(array, like.shape)
    if array.dtype.kind == "c" and like.dtype.kind == "f":
        array = gnp.real(array)
    return gnp.astype(array, like.dtype) if array.dtype != like.dtype else array


def jvp_of(fun: Function, x: Any) -> Function:
    """``push(v) -> (fun(x), derivative along v)``."""

    if BOXES and any(type(leaf) in BOXES for leaf in tree_leaves(x)):
        raise NotImplementedError("forward mode takes arrays and numbers, not objects of other classes")

    def push(v: Any) -> Any:
        point = floats(x)
        along = tree_map(lambda t, p: _cotangent(t, as_value(p)), v, point)
        value, dot = api.jvp(_traced(fun, True), (point,), (along,))
        return plain(value), plain(dot)

    return push


def unary_to_nary(unary_operator: Function) -> Function:
    """An operator of functions of one argument as one of functions of several, with ``argnum``."""

    @functools.wraps(unary_operator)
    def nary_operator(fun: Function, argnum: Any = 0, *op_args: Any, **op_kwargs: Any) -> Function:
        several = isinstance(argnum, (tuple, list))
        numbers = tuple(argnum) if several else (argnum,)

        @functools.wraps(fun, updated=())
        def nary_f(*args: Any, **kwargs: Any) -> Any:
            def unary_f(x: Any) -> Any:
                full = list(args)
                for i, v in zip(numbers, x if several else (x,), strict=True):
                    full[i] = v
                return fun(*full, **kwargs)

            unary_f.__name__ = getattr(fun, "__name__", "f")
            x = tuple(args[i] for i in numbers) if several else args[argnum]
            return unary_operator(unary_f, x, *op_args, **op_kwargs)

        operator, function = (getattr(f, "__name__", "[unknown name]") for f in (unary_operator, fun))
        nary_f.__name__ = f"{operator}_of_{function}_wrt_argnum_{argnum}"
        nary_f.__doc__ = f"    {operator} of function {function} with respect to argument {argnum}; same arguments."
        return nary_f

    return nary_operator


make_vjp = unary_to_nary(vjp_of)
make_jvp = unary_to_nary(jvp_of)


_ONE = np.float64(1.0)


def _real_scalar(ans: Any, name: str) -> Any:
    """The cotangent one of a real result with one element. Raises TypeError for any other result."""
    if type(ans) is np.float64:
        return _ONE
    leaves = tree_leaves(ans)
    if len(leaves) == 1 and as_value(leaves[0]).dtype.kind in "biu":
        raise TypeError(f"{name}: the function returned {leaves[0]!r}, a {type(leaves[0]).__name__}, and not a float")
    if len(leaves) != 1 or np.size(leaves[0]) != 1 or as_value(leaves[0]).dtype.kind == "c":
        raise TypeError(
            f"{name} only applies to real scalar-output functions. Try jacobian, elementwise_grad or holomorphic_grad."
        )
    return ones_like(ans)


def ones_like(tree: Any) -> Any:
    """Ones in the shape of every leaf; one and the imaginary unit where it is complex, as autograd has it."""

    def ones(x: Any) -> Any:
        v = as_value(x)
        return np.ones(v.shape, v.dtype)[()] * (1 + 1j if v.dtype.kind == "c" else 1)

    return tree_map(ones, tree)


@unary_to_nary
def grad(fun: Function, x: Any) -> Any:
    """
    Returns a function which gives the gradient of a real scalar function, in the structure of the argument."""
    vjp, ans = vjp_of(fun, x)
    return vjp(_real_scalar(ans, "Grad"))


@unary_to_nary
def value_and_grad(fun: Function, x: Any) -> Any:
    """Value and gradient in one pass."""
    vjp, ans = vjp_of(fun, x)
    return ans, vjp(_real_scalar(ans, "value_and_grad"))


@unary_to_nary
def elementwise_grad(fun: Function, x: Any) -> Any:
    """The sum of each column of the Jacobian: the derivative of each output for an elementwise function."""
    vjp, ans = vjp_of(fun, x)
    if any(as_value(leaf).dtype.kind == "c" for leaf in tree_leaves(ans)):
        raise TypeError("Elementwise_grad only applies to real-output functions.")
    return vjp(ones_like(ans))


@unary_to_nary
def deriv(fun: Function, x: Any) -> Any:
    """The derivative along ones."""
    return jvp_of(fun, x)(ones_like(x))[1]


@unary_to_nary
def jacobian(fun: Function, x: Any) -> Any:
    """The Jacobian of an array by an array: shape of the output, then shape of the input."""
    before = MODE.user_primitives
    vjp, ans = vjp_of(fun, x)
    out, point = as_value(ans), as_value(floats(x))
    basis = np.eye(out.size, dtype=out.dtype).reshape(out.size, *out.shape)
    if MODE.user_primitives == before:
        rows = api.vmap(vjp)(basis)
    else:  # rules that users wrote may look at values, which a batch has not
        rows = gnp.stack([gnp.asarray(vjp(row)) for row in basis])
    return plain(gnp.reshape(gnp.asarray(rows), out.shape + point.shape))


@unary_to_nary
def hessian(fun: Function, x: Any) -> Any:
    """The exact Hessian."""
    return jacobian(jacobian(fun))(x)


@unary_to_nary
def holomorphic_grad(fun: Function, x: Any) -> Any:
    """The derivative of a holomorphic function."""
    if as_value(x).dtype.kind != "c":
        warnings.warn("Input to holomorphic_grad is not complex", stacklevel=2)
    return grad(lambda z: gnp.real(fun(z)))(x)


def grad_named(fun: Function, argname: str) -> Function:
    """The gradient with respect to the argument of that name."""
    return grad(fun, list(inspect.signature(fun).parameters).index(argname))  # type: ignore[no-any-return]


@unary_to_nary
def make_hvp(fun: Function, x: Any) -> Any:
    """``(hvp, gradient)``: the product of the Hessian at x with any vector."""
    return vjp_of(grad(fun), x)


@unary_to_nary
def make_jvp_reversemode(fun: Function, x: Any) -> Any:
    """``push(v)``: the derivative along v, by reverse mode twice."""
    vjp, y = vjp_of(fun, x)
    push, _ = vjp_of(vjp, tree_map(lambda leaf: leaf * 0.0, y))
    return push


def hessian_tensor_product(fun: Function, argnum: int = 0) -> Function:
    """``product(*args, tensor)``: the Hessian contracted with a tensor of the argument's shape."""
    gradient = grad(fun, argnum)

    def along(*args: Any, **kwargs: Any) -> Any:
        *rest, tensor = args
        return gnp.tensordot(gradient(*rest, **kwargs), tensor, np.ndim(tensor))

    return grad(along, argnum)  # type: ignore[no-any-return]


def tensor_jacobian_product(fun: Function, argnum: int = 0) -> Function:
    """``product(*args, tensor)``: a tensor of the output's leading shape contracted with the Jacobian."""

    def along(*args: Any, **kwargs: Any) -> Any:
        *rest, tensor = args
        return gnp.tensordot(tensor, fun(*rest, **kwargs), np.ndim(tensor))

    return jacobian(along, argnum)  # type: ignore[no-any-return]


hessian_vector_product, vector_jacobian_product = hessian_tensor_product, tensor_jacobian_product


def _half_square(x: Any) -> Any:
    return gnp.sum(x**2, axis=-1) / 2.0


def make_ggnvp(f: Function, g: Function = _half_square, f_argnum: int = 0) -> Function:
    """``make_ggnvp(f, g)(x)(v)``: the generalized Gauss-Newton matrix of g after f, times v (Schraudolph 2002)."""

    @unary_to_nary
    def make(fun: Function, x: Any) -> Function:
        pull, fx = vjp_of(fun, x)
        hvp, grad_g = vjp_of(grad(g), fx)
        push, _ = vjp_of(pull, tree_map(lambda leaf: leaf * 0.0, grad_g))
        return lambda v: pull(hvp(push(v)))

    return make(f, f_argnum)  # type: ignore[no-any-return]


@unary_to_nary
def grad_and_aux(fun: Function, x: Any) -> Any:
    """The gradient of the first output, and the second output as it is."""
    vjp, (ans, aux) = vjp_of(lambda v: tuple(fun(v)), x)
    return vjp((ones_like(ans), tree_map(lambda leaf: leaf * 0.0, aux))), aux


def multigrad_dict(fun: Function) -> Function:
    """The gradient with respect to all arguments at once: a dictionary by name."""
    signature = inspect.signature(fun)

    def gradient(*args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()

        def of_all(named: dict[str, Any]) -> Any:
            again = inspect.BoundArguments(signature, OrderedDict(named))
            return fun(*again.args, **again.kwargs)

        return OrderedDict(grad(of_all)(dict(bound.arguments)))

    return gradient


def checkpoint(fun: Function) -> Function:
    """The function with what it computes inside computed again in reverse mode, not kept."""
    kept = _checkpoint(fun)
    return functools.wraps(fun)(lambda *args, **kwargs: plain(kept(*args, **kwargs)))


NAMES: Sequence[str] = (
    "checkpoint", "deriv", "elementwise_grad", "grad", "grad_and_aux", "grad_named", "hessian",
    "hessian_tensor_product", "hessian_vector_product", "holomorphic_grad", "jacobian", "make_ggnvp", "make_hvp",
    "make_jvp", "make_jvp_reversemode", "make_vjp", "multigrad_dict", "tensor_jacobian_product", "value_and_grad",
    "vector_jacobian_product",
)  # fmt: skip
