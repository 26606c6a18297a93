"""log(1 + exp(x)), differentiated as it stands: nan where exp overflows."""

import jax.numpy as jnp


def log1pexp(x):
    """Implements log(1 + exp(x))."""
    return jnp.log(1.0 + jnp.exp(x))


example_inputs = {"x": 5.0}
