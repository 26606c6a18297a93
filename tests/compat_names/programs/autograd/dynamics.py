"""Fixed points, an ODE, and functions of SciPy."""

import autograd.numpy as np
import autograd.scipy.stats as stats
from autograd import elementwise_grad, grad, jacobian
from autograd.builtins import tuple
from autograd.misc.fixed_points import fixed_point
from autograd.scipy import special
from autograd.scipy.integrate import odeint


def newton_sqrt_iter(a):
    return lambda x: 0.5 * (x + a / x)


def sqrt(a, guess=10.0):
    return fixed_point(newton_sqrt_iter, a, guess, lambda x, y: np.abs(x - y), 1e-12)


def lotka_volterra(y, t, a, b):
    return np.array([y[0] * (a - y[1]), y[1] * (y[0] - b)])


t = np.linspace(0.0, 2.0, 6)
y0 = np.array([1.0, 0.5])


def path(y0, a):
    return np.sum(odeint(lotka_volterra, y0, t, tuple((a, 0.8)), rtol=1e-9, atol=1e-9)[-1])


assert np.allclose(grad(sqrt)(2.0), 0.5 / np.sqrt(2.0))
x = np.array([0.5, 1.5, 2.5])
result = {
    "sqrt": [sqrt(2.0), grad(sqrt)(2.0), grad(grad(sqrt))(2.0)],
    "ode": [odeint(lotka_volterra, y0, t, tuple((1.1, 0.8)), rtol=1e-9, atol=1e-9), grad(path, 0)(y0, 1.1)],
    "ode_arg": grad(path, 1)(y0, 1.1),
    "special": [special.gammaln(x), elementwise_grad(special.gammaln)(x), elementwise_grad(special.erf)(x)],
    "logsumexp": [special.logsumexp(x), grad(special.logsumexp)(x)],
    "expit": elementwise_grad(special.expit)(x),
    "norm": [stats.norm.logpdf(x, 0.5, 2.0), grad(lambda s: np.sum(stats.norm.logpdf(x, 0.5, s)))(2.0)],
    "cdf": elementwise_grad(stats.norm.cdf)(x),
    "gamma": jacobian(lambda a: stats.gamma.logpdf(x, a))(2.0),
    "beta": grad(lambda a: stats.beta.logpdf(0.3, a, 2.0))(1.5),
    "poisson": grad(lambda m: stats.poisson.logpmf(3, m))(1.5),
    "t": grad(lambda m: stats.t.logpdf(0.3, 4.0, m))(0.1),
}
