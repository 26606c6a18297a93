"""log(1 + exp(x)) with a derivative of its own, which is right everywhere."""

import jax.numpy as jnp
from jax import custom_jvp


@custom_jvp
def log1pexp(x):
    """Implements log(1 + exp(x))."""
    return jnp.log(1.0 + jnp.exp(x))


@log1pexp.defjvp
def log1pexp_jvp(primals, tangents):
    """The derivative 1 - 1/(1 + exp(x)), which does not overflow."""
    (x,) = primals
    (x_dot,) = tangents
    ans = log1pexp(x)
    ans_dot = (1 - 1 / (1 + jnp.exp(x))) * x_dot
    return ans, ans_dot


example_inputs = {"x": 500.0}
