"""A script for JAX: prints a gradient, fails or ends as its arguments say."""

import sys

import jax
import jax.numpy as jnp


def loss(x):
    return jnp.sum(jnp.sin(x) ** 2)


if __name__ == "__main__":
    print(jax.grad(loss)(jnp.arange(3.0)), sys.argv)
    if "--fail" in sys.argv:
        jax.grad(jnp.sin)(jnp.ones(3))
    sys.exit(len(sys.argv) - 1)
