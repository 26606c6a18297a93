"""L-BFGS steps with backtracking on Rosenbrock's function: how far from a target they end, by the starting point."""

from collections import deque

import numpy as np


def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def gradient(x):
    g = np.zeros_like(x)
    g[:-1] = -400 * x[:-1] * (x[1:] - x[:-1] ** 2) - 2 * (1 - x[:-1])
    g[1:] += 200 * (x[1:] - x[:-1] ** 2)
    return g


def direction(g, memory):
    q, alphas = g.copy(), []
    for s, y in reversed(memory):
        a = np.dot(s, q) / np.dot(y, s)
        alphas.append(a)
        q -= a * y
    if memory:
        s, y = memory[-1]
        q *= np.dot(s, y) / np.dot(y, y)
    for (s, y), a in zip(memory, reversed(alphas), strict=True):
        q += s * (a - np.dot(y, q) / np.dot(y, s))
    return -q


def distance(start, steps=3):
    x, memory = start, deque(maxlen=4)
    g = gradient(x)
    for _ in range(steps):
        d, t = direction(g, memory), 1.0
        while rosenbrock(x + t * d) > rosenbrock(x) + 1e-4 * t * np.dot(g, d):
            t /= 2
        new = x + t * d
        new_g = gradient(new)
        memory.append((new - x, new_g - g))
        x, g = new, new_g
    return np.linalg.norm(x - np.ones(len(start)))


example_inputs = {"start": np.array([-0.5, 0.8, 0.3])}
