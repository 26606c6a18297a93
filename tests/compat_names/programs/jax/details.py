"""Details: paths of einsum, empty arrays as they print, indices filled up under jit."""

import jax
import jax.numpy as jnp

chain = [jnp.ones((2, 9)), jnp.ones((9, 9)), jnp.ones((9, 2))]
path = jnp.einsum_path("ij,jk,kl", *chain, optimize="greedy")[0]
find = jax.jit(jnp.nonzero, static_argnames="size")
result = {
    "path": path,
    "along": jnp.einsum("ij,jk,kl", *chain, optimize=path),
    "empty": [repr(jnp.zeros(shape)) for shape in ((0,), (1, 0), (0, 3, 2))] + [repr(jnp.argwhere(jnp.zeros(2)))],
    "filled": find(jnp.array([0, 3, 0, 4]), size=4, fill_value=7),
}
