"""An activation function, for one sample and for a batch of random ones."""

import jax
import jax.numpy as jnp
from jax import random

# The tutorial's random numbers come from the layout of random bits that JAX had when it was written.
jax.config.update("jax_threefry_partitionable", False)


def activate(x):
    """Applies tanh activation."""
    return jnp.tanh(x)


def samples():
    """The tutorial's batch."""
    return random.normal(random.PRNGKey(1234), (5,))


example_inputs = {"x": 0.5}
