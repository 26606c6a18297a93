"""Newton's method for a system of equations, until it has converged: the solution as a function of the parameters."""

import numpy as np


def residual(u, p):
    out = np.zeros(3)
    out[0] = u[0] ** 2 + p * u[1] - 2.0
    out[1] = np.sin(u[1]) + u[2] * u[0] - 0.5
    out[2] = np.exp(-u[2]) + u[0] - p
    return out


def jacobian(u, p):
    J = np.zeros((3, 3))
    J[0, :2] = 2 * u[0], p
    J[1] = [u[2], np.cos(u[1]), u[0]]
    J[2, 0] = 1.0
    J[2, 2] = -np.exp(-u[2])
    return J


def solve(p, guess, tol=1e-12):
    u, steps = np.copy(guess), 0
    while True:
        r = residual(u, p)
        if np.max(np.abs(r)) < tol or steps > 30:
            return u, steps
        u -= np.linalg.solve(jacobian(u, p), r)
        steps += 1


def main(p):
    u, steps = solve(p, np.array([1.0, 0.5, 0.1]))
    assert steps < 30, "no convergence"
    return u @ np.arange(1.0, 4.0)


example_inputs = {"p": 2.0}
