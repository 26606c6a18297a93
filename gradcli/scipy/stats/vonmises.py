"""The von Mises distribution of concentration ``kappa``, on angles."""

from __future__ import annotations

import math
from typing import Any

from gradcli.numpy import cos, log, where
from gradcli.scipy.special import i0e
from gradcli.scipy.stats._base import NAN, density, floats


def logpdf(x: Any, kappa: Any) -> Any:
    """The logarithm of the probability density, nan unless kappa > 0."""
    x, kappa = floats(x, kappa)
    return where(kappa > 0, kappa * (cos(x) - 1) - log(2 * math.pi * i0e(kappa)), NAN)


pdf = density(logpdf)
