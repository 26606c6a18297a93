"""Rows of matrix products, Hessians and Jacobians: the usual objectives of machine learning and vision.

The mixture of Gaussians, bundle adjustment, k-means and log-sum-exp are objectives of the GradBench suite, written here
from their formulas; sizes are of a few milliseconds.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tests.benchmarks.peers import Function, Peer, contenders
from tests.benchmarks.rows import Group, Plan, Row, Scale, Target

ALL = ("gradcli", "jax", "autograd")


def mlp(weights: Any, x: Any, target: Any, np: Any) -> Any:
    """Mean cross-entropy of a network with tanh layers; ``target`` holds one-hot rows."""
    for w, b in weights[:-1]:
        x = np.tanh(np.dot(x, w) + b)
    w, b = weights[-1]
    scores = np.dot(x, w) + b
    top = np.max(scores, axis=1, keepdims=True)
    logarithm = top + np.log(np.sum(np.exp(scores - top), axis=1, keepdims=True))
    return np.mean(np.sum(target * (logarithm - scores), axis=1))


def logsumexp(x: Any, np: Any, axis: int | None = None) -> Any:
    top = np.max(x, axis=axis, keepdims=True)
    return np.log(np.sum(np.exp(x - top), axis=axis)) + np.squeeze(top, axis=axis)


def gmm(alphas: Any, means: Any, icf: Any, x: Any, spread: Any, np: Any) -> Any:
    """Log likelihood of a mixture of Gaussians with a Wishart prior (without its constants).

    icf: for each component the logarithms of the diagonal, then the lower triangle, of a factor of the inverse
    covariance. spread: the constant matrix that puts the triangle's entries in their places.
    """
    n, d = x.shape
    k = alphas.shape[0]
    logs = icf[:, :d]
    diagonal, lower = np.exp(logs), np.reshape(np.dot(icf[:, d:], spread), (k, d, d))
    centred = x[:, None, :] - means[None, :, :]
    mapped = diagonal[None] * centred + np.einsum("kij,nkj->nki", lower, centred)
    terms = alphas + np.sum(logs, axis=1) - 0.5 * np.sum(mapped**2, axis=2)
    prior = 0.5 * (np.sum(diagonal**2) + np.sum(icf[:, d:] ** 2)) - np.sum(logs)
    return np.sum(logsumexp(terms, np, axis=1)) - n * logsumexp(alphas, np) - prior


def reprojection(camera: Any, point: Any, weight: Any, seen: Any, np: Any) -> Any:
    """The weighted error of one observation: rotation by Rodrigues' formula, radial distortion, pinhole.

    camera: rotation (3), centre (3), focal length, principal point (2), distortion (2).
    """
    r, moved = camera[:3], point - camera[3:6]
    angle2 = np.sum(r**2)
    angle = np.sqrt(angle2)
    axis = r / angle
    cos, sin = np.cos(angle), np.sin(angle)
    cross = np.stack([
        axis[1] * moved[2] - axis[2] * moved[1],
        axis[2] * moved[0] - axis[0] * moved[2],
        axis[0] * moved[1] - axis[1] * moved[0],
    ])  # fmt: skip
    turned = moved * cos + cross * sin + axis * (np.sum(axis * moved) * (1.0 - cos))
    flat = turned[:2] / turned[2]
    radius2 = np.sum(flat**2)
    distorted = flat * (1.0 + camera[9] * radius2 + camera[10] * radius2**2)
    return weight * (camera[6] * distorted + camera[7:9] - seen)


def kmeans(centres: Any, points: Any, np: Any) -> Any:
    """The sum of squared distances to the nearest centre."""
    distances = np.sum((points[:, None, :] - centres[None, :, :]) ** 2, axis=2)
    return np.sum(np.min(distances, axis=1))


def rosenbrock(x: Any, np: Any) -> Any:
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def logistic(w: Any, x: Any, y: Any, np: Any) -> Any:
    return np.mean(np.log1p(np.exp(-y * np.dot(x, w)))) + 0.01 * np.sum(w**2)


def layer(x: Any, w: Any, np: Any) -> Any:
    return np.tanh(np.dot(w, x))


def pointwise(x: Any, np: Any) -> Any:
    return np.sin(x) * np.exp(-x)


def _gradient(f: Function, of: int = 1) -> Any:
    """Builds the jitted gradient by the first ``of`` arguments."""
    return lambda p: p.jit(p.grad(lambda *args: f(*args, p.np), tuple(range(of)) if of > 1 else 0))


def _networks(scale: Scale) -> list[Row]:
    rows = []
    sizes, batch = [scale.size(n) for n in (784, 512, 256, 10)], scale.size(512)
    for dtype, short in (("float64", "f64"), ("float32", "f32")):
        rng = np.random.default_rng(0)
        weights = [
            (rng.normal(0, 1 / math.sqrt(m), (m, n)).astype(dtype), rng.normal(0, 0.1, n).astype(dtype))
            for m, n in zip(sizes, sizes[1:], strict=False)
        ]
        x = rng.normal(size=(batch, sizes[0])).astype(dtype)
        target = np.eye(sizes[-1], dtype=dtype)[rng.integers(0, sizes[-1], batch)]
        tolerance = 1e-9 if short == "f64" else 1e-3
        rows.append(_row(f"mlp-{short}", _gradient(mlp), weights, x, target, tolerance=tolerance))
    return rows


def _row(name: str, build: Any, *inputs: Any, names: tuple[str, ...] = ALL, tolerance: float = 1e-9) -> Row:
    return Row(
        name, "ms", contenders(build, *inputs, names=names), (Target("jax", 1.0),), tolerance=tolerance, group="matrix"
    )


def _mixture(scale: Scale) -> Row:
    d, k, n = scale.size(10), scale.size(25), scale.size(1000)
    rng = np.random.default_rng(1)
    below = np.tril_indices(d, -1)
    spread = np.zeros((len(below[0]), d * d))
    spread[np.arange(len(below[0])), below[0] * d + below[1]] = 1.0
    icf = rng.normal(0, 0.3, (k, d + len(below[0])))
    inputs = (rng.normal(size=k), rng.normal(size=(k, d)), icf, rng.normal(size=(n, d)), spread)
    return _row("gmm", _gradient(gmm, 3), *inputs)


def _bundle(scale: Scale) -> Row:
    n, rng = scale.size(5_000), np.random.default_rng(2)
    cameras = np.concatenate([
        rng.normal(0, 0.3, (n, 3)), rng.normal(0, 1, (n, 2)), rng.normal(-10, 1, (n, 1)), rng.normal(500, 20, (n, 1)),
        rng.normal(0, 1, (n, 2)), rng.normal(0, 0.01, (n, 2)),
    ], axis=1)  # fmt: skip
    points, weights, seen = rng.normal(size=(n, 3)), rng.uniform(0.5, 1, n), rng.normal(0, 50, (n, 2))

    def build(p: Peer) -> Function:
        one = p.jacrev(lambda c, x, w, s: reprojection(c, x, w, s, p.np), (0, 1, 2))
        f: Function = p.jit(p.vmap(one))
        return f

    return _row("bundle-adjustment", build, cameras, points, weights, seen, names=("gradcli", "jax"))


def matrices(scale: Scale) -> Plan:
    """All rows; together they must be as fast as ``jax.jit``."""
    rng, size = np.random.default_rng(3), scale.size
    points, centres = rng.normal(size=(size(5_000), size(8))), rng.normal(size=(size(20), size(8)))
    x, labels = rng.normal(size=(size(1_000), size(200))), rng.choice([-1.0, 1.0], size(1_000))
    square = rng.normal(0, 0.05, (size(500), size(500)))
    at = rng.normal(size=size(500))

    def hessian(f: Function) -> Any:
        return lambda p: p.jit(p.hessian(lambda *args: f(*args, p.np)))

    def jacobian(f: Function, mode: str) -> Any:
        return lambda p: p.jit(getattr(p, mode)(lambda *args: f(*args, p.np)))

    rows = [
        *_networks(scale),
        _mixture(scale),
        _bundle(scale),
        _row("kmeans", _gradient(kmeans), centres, points),
        _row("logsumexp", _gradient(logsumexp), rng.normal(size=size(300_000))),
        _row("hessian-rosenbrock-100", hessian(rosenbrock), rng.normal(size=size(100))),
        _row("hessian-logistic-200", hessian(logistic), rng.normal(0, 0.1, size(200)), x, labels),
        _row("jacrev-500", jacobian(layer, "jacrev"), at, square),
        _row("jacfwd-500", jacobian(layer, "jacfwd"), at, square, names=("gradcli", "jax")),
        _row("jacrev-500-pointwise", jacobian(pointwise, "jacrev"), at),
    ]
    return Plan(tuple(rows), groups=(Group("matrix", (Target("jax", 1.0),)),))
