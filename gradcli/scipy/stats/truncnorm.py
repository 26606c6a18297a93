"""The normal distribution given that the standardised variable lies in [a, b]."""

from __future__ import annotations

from typing import Any

from gradcli.numpy import broadcast_arrays, exp, expm1, log, log1p, where
from gradcli.scipy.special import log_ndtr, ndtr
from gradcli.scipy.stats import norm
from gradcli.scipy.stats._base import INF, NAN, density, exp_of, floats, only_where


def _log_mass(a: Any, b: Any) -> Any:
    """The logarithm of the probability that a standard normal number lies between, by the nearer tail."""
    right = a > 0
    low, high = where(right, -b, a), where(right, -a, b)
    central = high > 0
    ratio = log_ndtr(only_where(~central, low, -2.0)) - log_ndtr(only_where(~central, high, -1.0))
    tail = log_ndtr(only_where(~central, high, -1.0)) + _log_one_minus_exp(ratio)
    middle = log1p(-ndtr(only_where(central, low, -1.0)) - ndtr(-only_where(central, high, 1.0)))
    return where(central, middle, tail)


def _log_one_minus_exp(x: Any) -> Any:
    """``log(1 - exp(x))`` for x <= 0."""
    near = x > -0.6
    close, far = only_where(near, x, -0.1), only_where(~near, x, -1.0)
    return where(near, log(-expm1(close)), log1p(-exp(far)))


def logpdf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The logarithm of the probability density: -inf outside, nan where a >= b."""
    x, a, b, loc, scale = floats(x, a, b, loc, scale)
    z = (x - loc) / scale
    value = norm.logpdf(x, loc, scale) - _log_mass(a, b)
    return where(a >= b, NAN, where((z < a) | (z > b), -INF, value))


pdf = density(logpdf)


def logcdf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The logarithm of the probability of at most ``x``."""
    x, a, b, loc, scale = floats(x, a, b, loc, scale)
    z, a, b = broadcast_arrays((x - loc) / scale, a, b)
    inside = (z > a) & (z < b)
    point = where(inside | (z != z), z, where(b < INF, where(a > -INF, (a + b) / 2, b - 1), a + 1))
    whole = _log_mass(a, b)
    below = _log_mass(a, point) - whole
    high = below > -0.1
    above = only_where(high, _log_mass(point, b) - whole, -1.0)
    value = where(high, _log_one_minus_exp(above), below)
    return where(a >= b, NAN, where(z >= b, 0.0, where(z <= a, -INF, value)))


cdf = exp_of(logcdf, "cdf", "The probability of at most ``x``.")


def logsf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The logarithm of the probability of more than ``x``."""
    x, a, b, loc, scale = floats(x, a, b, loc, scale)
    return logcdf(-x, -b, -a, -loc, scale)


sf = exp_of(logsf, "sf", "The probability of more than ``x``.")
