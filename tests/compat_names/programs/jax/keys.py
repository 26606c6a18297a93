"""Random numbers by keys: old and new ones, splitting, and many distributions."""

import jax
import jax.numpy as jnp
from jax import random

key = random.key(43)
old = random.PRNGKey(43)
key, subkey = random.split(key)
children = random.split(subkey, 4)


def walk(carry, _):
    key, x = carry
    key, step = random.split(key)
    return (key, x + random.normal(step)), None


def still(carry):
    return carry[1] < 3.0


start = (random.key(3), 0.0)
long = jax.lax.scan(walk, start, length=100)[0]
until = jax.lax.while_loop(still, lambda c: walk(c, None)[0], start)
result = {
    "long": [long[1], random.key_data(long[0]), until[1], random.key_data(until[0])],
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
