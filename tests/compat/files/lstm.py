"""An LSTM cell run over a sequence, its states kept in arrays that are filled row by row."""

import numpy as np

rng = np.random.default_rng(3)
SEQUENCE = rng.normal(size=(6, 2))
TARGET = np.sin(np.arange(6.0))


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def loss(W, U, b, v):
    hidden = U.shape[1]
    T = len(SEQUENCE)
    H = np.zeros((T + 1, hidden))
    C = np.zeros((T + 1, hidden))
    for t in range(T):
        z = W @ SEQUENCE[t] + U @ H[t] + b
        i, f, o, g = np.split(z, 4)
        C[t + 1] = sigmoid(f + 1.0) * C[t] + sigmoid(i) * np.tanh(g)
        H[t + 1] = sigmoid(o) * np.tanh(C[t + 1])
    predicted = H[1:] @ v
    return np.mean((predicted - TARGET) ** 2) + 1e-3 * sum(np.sum(p**2) for p in (W, U, v))


example_inputs = {
    "W": 0.3 * rng.normal(size=(12, 2)),
    "U": 0.3 * rng.normal(size=(12, 3)),
    "b": np.zeros(12),
    "v": rng.normal(size=3),
}
