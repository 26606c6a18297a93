"""Random numbers by keys: old and new ones, splitting, and many distributions."""

import jax
import jax.numpy as jnp
from jax import random

key = random.key(43)
old = random.PRNGKey(43)
key, subkey = random.split(key)
children = random.split(subkey, 4)
result = {
    "normal": random.normal(subkey, (3,)),
    "old": random.uniform(old, (2, 2), minval=-1.0, maxval=1.0),
    "data": random.key_data(subkey),
    "many": jax.vmap(random.normal)(children),
    "fold": random.fold_in(old, 7),
    "randint": random.randint(key, (5,), 0, 10),
    "permutation": random.permutation(key, jnp.arange(6)),
    "bernoulli": random.bernoulli(key, 0.3, (6,)),
    "categorical": random.categorical(key, jnp.log(jnp.array([0.2, 0.5, 0.3])), shape=(6,)),
    "choice": random.choice(key, 5, (3,), replace=False),
    "exponential": random.exponential(key, (3,)),
    "laplace": random.laplace(key, (3,)),
    "gumbel": random.gumbel(key, (3,)),
    "truncated": random.truncated_normal(key, -1.0, 1.0, (3,)),
    "bits": random.bits(key, (2,)),
    "grad": jax.grad(lambda s: jnp.sum(s * random.normal(key, (3,))))(2.0),
}
