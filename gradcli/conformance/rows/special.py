"""Rows of ``gradcli.scipy.special``."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli.conformance.row import Array, Draw, Row, rows_of

Case = rows_of("scipy.special")
real = Draw(21)


def at(*xs: float) -> Array:
    """A vector of points."""
    return np.array(xs)


def case(name: str, *arrays: Any, **rest: Any) -> Row:
    """A row of arrays that need no brackets."""
    return Case(name, arrays, **rest)


ONCE = "derivatives of the derivatives in parameters are missing: the row of the argument alone has both"
GRID = real((2, 3))

ONE = [
    *[case(n, at(-0.4, 0.3, 2.0)) for n in ("erf", "erfc", "expit", "ndtr", "fresnel", "dawsn")],
    case("sinc", at(-0.4, 0.3, 2.0), jax=False),  # a name of SciPy's
    *[case(n, at(-1.4, 0.3, 5.0)) for n in ("digamma", "gamma", "gammaln")],
    case("psi", at(-1.4, 0.3, 5.0), jax=False),  # a name of SciPy's
    *[case(n, at(-1.5, 0.3, 9.0)) for n in ("i0", "i0e", "i1", "i1e")],
    case("erfcx", at(-0.7, 0.3, 6.0)),
    case("erfinv", at(-0.7, 0.1, 0.9)),
    case("ndtri", at(1e-2, 0.3, 0.9)),
    case("log_ndtr", at(-30.0, -0.3, 1.5)),
    case("logit", at(0.3, 0.8)),
    case("entr", at(0.4, 3.0)),
    case("exp1", at(0.3, 2.5)),
    case("expi", at(-1.5, 0.3, 2.5)),
    case("factorial", at(2.5, 4.0)),
    case("sici", at(0.05, 0.8, 9.0)),
    case("spence", at(0.3, 1.2, 5.0), jax=False),  # there the gradient at 1.2 is NaN
    case("gammasgn", at(-1.3, 0.4), order=0, why="piecewise constant"),
    case("wofz", at(0.3, -1.5) + 0.4j),
    case("loggamma", at(0.3, -2.4) + 0.7j, jax=False),  # there without reverse mode
]

MORE = [
    case("bessel_jn", at(0.4, 3.0), options={"v": 3}),
    *[case(n, at(0.7, 3.0), at(2.1, 0.4)) for n in ("beta", "betaln")],
    case("betainc", at(0.7), at(1.4), at(0.3), jax=False),  # there without derivatives in a and b
    case("betainc", at(0.3, 0.8), call=lambda f, x: f(0.7, 1.4, x)),
    case("boxcox", at(0.7, 3.0), at(0.5, -2.0)),
    case("boxcox1p", at(-0.3, 3.0), at(0.5, -2.0)),
    case("comb", at(7.3, 5.2), at(2.2, 1.5)),
    case("expn", at(0.4, 1.5, 3.0), call=lambda f, x: f(np.array([1, 2, 5]), x)),
    case("gammainc", at(2.5), at(1.7)),
    case("gammaincc", at(2.5), at(1.7)),
    *[case(n, at(0.4, 3.0), at(0.7, 1.2)) for n in ("kl_div", "rel_entr", "xlogy", "xlog1py")],
    case("multigammaln", at(1.7, 5.0), call=lambda f, a: f(a, 3)),
    case("owens_t", at(-0.4, 1.5), at(0.6, 2.5)),
    case("poch", at(0.7, 2.2), at(1.5, 3.0)),
    case("polygamma", at(0.3, 5.0), call=lambda f, x: f(2, x)),
    case("zeta", at(1.5, 6.0), at(0.4, 3.0)),
    case("hyp1f1", at(0.7), at(1.3), at(2.0), order=1, why=ONCE),
    case("hyp2f1", at(0.7), at(1.3), at(2.2), at(0.3), order=1, why=ONCE),
    case("hyp1f1", at(2.0, -3.0), call=lambda f, x: f(0.7, 1.3, x)),
    case("hyp2f1", at(0.3, -0.4), call=lambda f, x: f(0.7, 1.3, 2.2, x)),
    case("hyp2f1", at(-2.0), call=lambda f, x: f(0.7, 1.3, 2.2, x), jax=False),  # there a series that diverges
    case("sph_harm_y", at(0.3, 1.2), at(0.1, 2.5),
         call=lambda f, t, p: f(np.array([1, 3]), np.array([-1, 2]), t, p)),
    case("bernoulli", call=lambda f: f(4), order=0, jax=False, id="4"),  # there in single precision
]  # fmt: skip

AXES = [
    case(n, GRID, options={"axis": axis}) for n in ("logsumexp", "softmax", "log_softmax") for axis in (None, 0, -1)
]
AXES += [
    case("logsumexp", GRID, real((3,), (0.5, 1.5)), options={"axis": 1, "keepdims": True}, id="b",
         call=lambda f, x, b, **o: f(x, b=b, **o)),
]  # fmt: skip

ROWS = [*ONE, *MORE, *AXES]
