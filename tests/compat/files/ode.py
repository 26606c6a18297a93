"""The Lotka-Volterra equations by Dormand-Prince steps whose size adapts to the error."""

import numpy as np

A = [
    [],
    [1 / 5],
    [3 / 40, 9 / 40],
    [44 / 45, -56 / 15, 32 / 9],
    [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
    [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656],
    [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
]
B4 = np.array([5179 / 57600, 0, 7571 / 16695, 393 / 640, -92097 / 339200, 187 / 2100, 1 / 40])


def step(f, t, y, h):
    k = np.zeros((7, len(y)))
    for i, row in enumerate(A):
        yi = y.copy()
        for j, a in enumerate(row):
            yi += h * a * k[j]
        k[i] = f(t, yi)
    y5 = y + h * sum(a * k[j] for j, a in enumerate(A[-1]))
    return y5, y + h * (B4 @ k)


def integrate(f, y, t1, tol=1e-4):
    t, h = 0.0, 0.2
    while t < t1:
        h = min(h, t1 - t)
        y5, y4 = step(f, t, y, h)
        error = float(np.linalg.norm(y5 - y4))
        if error <= tol:
            t, y = t + h, y5
        h *= 0.9 * min(2.0, max(0.3, (tol / float(f"{error + 1e-12:.6e}")) ** 0.2))
    return y


def final(alpha, beta, t1=1.5):
    def f(t, y):
        prey, predator = y
        return np.array([alpha * prey - beta * prey * predator, 0.4 * prey * predator - predator])

    return np.sum(integrate(f, np.array([1.0, 0.5]), t1) ** 2)


example_inputs = {"alpha": 1.1, "beta": 0.6}
