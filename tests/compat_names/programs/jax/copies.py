"""Traced values that Python copies, as ``dataclasses.astuple`` and ``asdict`` do, stay what they are."""

import copy
import dataclasses

import jax
import jax.numpy as jnp


@jax.tree_util.register_dataclass
@dataclasses.dataclass
class State:
    position: jax.Array
    momentum: jax.Array


def step(state, dt):
    position, momentum = dataclasses.astuple(state)
    momentum = momentum - dt * jnp.sin(position)
    return State(position + dt * momentum, momentum), dataclasses.asdict(state)["position"]


def energy(position):
    start = State(position, jnp.zeros_like(position))
    last, path = jax.lax.scan(lambda s, _: step(s, 0.1), start, None, length=5)
    return jnp.sum(last.momentum**2) + jnp.sum(path)


x = jnp.array([0.3, 0.7])
result = {
    "grad": jax.grad(energy)(x),
    "jit": jax.jit(energy)(x),
    "hessian": jax.hessian(energy)(x),
    "batch": jax.vmap(lambda v: copy.copy(copy.deepcopy([v]))[0] * 2)(x),
    "same": [copy.deepcopy(x) + copy.copy(x)],
}
