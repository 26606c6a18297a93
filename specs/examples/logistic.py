"""Logistic regression in plain NumPy: nothing of gradcli in it."""

import numpy as np

rng = np.random.default_rng(0)
X = rng.normal(size=(20, 2))

example_inputs = {
    "params": {"w": np.array([0.5, -0.25]), "b": 0.1},
    "X": X,
    "y": (X[:, 0] - X[:, 1] > 0).astype(float),
}


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def loss(params, X, y):
    """Mean cross-entropy with a small penalty on the weights."""
    p = sigmoid(X @ params["w"] + params["b"])
    entropy = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    return entropy + 0.01 * np.sum(params["w"] ** 2)
