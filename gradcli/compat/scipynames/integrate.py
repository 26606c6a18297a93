"""``scipy.integrate``: integrals and initial value problems."""

from gradcli.compat.scipynames.initial import odeint, solve_ivp
from gradcli.compat.scipynames.quadrature import (
    cumtrapz,
    cumulative_trapezoid,
    fixed_quad,
    quad,
    simps,
    simpson,
    trapezoid,
    trapz,
)

__all__ = [
    "cumtrapz", "cumulative_trapezoid", "fixed_quad", "odeint", "quad", "simps", "simpson", "solve_ivp", "trapezoid",
    "trapz",
]  # fmt: skip
