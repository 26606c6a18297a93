"""A small network by maximum a posteriori, with containers as parameters and autograd's own optimizers."""

import autograd.numpy as np
import autograd.numpy.random as npr
from autograd import grad
from autograd.misc import flatten
from autograd.misc.flatten import flatten_func
from autograd.misc.optimizers import adam, rmsprop, sgd
from autograd.scipy.special import logsumexp
from autograd.scipy.stats import norm

rs = npr.RandomState(0)
sizes = [3, 5, 2]
init = [(rs.randn(m, n) * 0.1, rs.randn(n) * 0.1) for m, n in zip(sizes[:-1], sizes[1:], strict=True)]
inputs = rs.randn(12, 3)
labels = (inputs[:, 0] > 0).astype(int)
targets = np.eye(2)[labels]


def predict(params, inputs):
    for w, b in params:
        outputs = np.dot(inputs, w) + b
        inputs = np.tanh(outputs)
    return outputs - logsumexp(outputs, axis=1, keepdims=True)


def log_posterior(params, i=0):
    flat, _ = flatten(params)
    return np.sum(norm.logpdf(flat, 0, 1.0)) + np.sum(predict(params, inputs) * targets)


def objective(params, i):
    return -log_posterior(params)


calls = []
trained = adam(grad(objective), init, step_size=0.05, num_iters=20, callback=lambda p, i, g: calls.append(i))
assert objective(trained, 0) < objective(init, 0)
flat_objective, unflatten, flat_init = flatten_func(lambda p: [objective(p, 0)], init)


class Adder:
    def __init__(self, start):
        self.weights = start

    def loss(self, weights):
        return np.mean((np.dot(inputs, weights) - inputs[:, 1]) ** 2)

    def step(self):
        self.weights -= 0.1 * grad(self.loss)(self.weights)
        return self.loss(self.weights)


adder = Adder(np.ones(3))
result = {
    "losses": [objective(init, 0), objective(trained, 0)],
    "gradient": grad(objective)(init, 0),
    "rmsprop": rmsprop(grad(lambda p, i: np.sum(p**2)), np.ones(2), num_iters=10),
    "sgd": sgd(grad(lambda p, i: np.sum(p["a"] ** 2)), {"a": np.ones(2)}, num_iters=10),
    "flat": flat_objective(flat_init),
    "calls": len(calls),
    "adder": [adder.step() for _ in range(5)],
}
