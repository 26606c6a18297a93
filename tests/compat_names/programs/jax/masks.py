"""Softmax with masks: derivatives are finite where nothing is left, too."""

import jax
import jax.numpy as jnp

x = jnp.array([[1.0, -2.0, 0.5], [3.0, 1.0, 2.0]])
weights = jnp.array([0.3, -1.0, 2.0])
masks = {
    "rows": jnp.array([[True, True, True], [False, False, False]]),
    "some": jnp.array([[True, False, True], [False, True, True]]),
    "columns": jnp.array([True, False, True]),
}


def of(function, mask):
    def loss(z):
        found = function(z, axis=-1, where=mask)
        return jnp.sum(found * weights, where=mask)

    return [loss(x), jax.grad(loss)(x), function(x, axis=0, where=mask)]


result = {
    f"{function.__name__} {name}": of(function, mask)
    for function in (jax.nn.softmax, jax.nn.log_softmax) for name, mask in masks.items()
}  # fmt: skip
