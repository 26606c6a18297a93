"""Random numbers as functions of a key: the names of ``jax.random``, and its numbers to the last bit.

A key gives the same numbers whenever and wherever it is used, so it is split for every use. ``key`` makes typed keys,
``PRNGKey`` the older ones, which are arrays of two words. Bits are laid out over arrays as JAX does now, or as it did
until 0.4.35: ``settings().prng_partitionable`` says which (``jax.config.update("jax_threefry_partitionable", ...)`` in
a file that is written for JAX).

>>> first, second = split(key(0))
>>> print(uniform(first, (2,), "float32"))
[0.8423141  0.18237865]
"""

from __future__ import annotations

from gradcli.random._basic import bits, normal, truncated_normal, uniform
from gradcli.random._continuous import (
    cauchy,
    double_sided_maxwell,
    exponential,
    geometric,
    laplace,
    logistic,
    lognormal,
    maxwell,
    multivariate_normal,
    pareto,
    rayleigh,
    triangular,
    wald,
    weibull_min,
)
from gradcli.random._counts import binomial, multinomial, poisson
from gradcli.random._discrete import (
    bernoulli,
    categorical,
    choice,
    gumbel,
    permutation,
    rademacher,
    randint,
)
from gradcli.random._gamma import (
    ball,
    beta,
    chisquare,
    dirichlet,
    f,
    gamma,
    generalized_normal,
    loggamma,
    orthogonal,
    t,
)
from gradcli.random._keys import (
    PRNGKey,
    PRNGKeyArray,
    clone,
    fold_in,
    key,
    key_data,
    key_dtype,
    key_impl,
    split,
    wrap_key_data,
)
from gradcli.random._rejection import random_gamma_p

__all__ = [
    "PRNGKey", "PRNGKeyArray", "ball", "bernoulli", "beta", "binomial", "bits", "categorical", "cauchy", "chisquare",
    "choice", "clone", "dirichlet", "double_sided_maxwell", "exponential", "f", "fold_in", "gamma",
    "generalized_normal", "geometric", "gumbel", "key", "key_data", "key_dtype", "key_impl", "laplace", "loggamma",
    "logistic", "lognormal", "maxwell", "multinomial", "multivariate_normal", "normal", "orthogonal", "pareto",
    "permutation", "poisson", "rademacher", "randint", "random_gamma_p", "rayleigh", "split", "t", "triangular",
    "truncated_normal", "uniform", "wald", "weibull_min", "wrap_key_data",
]  # fmt: skip
