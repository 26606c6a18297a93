"""A neural net of classes, trained by hand-written backpropagation with momentum; loss after training, by step size."""

import numpy as np

np.random.seed(7)


class Layer:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out) / np.sqrt(n_in)
        self.b = np.zeros(n_out)
        self.velocity = np.zeros((n_in, n_out))

    def forward(self, x):
        self.x = x
        self.z = x @ self.W + self.b
        return np.tanh(self.z)

    def backward(self, grad, lr, momentum):
        dz = grad * (1 - np.tanh(self.z) ** 2)
        back = dz @ self.W.T
        self.velocity *= momentum
        self.velocity += self.x.T @ dz
        self.W -= lr * self.velocity
        self.b -= lr * dz.sum(axis=0)
        return back


class Net:
    def __init__(self, sizes):
        self.layers = [Layer(a, b) for a, b in zip(sizes[:-1], sizes[1:], strict=True)]

    def __call__(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x


def after_training(lr, momentum=0.5, epochs=4):
    net = Net([2, 5, 1])
    x = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
    y = np.array([[0.1], [0.9], [0.9], [0.1]])
    history = []
    for _ in range(epochs):
        grad = 2 * (net(x) - y) / len(x)
        for layer in reversed(net.layers):
            grad = layer.backward(grad, lr, momentum)
        history.append(np.mean((net(x) - y) ** 2))
    return min(history[-1], history[0])


example_inputs = {"lr": 0.1, "momentum": 0.5}
