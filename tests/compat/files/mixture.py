"""A Gaussian mixture: the log likelihood after a few steps of expectation and maximisation."""

import numpy as np

DATA = np.array([-2.1, -1.9, -1.5, 0.8, 1.2, 1.1, 3.9])


def log_density(x, mean, var):
    return -0.5 * (np.log(2 * np.pi * var) + (x - mean) ** 2 / var)


def logsumexp(a, axis):
    top = np.max(a, axis=axis, keepdims=True)
    return np.squeeze(top, axis) + np.log(np.sum(np.exp(a - top), axis=axis))


def loglik(means, spread):
    k = len(means)
    weights = np.ones(k) / k
    variances = np.full(k, spread)
    for _ in range(3):
        logs = np.empty((len(DATA), k))
        for j in range(k):
            logs[:, j] = np.log(weights[j]) + log_density(DATA, means[j], variances[j])
        resp = np.exp(logs - logsumexp(logs, 1)[:, None])
        total = resp.sum(axis=0)
        weights = total / len(DATA)
        means = (resp.T @ DATA) / total
        variances = np.array([np.sum(resp[:, j] * (DATA - means[j]) ** 2) / total[j] + 0.1 for j in range(k)])
    return np.sum(logsumexp(logs, 1))


example_inputs = {"means": np.array([-1.0, 0.5, 2.0]), "spread": 1.3}
