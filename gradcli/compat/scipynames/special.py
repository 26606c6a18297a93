"""``scipy.special``: functions whose values SciPy computes, next to gradcli.scipy.special.

Derivatives: NIST DLMF 10.29.2 (K), 19.4.1-2 (elliptic integrals), 13.3.15 and 15.5.1 (hypergeometric functions),
7.2.5 (Dawson), 8.19.13 (exponential integrals); 4.13.1 (Lambert's function).
"""

from __future__ import annotations

import math
from typing import Any

from gradcli import numpy as gnp
from gradcli.compat.autogradnames.special import (
    Function,
    by_recurrence,
    iv,
    ive,
    j0,
    j1,
    jn,
    jv,
    rgamma,
    y0,
    y1,
    yn,
)
from gradcli.compat.scipynames.steering import number, scipys
from gradcli.scipy.special import betaln

yv = yn
kv: Function = by_recurrence("kv", lambda v, x: -0.5 * (kv(v - 1, x) + kv(v + 1, x)))
kn: Function = by_recurrence("kv", lambda v, x: -0.5 * (kv(v - 1, x) + kv(v + 1, x)))
kve: Function = by_recurrence("kve", lambda v, x: kve(v, x) - 0.5 * (kve(v - 1, x) + kve(v + 1, x)))
k0: Function = by_recurrence("k0", lambda x: -k1(x))
k1: Function = by_recurrence("k1", lambda x: -0.5 * (k0(x) + kv(2, x)))
ellipk: Function = by_recurrence("ellipk", lambda m: (ellipe(m) / (1 - m) - ellipk(m)) / (2 * m))
ellipe: Function = by_recurrence("ellipe", lambda m: (ellipe(m) - ellipk(m)) / (2 * m))
erfcx: Function = by_recurrence("erfcx", lambda x: 2 * x * erfcx(x) - 2 / math.sqrt(math.pi))
dawsn: Function = by_recurrence("dawsn", lambda x: 1 - 2 * x * dawsn(x))
hyp1f1: Function = by_recurrence("hyp1f1", lambda a, b, x: a / b * hyp1f1(a + 1, b + 1, x))
hyp2f1: Function = by_recurrence("hyp2f1", lambda a, b, c, x: a * b / c * hyp2f1(a + 1, b + 1, c + 1, x))
expn: Function = by_recurrence("expn", lambda n, x: -expn(n - 1, x))


def binom(n: Any, k: Any) -> Any:
    """The binomial coefficient of real numbers, positive ``n + 1``."""
    return gnp.exp(-betaln(1 + n - k, 1 + k)) / (n + 1)


def lambertw(z: Any, k: int = 0, tol: float = 1e-8) -> Any:
    """A branch of Lambert's function, complex: Newton's method from the value of this run (see ``root_near``)."""
    z = gnp.asarray(z) + 0j
    w = gnp.asarray(scipys("scipy.special.lambertw")(number(z), k, tol))
    for _ in range(3):
        w = w - (w - z * gnp.exp(-w)) / (1 + w)
    return w


__all__ = [
    "binom", "dawsn", "ellipe", "ellipk", "erfcx", "expn", "hyp1f1", "hyp2f1", "iv", "ive", "j0", "j1", "jn", "jv",
    "k0", "k1", "kn", "kv", "kve", "lambertw", "rgamma", "y0", "y1", "yn", "yv",
]  # fmt: skip
