"""Plain NumPy as people write it: loops, branches, dictionaries of arrays, matrix products."""

import numpy as np

example_inputs = {
    "params": {
        "layers": [
            {"w": np.array([[0.1, -0.2, 0.3], [0.4, 0.5, -0.6]]), "b": np.zeros(3)},
            {"w": np.array([[0.7], [-0.8], [0.9]]), "b": np.zeros(1)},
        ],
    },
    "x": np.array([[1.0, 2.0], [0.5, -1.0]]),
    "y": np.array([0.3, -0.4]),
}


def predict(params, x):
    h = x
    last = len(params["layers"]) - 1
    for i, layer in enumerate(params["layers"]):
        h = h @ layer["w"] + layer["b"]
        if i < last:
            h = np.tanh(h)
    return h[:, 0]


def loss(params, x, y):
    """Mean squared error."""
    error = predict(params, x) - y
    return np.mean(error**2)


def leaky(x, slope=0.1):
    """Branches on its value."""
    if x > 0:
        return x * x
    return slope * x


def vector(w, x):
    return w * x


def rosenbrock(x):
    """Two variables in one vector."""
    return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


def broken(x):
    return x + undefined_name  # noqa: F821


def power(x, n=3):
    result = 1.0
    for _ in range(n):
        result = result * x
    return result


def noisy(x):
    print("the function was called")
    return x * x
