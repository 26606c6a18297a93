"""Student's t distribution of ``df`` degrees of freedom."""

from __future__ import annotations

import math
from typing import Any

from gradcli.numpy import log, log1p, square
from gradcli.scipy.special import gammaln
from gradcli.scipy.stats._base import density, standard


def logpdf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The logarithm of the probability density."""
    z, scale, df = standard(x, loc, scale, df)
    half = df / 2
    front = gammaln(half) + log(square(scale) * math.pi * df) / 2 - gammaln(half + 0.5)
    return -(front + (half + 0.5) * log1p(square(z) / df))


pdf = density(logpdf)
