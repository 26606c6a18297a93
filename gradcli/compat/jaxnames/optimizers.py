"""``jax.example_libraries.optimizers``: each optimizer is a triple of functions (init, update, get_params).

Momentum: Polyak 1964, Nesterov 1983. Adagrad: Duchi, Hazan and Singer 2011. RMSProp: Tieleman and Hinton 2012.
Adam and Adamax: Kingma and Ba 2015. SM3: Anil, Gupta, Koren and Singer 2019.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from gradcli import numpy as gnp
from gradcli.engine.custom import as_value
from gradcli.engine.tree import TreeDef, register_pytree_node, tree_flatten, tree_leaves, tree_map, tree_unflatten

Schedule = Callable[[Any], Any]


class Optimizer(NamedTuple):
    """``init_fn(params) -> state``, ``update_fn(step, gradients, state) -> state``, ``params_fn(state) -> params``."""

    init_fn: Callable[..., Any]
    update_fn: Callable[..., Any]
    params_fn: Callable[..., Any]


class OptimizerState:
    """The state of every parameter, and the structure of the parameters. A pytree."""

    def __init__(self, states: Sequence[Any], tree: TreeDef) -> None:
        self.states, self.tree = tuple(states), tree


register_pytree_node(OptimizerState, lambda s: (s.states, s.tree), lambda tree, states: OptimizerState(states, tree))


def optimizer(opt_maker: Callable[..., Any]) -> Callable[..., Optimizer]:
    """Makes an optimizer of pytrees out of one of single arrays."""

    @functools.wraps(opt_maker)
    def make(*args: Any, **kwargs: Any) -> Optimizer:
        init, update, get = opt_maker(*args, **kwargs)

        def tree_init(params: Any) -> OptimizerState:
            leaves, tree = tree_flatten(params)
            return OptimizerState([init(as_value(x)) for x in leaves], tree)

        def tree_update(i: Any, gradients: Any, state: OptimizerState) -> OptimizerState:
            leaves, tree = tree_flatten(gradients)
            if tree != state.tree:
                raise TypeError(
                    "optimizer update function was passed a gradient tree that did not match the parameter tree "
                    f"structure with which it was initialized: parameter tree {state.tree} and grad tree {tree}."
                )
            return OptimizerState([update(i, g, s) for g, s in zip(leaves, state.states, strict=True)], tree)

        return Optimizer(tree_init, tree_update, lambda s: tree_unflatten(s.tree, [get(x) for x in s.states]))

    return make


def _first(state: Any) -> Any:
    return state[0]


@optimizer
def sgd(step_size: Any) -> Any:
    """Gradient descent; ``step_size`` is a number or a schedule."""
    rate = make_schedule(step_size)
    return (lambda x: x), (lambda i, g, x: x - rate(i) * g), (lambda x: x)


@optimizer
def momentum(step_size: Any, mass: Any) -> Any:
    """Gradient descent with momentum."""
    rate = make_schedule(step_size)

    def update(i: Any, g: Any, state: Any) -> Any:
        x, velocity = state
        velocity = mass * velocity + g
        return x - rate(i) * velocity, velocity

    return (lambda x: (x, gnp.zeros_like(x))), update, _first


@optimizer
def nesterov(step_size: Any, mass: Any) -> Any:
    """Gradient descent with Nesterov's momentum."""
    rate = make_schedule(step_size)

    def update(i: Any, g: Any, state: Any) -> Any:
        x, velocity = state
        velocity = mass * velocity + g
        return x - rate(i) * (mass * velocity + g), velocity

    return (lambda x: (x, gnp.zeros_like(x))), update, _first


@optimizer
def adagrad(step_size: Any, momentum: Any = 0.9) -> Any:
    """Adagrad, with momentum."""
    rate = make_schedule(step_size)

    def update(i: Any, g: Any, state: Any) -> Any:
        x, squares, m = state
        squares = squares + gnp.square(g)
        scale = gnp.where(squares > 0, 1.0 / gnp.sqrt(squares), 0.0)
        m = (1.0 - momentum) * (g * scale) + momentum * m
        return x - rate(i) * m, squares, m

    return (lambda x: (x, gnp.zeros_like(x), gnp.zeros_like(x))), update, _first


@optimizer
def rmsprop(step_size: Any, gamma: Any = 0.9, eps: Any = 1e-8) -> Any:
    """RMSProp."""
    rate = make_schedule(step_size)

    def update(i: Any, g: Any, state: Any) -> Any:
        x, mean_square = state
        mean_square = mean_square * gamma + gnp.square(g) * (1.0 - gamma)
        return x - rate(i) * g / gnp.sqrt(mean_square + eps), mean_square

    return (lambda x: (x, gnp.zeros_like(x))), update, _first


@optimizer
def rmsprop_momentum(step_size: Any, gamma: Any = 0.9, eps: Any = 1e-8, momentum: Any = 0.9) -> Any:
    """RMSProp with momentum."""
    rate = make_schedule(step_size)

    def update(i: Any, g: Any, state: Any) -> Any:
        x, mean_square, m = state
        mean_square = mean_square * gamma + gnp.square(g) * (1.0 - gamma)
        m = momentum * m + rate(i) * g / gnp.sqrt(mean_square + eps)
        return x - m, mean_square, m

    return (lambda x: (x, gnp.zeros_like(x), gnp.zeros_like(x))), update, _first


@optimizer
def adam(step_size: Any, b1: Any = 0.9, b2: Any = 0.999, eps: Any = 1e-8) -> Any:
    """Adam."""
    rate = make_schedule(step_size)

    def update(i: Any, g: Any, state: Any) -> Any:
        x, m, v = state
        m = (1 - b1) * g + b1 * m
        v = (1 - b2) * gnp.square(g) + b2 * v
        step = gnp.asarray(i, m.dtype) + 1
        unbiased_m, unbiased_v = m / (1 - b1**step), v / (1 - b2**step)
        return x - rate(i) * unbiased_m / (gnp.sqrt(unbiased_v) + eps), m, v

    return (lambda x: (x, gnp.zeros_like(x), gnp.zeros_like(x))), update, _first


@optimizer
def adamax(step_size: Any, b1: Any = 0.9, b2: Any = 0.999, eps: Any = 1e-8) -> Any:
    """Adamax."""
    rate = make_schedule(step_size)

    def update(i: Any, g: Any, state: Any) -> Any:
        x, m, v = state
        m = (1 - b1) * g + b1 * m
        v = gnp.maximum(b2 * v, gnp.abs(g))
        return x - rate(i) / (1 - b1 ** (gnp.asarray(i, m.dtype) + 1)) * m / (v + eps), m, v

    return (lambda x: (x, gnp.zeros_like(x), gnp.zeros_like(x))), update, _first


@optimizer
def sm3(step_size: Any, momentum: Any = 0.9) -> Any:
    """SM3: in the place of a number for every element, one for every index of every axis."""
    rate = make_schedule(step_size)

    def init(x: Any) -> Any:
        return x, gnp.zeros_like(x), [gnp.zeros(n, x.dtype) for n in x.shape or (1,)]

    def update(i: Any, g: Any, state: Any) -> Any:
        x, m, covers = state
        grid = gnp.meshgrid(*covers, indexing="ij", sparse=True)
        total = gnp.reshape(functools.reduce(gnp.minimum, grid), x.shape) + gnp.square(g)
        m = (1 - momentum) * gnp.where(total > 0, g / gnp.sqrt(total), 0.0) + momentum * m
        axes = range(max(1, x.ndim))
        filled = gnp.atleast_1d(total)
        return x - rate(i) * m, m, [filled.max(tuple(a for a in axes if a != kept)) for kept in axes]

    return init, update, _first


def constant(step_size: Any) -> Schedule:
    """The same step size always."""
    return lambda i: step_size


def exponential_decay(step_size: Any, decay_steps: Any, decay_rate: Any) -> Schedule:
    """``step_size * decay_rate ** (i / decay_steps)``."""
    return lambda i: step_size * decay_rate ** (i / decay_steps)


def inverse_time_decay(step_size: Any, decay_steps: Any, decay_rate: Any, staircase: bool = False) -> Schedule:
    """``step_size / (1 + decay_rate * i / decay_steps)``, in steps with ``staircase``."""

    def schedule(i: Any) -> Any:
        passed = gnp.floor(i / decay_steps) if staircase else i / decay_steps
        return step_size / (1 + decay_rate * passed)

    return schedule


def polynomial_decay(step_size: Any, decay_steps: Any, final_step_size: Any, power: Any = 1.0) -> Schedule:
    """From ``step_size`` to ``final_step_size`` in ``decay_steps``."""

    def schedule(i: Any) -> Any:
        left = 1 - gnp.minimum(i, decay_steps) / decay_steps
        return left**power * (step_size - final_step_size) + final_step_size

    return schedule


def piecewise_constant(boundaries: Any, values: Any) -> Schedule:
    """``values[k]`` between the k-th and the next of the ``boundaries``. Raises ValueError for unfit lengths."""
    bounds, steps = gnp.asarray(boundaries), gnp.asarray(values)
    if bounds.ndim != 1 or steps.shape != (bounds.shape[0] + 1,):
        raise ValueError("boundaries and values must be 1-d, with one value more than boundaries")
    return lambda i: steps[gnp.sum(i > bounds)]


def make_schedule(scalar_or_schedule: Any) -> Schedule:
    """A schedule as it is, a number as a constant one. Raises TypeError for anything else."""
    if callable(scalar_or_schedule):
        schedule: Schedule = scalar_or_schedule
        return schedule
    if gnp.ndim(scalar_or_schedule) == 0:
        return constant(scalar_or_schedule)
    raise TypeError(type(scalar_or_schedule))


def l2_norm(tree: Any) -> Any:
    """The Euclidean norm of all leaves together."""
    return gnp.sqrt(sum((gnp.vdot(x, x) for x in tree_leaves(tree)), 0.0))


def clip_grads(grad_tree: Any, max_norm: Any) -> Any:
    """Gradients scaled down so that their norm is at most ``max_norm``."""
    norm = l2_norm(grad_tree)
    return tree_map(lambda g: gnp.where(norm < max_norm, g, g * (max_norm / norm)), grad_tree)


def unpack_optimizer_state(opt_state: OptimizerState) -> Any:
    """The state as a pytree of tuples, for storing it."""
    return tree_unflatten(opt_state.tree, [JoinPoint(s) for s in opt_state.states])


def pack_optimizer_state(marked_pytree: Any) -> OptimizerState:
    """The state again from :func:`unpack_optimizer_state`."""
    leaves, tree = tree_flatten(marked_pytree)
    return OptimizerState([leaf.subtree for leaf in leaves], tree)


class JoinPoint:
    """Marks the state of one parameter; a leaf."""

    def __init__(self, subtree: Any) -> None:
        self.subtree = subtree


__all__ = [
    "JoinPoint", "Optimizer", "OptimizerState", "Schedule", "adagrad", "adam", "adamax", "clip_grads", "constant",
    "exponential_decay", "inverse_time_decay", "l2_norm", "make_schedule", "momentum", "nesterov", "optimizer",
    "pack_optimizer_state", "piecewise_constant", "polynomial_decay", "rmsprop", "rmsprop_momentum", "sgd", "sm3",
    "unpack_optimizer_state",
]  # fmt: skip
