"""``autograd.scipy.integrate.odeint`` by the solver of :mod:`gradcli.compat.jaxnames.ode`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradcli.compat.autogradnames.values import floats, plain
from gradcli.compat.jaxnames import ode

_STANDARD = 1.49012e-8  # the tolerance that SciPy takes where none is given


def odeint(
    func: Callable[..., Any], y0: Any, t: Any, args: Any = (), rtol: float | None = None, atol: float | None = None,
    mxstep: int = 0, hmax: float = 0.0, tfirst: bool = False,
) -> Any:  # fmt: skip
    """The solution of ``dy/dt = func(y, t, *args)`` at the times ``t``; it can be differentiated by y0, t and args.

    Options are SciPy's; 0 for ``mxstep`` and ``hmax`` means no limit.
    """

    def slope(y: Any, s: Any, *rest: Any) -> Any:
        out = func(s, y, *rest) if tfirst else func(y, s, *rest)
        return np.stack(out) if isinstance(out, (list, tuple)) else out

    rest = tuple(floats(a) for a in (args if isinstance(args, (list, tuple)) else (args,)))
    out = ode.odeint(
        slope, floats(y0), floats(t), *rest, rtol=rtol or _STANDARD, atol=atol or _STANDARD,
        mxstep=mxstep or np.inf, hmax=hmax or np.inf,
    )  # fmt: skip
    return plain(out)
