"""The wrapped Cauchy distribution, on angles from 0 to 2 pi."""

from __future__ import annotations

import math
from typing import Any

from gradcli.numpy import cos, log, where
from gradcli.scipy.stats._base import INF, NAN, density, floats


def logpdf(x: Any, c: Any) -> Any:
    """The logarithm of the probability density: -inf outside [0, 2 pi], nan unless 0 < c < 1."""
    x, c = floats(x, c)
    value = log((1 - c * c) / (2 * math.pi)) - log(1 + c * c - 2 * c * cos(x))
    return where((c > 0) & (c < 1), where((x >= 0) & (x <= 2 * math.pi), value, -INF), NAN)


pdf = density(logpdf)
