"""Integrals of functions by adaptive Gauss-Kronrod rules, and of samples."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcli import numpy as gnp
from gradcli.compat.scipynames.steering import Function, number, refuse, steered, values

# The 21 points of Gauss and Kronrod on [-1, 1], from the outermost to the middle: nodes, weights, and the weights of
# the 10 points of Gauss among them (R. Piessens et al., QUADPACK, 1983).
_NODES = (
    0.995657163025808080735527280689003, 0.973906528517171720077964012084452, 0.930157491355708226001207180059508,
    0.865063366688984510732096688423493, 0.780817726586416897063717578345042, 0.679409568299024406234327365114874,
    0.562757134668604683339000099272694, 0.433395394129247190799265943165784, 0.294392862701460198131126603103866,
    0.148874338981631210884826001129720, 0.0,
)  # fmt: skip
_KRONROD = (
    0.011694638867371874278064396062192, 0.032558162307964727478818972459390, 0.054755896574351996031381300244580,
    0.075039674810919952767043140916190, 0.093125454583697605535065465083366, 0.109387158802297641899210590325805,
    0.123491976262065851077958109585166, 0.134709217311473325928054001771707, 0.142775938577060080797094273138717,
    0.147739104901338491374841515972068, 0.149445554002916905664936468389821,
)  # fmt: skip
_GAUSS = (
    0.066671344308688137593568809893332, 0.149451349150580593145863396957658, 0.219086362515982043995534934228163,
    0.269266719309996355091226921569469, 0.295524224714752870173815619188769,
)  # fmt: skip
NODES = np.array([-x for x in _NODES[:-1]] + [0.0] + [*reversed(_NODES[:-1])])
KRONROD = np.array([*_KRONROD, *reversed(_KRONROD[:-1])])
GAUSS = np.zeros(21)
GAUSS[1:10:2] = _GAUSS
GAUSS[11:20:2] = _GAUSS[::-1]


def quad(
    func: Function, a: Any, b: Any, args: Any = (), full_output: int = 0, epsabs: float = 1.49e-8,
    epsrel: float = 1.49e-8, limit: int = 50, points: Any = None, weight: Any = None, **_: Any,
) -> tuple[Any, ...]:  # fmt: skip
    """The integral of ``func`` from ``a`` to ``b`` (also infinite), and an estimate of its error.

    The intervals are those that the numbers of this run ask for; on them the sum is differentiated, limits included.
    Raises NotImplementedError for weights.

    >>> print(round(float(quad(lambda x: x * x, 0.0, 3.0)[0]), 12))
    9.0
    """
    if weight is not None:
        raise refuse("quad with a weight is not supported on traced values", "put the weight into the function")
    extra = args if isinstance(args, tuple) else (args,)

    def f(x: Any) -> Any:
        return values(func(x, *extra))

    low, high = float(number(a)), float(number(b))
    if low > high:
        value, error, *rest = quad(func, b, a, args, full_output, epsabs, epsrel, limit, points)
        return (-value, error, *rest)
    if math.isinf(low) or math.isinf(high):
        total, error, pieces = _adaptive(_on_unit(f, a, b, low, high), 0.0, 1.0, (), epsabs, epsrel, limit)
    else:
        inner = sorted(float(p) for p in (points if points is not None else ()) if low < p < high)
        total, error, pieces = _adaptive(f, a, b, inner, epsabs, epsrel, limit)
    steered(f"the integral is over the {pieces} intervals of this run")
    return (total, error, {"neval": 21 * (2 * pieces - 1), "last": pieces}) if full_output else (total, error)


def _on_unit(f: Function, a: Any, b: Any, low: float, high: float) -> Function:
    """The integrand on [0, 1] of an integral to infinity: x = a + (1 - t) / t."""

    def g(t: Any) -> Any:
        x = (1 - t) / t
        if math.isinf(low) and math.isinf(high):
            return (f(x) + f(-x)) / t**2
        return (f(a + x) if math.isinf(high) else f(b - x)) / t**2

    return g


def _adaptive(
    f: Function, a: Any, b: Any, inner: Sequence[float], epsabs: float, epsrel: float, limit: int
) -> tuple[Any, float, int]:
    """Halves the worst interval until the errors are small enough in sum."""
    ends = [a, *inner, b]
    heap: list[tuple[float, int, Any, Any, Any, float]] = []
    for low, high in zip(ends[:-1], ends[1:], strict=True):
        total, error = _rule(f, low, high)
        heapq.heappush(heap, (-error, len(heap), low, high, total, float(number(total))))
    made = len(heap)
    while len(heap) < limit:
        error, size = -math.fsum(item[0] for item in heap), abs(math.fsum(item[5] for item in heap))
        if not error > max(epsabs, epsrel * size):
            break
        _, _, low, high, _, _ = heapq.heappop(heap)
        middle = 0.5 * (low + high)
        for left, right in ((low, middle), (middle, high)):
            total, error = _rule(f, left, right)
            heapq.heappush(heap, (-error, made, left, right, total, float(number(total))))
            made += 1
    return sum(item[4] for item in heap), -math.fsum(item[0] for item in heap), len(heap)


def _rule(f: Function, a: Any, b: Any) -> tuple[Any, float]:
    """The rule on one interval, and QUADPACK's estimate of its error."""
    half, middle = 0.5 * (b - a), 0.5 * (a + b)
    found = [f(middle + half * x) for x in NODES.tolist()]
    total = sum(w * y for w, y in zip(KRONROD.tolist(), found, strict=True)) * half
    y, width = number(found), abs(float(number(half)))
    if not np.all(np.isfinite(y)):
        return total, 0.0
    kronrod, gauss = float(KRONROD @ y), float(GAUSS @ y)
    spread = float(KRONROD @ np.abs(y - 0.5 * kronrod)) * width
    error = abs(kronrod - gauss) * width
    if spread and error:
        error = spread * min(1.0, (200 * error / spread) ** 1.5)
    return total, error


def fixed_quad(func: Function, a: Any, b: Any, args: tuple[Any, ...] = (), n: int = 5) -> tuple[Any, None]:
    """The integral by ``n`` points of Gauss; ``func`` takes all of them at once."""
    nodes, weights = np.polynomial.legendre.leggauss(n)
    half = 0.5 * (b - a)
    return gnp.sum(weights * values(func(half * (nodes + 1) + a, *args)), axis=-1) * half, None


def simpson(y: Any, x: Any = None, *, dx: Any = 1.0, axis: int = -1) -> Any:
    """Simpson's rule for samples at any places; of an even number the last interval is that of a parabola through the
    last three (L. Cartwright, 2017), as in SciPy.
    """
    y = gnp.moveaxis(values(y), axis, -1)
    n = y.shape[-1]
    x = gnp.arange(n) * dx if x is None else gnp.moveaxis(values(x), axis if gnp.ndim(x) > 1 else 0, -1)
    h = gnp.diff(x, axis=-1)
    if n == 2:
        return gnp.sum(0.5 * h * (y[..., 1:] + y[..., :-1]), axis=-1)
    m = n if n % 2 else n - 1
    h0, h1 = h[..., 0 : m - 1 : 2], h[..., 1 : m - 1 : 2]
    y0, y1, y2 = (y[..., i : m - 2 + i : 2] for i in range(3))
    both, ratio = h0 + h1, h0 / h1
    total = gnp.sum(both / 6 * (y0 * (2 - 1 / ratio) + y1 * both * both / (h0 * h1) + y2 * (2 - ratio)), axis=-1)
    if m == n:
        return total
    p, q = h[..., -2], h[..., -1]
    last = y[..., -1] * (2 * q * q + 3 * p * q) / (6 * (p + q)) + y[..., -2] * (q * q + 3 * p * q) / (6 * p)
    return total + last - y[..., -3] * q**3 / (6 * p * (p + q))


def cumulative_trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1, initial: Any = None) -> Any:
    """The integral by trapezoids up to each sample; ``initial`` goes in front."""
    y = gnp.moveaxis(values(y), axis, -1)
    h = dx if x is None else gnp.diff(gnp.moveaxis(values(x), axis if gnp.ndim(x) > 1 else 0, -1), axis=-1)
    found = gnp.cumsum(h * (y[..., 1:] + y[..., :-1]) / 2.0, axis=-1)
    if initial is not None:
        found = gnp.concatenate([gnp.full_like(found[..., :1], initial), found], axis=-1)
    return gnp.moveaxis(found, -1, axis)


trapezoid, cumtrapz, simps, trapz = gnp.trapezoid, cumulative_trapezoid, simpson, gnp.trapezoid
