"""Names that jax, numpy and math have or have not."""

import math

import jax.numpy as jnp
import numpy as np
from jax import grad, vmapp
from jax.scipy.special import erf


def f(x):
    return jnp.sinn(x) + np.fft.fft(x) + math.gcd(2, 4) + erf(x) + vmapp(grad(np.absolut))(x)
