"""Dynamic time warping, plain and soft, of two series, with the table filled cell by cell."""

import math

import numpy as np


def softmin(values, gamma):
    low = min(values)
    return low - gamma * math.log(sum(math.exp(-(v - low) / gamma) for v in values))


def dtw(a, b, gamma=0.0):
    n, m = len(a), len(b)
    D = np.full((n + 1, m + 1), np.inf)
    D[0, 0] = 0
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            cost = (a[i - 1] - b[j - 1]) ** 2
            before = [D[i - 1, j], D[i, j - 1], D[i - 1, j - 1]]
            finite = [v for v in before if v < np.inf]
            D[i, j] = cost + (softmin(finite, gamma) if gamma else min(finite))
    return D[n, m]


def main(a, b):
    return dtw(a, b) + dtw(a, b, gamma=0.5)


example_inputs = {"a": np.array([0.0, 0.5, 1.0, 0.2]), "b": np.array([0.1, 0.9, 1.1, 0.4, 0.0])}
