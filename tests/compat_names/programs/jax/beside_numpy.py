"""NumPy's functions on arrays that are known give NumPy's arrays, which can be written to."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

x = jnp.arange(4.0)
copied = np.array(x)
copied[1] = 7.0
stacked = np.stack([x, x])
stacked[0] += 1.0
masked = np.zeros(4)
masked[np.asarray(x > 1)] = 2.0
total = np.add(x, 1.0, out=np.zeros(4))
try:
    x[0] = 1.0
    changed = True
except TypeError:
    changed = False


class Solution(NamedTuple):
    value: object
    steps: object


filled = np.zeros(4)
filled[:] = x
np.testing.assert_array_equal(Solution(filled, x * 2), Solution(x, np.multiply(filled, 2)))
np.testing.assert_equal(Solution(filled, {"n": filled}), Solution(filled, {"n": filled.copy()}))
result = {
    "copied": copied,
    "stacked": stacked,
    "masked": masked,
    "total": total,
    "kinds": [isinstance(v, np.ndarray) for v in (copied, stacked, np.sin(x), np.asarray(x))],
    "scalar": np.float64(x[2]),
    "by index": np.arange(10)[x.astype(int)],
    "fitted": np.polyfit(x, 2 * x + 1, 1),
    "changed": changed,
}
