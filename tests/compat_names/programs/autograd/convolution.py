"""Convolutions along some axes with contraction along others, as in a convolutional network."""

import autograd.numpy as np
from autograd import grad
from autograd.scipy.signal import convolve

rs = np.random.RandomState(1)
images, kernels = rs.randn(2, 3, 6, 5), rs.randn(3, 4, 3, 2)


def layer(kernels, mode):
    return convolve(images, kernels, axes=([2, 3], [2, 3]), dot_axes=([1], [0]), mode=mode)


result = {
    "full": layer(kernels, "full"),
    "valid": layer(kernels, "valid"),
    "plain": convolve(images[0, 0], kernels[0, 0]),
    "grad": grad(lambda k: np.sum(layer(k, "valid") ** 2))(kernels),
    "line": grad(lambda a: np.sum(convolve(a, np.array([1.0, 2.0, 3.0]), mode="full") ** 2))(np.array([1.0, 2.0])),
}
