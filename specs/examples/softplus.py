"""log(1 + exp(x)), as it is often written, in plain Python with `math`."""

import math


def softplus(x):
    """Overflows for large x."""
    return math.log(1 + math.exp(x))
