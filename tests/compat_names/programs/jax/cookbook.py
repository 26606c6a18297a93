"""Gradients of a logistic model in every way: grad, value_and_grad, Jacobians, Hessian products, numerical checks."""

import jax
import jax.numpy as jnp
from jax import grad, hessian, jacfwd, jacrev, jit, jvp, random, value_and_grad, vjp, vmap
from jax.test_util import check_grads

key = random.key(0)
inputs = jnp.array([[0.52, 1.12, 0.77], [0.88, -1.08, 0.15], [0.52, 0.06, -1.30], [0.74, -2.49, 1.39]])
targets = jnp.array([True, True, False, True])
key, W_key, b_key = random.split(key, 3)
W = random.normal(W_key, (3,))
b = random.normal(b_key, ())


def sigmoid(x):
    return 0.5 * (jnp.tanh(x / 2) + 1)


def predict(W, b, inputs):
    return sigmoid(jnp.dot(inputs, W) + b)


def loss(W, b):
    preds = predict(W, b, inputs)
    label_probs = preds * targets + (1 - preds) * (1 - targets)
    return -jnp.sum(jnp.log(label_probs))


def loss2(params):
    return loss(params["W"], params["b"])


def f(W):
    return predict(W, b, inputs)


def hvp(f, primals, tangents):
    return jvp(grad(f), primals, tangents)[1]


def vmap_mjp(f, x, M):
    outs, vjp_fun = vjp(f, x)
    return outs, vmap(vjp_fun)(M)[0]


check_grads(loss, (W, b), order=2, atol=2e-2, rtol=2e-2)
U = random.normal(key, (2, inputs.shape[0]))
loss_value, Wb_grad = value_and_grad(loss, (0, 1))(W, b)
J, Jr = jacfwd(f)(W), jacrev(f)(W)
assert jnp.allclose(J, Jr, atol=1e-6)
assert jnp.allclose(hvp(lambda W: loss(W, b), (W,), (W,)), hessian(lambda W: loss(W, b))(W) @ W, atol=1e-5)


def complex_square(z):
    return jnp.sin(z) * z


x = 3.0 + 4j
perex = jit(vmap(grad(lambda p, x: predict(p, 0.0, x)), in_axes=(None, 0)))(W, inputs)
result = {
    "loss": loss_value,
    "grad": Wb_grad,
    "dict": grad(loss2)({"W": W, "b": b}),
    "jacobian": J,
    "hessian": hessian(f)(W),
    "mjp": vmap_mjp(f, W, U),
    "holomorphic": grad(complex_square, holomorphic=True)(x),
    "vjp": vjp(jnp.sin, x)[1](1.0 + 0j),
    "per_example": perex,
    "seventh": grad(grad(grad(jnp.tanh)))(2.0),
    "linearize": jax.linearize(jnp.sin, 0.5)[1](2.0),
}
