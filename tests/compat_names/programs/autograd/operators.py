"""Every differential operator, on arrays, numbers and containers."""

import autograd.numpy as np
from autograd import (
    deriv,
    elementwise_grad,
    grad,
    grad_and_aux,
    grad_named,
    hessian,
    hessian_tensor_product,
    hessian_vector_product,
    holomorphic_grad,
    jacobian,
    make_ggnvp,
    make_hvp,
    make_jvp,
    make_vjp,
    tensor_jacobian_product,
    value_and_grad,
)  # fmt: skip
from autograd.test_util import check_grads

x = np.array([0.3, -0.7, 1.2])
v = np.array([1.0, 2.0, -1.0])
M = np.array([[1.0, 2.0, 3.0], [0.5, -1.0, 2.0]])


def tanh(x):
    return (1.0 - np.exp(-2 * x)) / (1.0 + np.exp(-2 * x))


def f(x):
    return np.sum(np.sin(x) * np.exp(-(x**2)))


def g(x):
    return np.dot(M, np.tanh(x))


def relu_loop(x):
    total = 0.0
    for i in range(len(x)):
        if x[i] > 0:
            total = total + x[i] ** 2
    return total


def tree(params):
    total = 0.0
    for w, b in params["layers"]:
        total = total + np.sum(np.dot(w, x) + b)
    return total * params["scale"]


params = {"scale": 2.0, "layers": [(M, np.array([1.0, 2.0])), (M * 2, np.array([0.0, 1.0]))]}
assert np.allclose(grad(relu_loop)(x), np.where(x > 0, 2 * x, 0))
assert isinstance(grad(f)(x), np.ndarray)
check_grads(f, modes=["rev", "fwd"], order=2)(x)
check_grads(lambda a, b: np.sum(a * b), (0, 1), modes=["rev"], order=2)(x, v)
gradient = grad(f)(x)
gradient[0] = 5.0
vjp, value = make_vjp(g)(x)
hvp, at = make_hvp(f)(x)
result = {
    "tanh": [grad(tanh)(1.0), grad(grad(grad(tanh)))(1.0), elementwise_grad(elementwise_grad(tanh))(x)],
    "grad": grad(f)(x),
    "loop": grad(relu_loop)(x),
    "value": value_and_grad(f)(x),
    "jacobian": jacobian(g)(x),
    "hessian": hessian(f)(x),
    "matrix": jacobian(lambda A: np.dot(A, A.T))(M),
    "vjp": [vjp(np.array([1.0, -1.0])), value],
    "jvp": make_jvp(g)(x)(v),
    "hvp": [hvp(v), at, hessian_vector_product(f)(x, v), hessian_tensor_product(f)(x, v)],
    "tjp": tensor_jacobian_product(g)(x, np.array([1.0, 2.0])),
    "ggn": make_ggnvp(g)(x)(v),
    "tuple": grad(lambda a, b: np.sum(a * b**2), (0, 1))(x, v),
    "named": grad_named(lambda a, b: np.sum(a * b**2), "b")(x, v),
    "aux": grad_and_aux(lambda a: (np.sum(a**2), a * 2))(x),
    "tree": grad(tree)(params),
    "deriv": deriv(lambda t: np.sin(t) * t)(0.5),
    "holomorphic": holomorphic_grad(lambda z: z**2 * np.exp(z))(1.0 + 2.0j),
    "complex": grad(lambda z: np.real(z * np.conj(z)) + np.imag(z**2))(1.0 + 2.0j),
    "mutated": gradient,
    "second argument": grad(lambda a, n: a**n, 0)(2.0, 3),
    "logsumexp": grad(lambda a: np.log(np.sum(np.exp(a - np.max(a)))) + np.max(a))(x),
    "sorted": grad(lambda a: np.sum(np.sort(a) * v))(x),
    "linalg": [
        grad(lambda a: np.linalg.slogdet(a)[1])(M @ M.T),
        grad(lambda a: np.sum(np.linalg.solve(a, np.array([1.0, 2.0]))))(M @ M.T),
        grad(lambda a: np.sum(np.linalg.inv(a)))(M @ M.T),
    ],
    "arrays": grad(lambda a: np.sum(np.array([a[0] * a[1], a[2], 1.0]) ** 2))(x),
    "einsum": grad(lambda a: np.sum(np.einsum("ij,j->i", M, a) ** 2))(x),
    "fft": grad(lambda a: np.sum(np.abs(np.fft.fft(a)) ** 2))(x),
    "indexing": grad(lambda a: np.sum(a[np.array([0, 0, 2])] * a[::-1]))(x),
}
