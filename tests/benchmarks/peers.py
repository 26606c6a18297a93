"""The peers: each library's way to do what a row asks, so that a row gives the function's text only once.

A function of a row takes the namespace it computes with as its last argument: ``def f(x, np): return np.tanh(x)``.
"""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tests.benchmarks.measure import Call
from tests.benchmarks.rows import Factory

INSTALLED = tuple(p for p in ("jax", "autograd", "torch") if importlib.util.find_spec(p) is not None)
AVAILABLE = ("gradcli", "numpy", "import", *INSTALLED)
Function = Callable[..., Any]


class Peer:
    """What all peers offer. ``plain`` turns results into NumPy arrays, ``done`` waits until they are computed."""

    np: Any
    jit: Any
    vmap: Any
    grad: Any
    value_and_grad: Any
    hessian: Any
    jacrev: Any
    jacfwd: Any
    scan: Any

    def array(self, value: Any) -> Any:
        """An input in the form that suits the library best."""
        return value

    def done(self, result: Any) -> Any:
        """The result, computed."""
        return result

    def plain(self, result: Any) -> Any:
        """The result as NumPy arrays in tuples, lists and dictionaries."""
        return _mapped(np.asarray, result)


def _mapped(f: Function, tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _mapped(f, value) for key, value in tree.items()}
    if isinstance(tree, (tuple, list)):
        return tuple(_mapped(f, value) for value in tree)
    return f(tree)


class Gradcli(Peer):
    """gradcli itself."""

    def __init__(self) -> None:
        import gradcli
        import gradcli.numpy

        self.np = gradcli.numpy
        self.jit, self.vmap, self.grad, self.hessian = gradcli.jit, gradcli.vmap, gradcli.grad, gradcli.hessian
        self.value_and_grad = gradcli.value_and_grad
        self.jacrev, self.jacfwd, self.scan = gradcli.jacrev, gradcli.jacfwd, gradcli.lax.scan

    def array(self, value: Any) -> Any:
        """Arrays of gradcli; Python floats stay what they are."""
        return _mapped(lambda x: self.np.asarray(x) if isinstance(x, np.ndarray) else x, value)


class Jax(Peer):
    """JAX in double precision, where its inputs are; results are waited for."""

    def __init__(self) -> None:
        import jax

        jax.config.update("jax_enable_x64", True)
        self.np = jax.numpy
        self.jit, self.vmap, self.grad, self.hessian = jax.jit, jax.vmap, jax.grad, jax.hessian
        self.value_and_grad = jax.value_and_grad
        self.jacrev, self.jacfwd, self.scan = jax.jacrev, jax.jacfwd, jax.lax.scan
        self.done = jax.block_until_ready  # type: ignore[method-assign]

    def array(self, value: Any) -> Any:
        """Arrays of JAX, on the device before the clock starts; Python floats too, which it is faster with."""
        return _mapped(lambda x: self.np.asarray(x) if isinstance(x, (np.ndarray, float)) else x, value)


class Autograd(Peer):
    """autograd, which has no jit, no vmap (elementwise gradients instead) and no scan (a Python loop instead)."""

    def __init__(self) -> None:
        import autograd
        import autograd.numpy

        self.np = autograd.numpy
        self.jit = self.vmap = lambda f, **_: f
        self.grad, self.hessian, self.jacrev = autograd.grad, autograd.hessian, autograd.jacobian
        self.elementwise_grad, self.value_and_grad = autograd.elementwise_grad, autograd.value_and_grad
        self.scan = python_scan


class Torch(Peer):
    """PyTorch on the CPU: gradients of scalar functions of one tensor."""

    def __init__(self) -> None:
        import torch

        self.torch = self.np = torch
        self.jit = lambda f: f

    def array(self, value: Any) -> Any:
        """A tensor that gradients flow to."""
        return self.torch.tensor(value, dtype=self.torch.float64, requires_grad=True)

    def grad(self, f: Function) -> Function:  # type: ignore[override]
        """The gradient by the tape."""
        return lambda x: self.torch.autograd.grad(f(x), x)[0]

    def plain(self, result: Any) -> Any:
        """As a NumPy array."""
        return result.detach().numpy()


def python_scan(step: Function, carry: Any, xs: Any, length: int) -> Any:
    """``lax.scan`` as a loop, for steps that put out nothing."""
    for _ in range(length):
        carry, _ = step(carry, None)
    return carry, None


_MAKE: dict[str, Callable[[], Peer]] = {"gradcli": Gradcli, "jax": Jax, "autograd": Autograd, "torch": Torch}


@functools.cache
def peer(name: str) -> Peer:
    """The peer of that name, imported when first asked for."""
    return _MAKE[name]()


Build = Callable[[Peer], Function]  # from a peer to the function to time


def contender(name: str, build: Build, *inputs: Any) -> Factory:
    """A contender that calls what ``build`` makes of the peer; inputs are converted before the clock starts."""

    def make() -> Call:
        p = peer(name)
        f, arguments = build(p), [p.array(x) for x in inputs]
        if name != "jax":
            return Call(lambda: f(*arguments), p.plain)
        done = p.done
        return Call(lambda: done(f(*arguments)), p.plain)

    return make


def contenders(build: Build, *inputs: Any, names: Sequence[str] = ("gradcli", "jax", "autograd")) -> dict[str, Factory]:
    """The same for several peers, leaving out those that are not installed."""
    return {name: contender(name, build, *inputs) for name in names if name in AVAILABLE}


def by_hand(f: Function, *inputs: Any) -> dict[str, Factory]:
    """A contender in plain NumPy."""
    return {"numpy": lambda: Call(lambda: f(*inputs))}


def compile_only(build: Build, *inputs: Any) -> dict[str, Factory]:
    """XLA's compilation alone: tracing and lowering are done before the clock starts."""
    if "jax" not in AVAILABLE:
        return {}

    def make() -> Call:
        p = peer("jax")
        lowered, arguments = build(p).lower(*map(p.array, inputs)), [p.array(x) for x in inputs]
        return Call(lowered.compile, lambda compiled: p.plain(compiled(*arguments)))

    return {"jax compile": make}
