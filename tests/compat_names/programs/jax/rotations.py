"""Rotations in space and between them."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.spatial.transform import Rotation, Slerp

rng = np.random.default_rng(0)
quats = jnp.asarray(rng.normal(size=(6, 4)), jnp.float32)
vectors = jnp.asarray(rng.normal(size=(6, 3)), jnp.float32)
r = Rotation.from_quat(quats)
angles = jnp.array([0.3, -1.1, 0.7])
orders = ["".join(p) for n in (1, 2, 3) for p in itertools.product("xyz", repeat=n) if all(map(str.__ne__, p, p[1:]))]
orders += [o.upper() for o in orders]
full = [o for o in orders if len(o) == 3]
flat = Rotation.from_euler("xyz", jnp.array([0.4, jnp.pi / 2, 0.0]))
matrices = jnp.stack([jnp.diag(jnp.array(d)) for d in ([1.0, -1, -1], [-1.0, 1, -1], [-1.0, -1, 1], [1.0, 1, 1])])
times = jnp.arange(6.0) * jnp.array([1.0, 1.5, 1.2, 1.1, 1.3, 1.0])
slerp = Slerp.init(times, r)


def reached(joints):
    """The end of an arm of three links."""
    end, turn = jnp.zeros(3), Rotation.identity()
    for axis, angle in zip("zyx", joints, strict=True):
        turn = turn * Rotation.from_euler(axis, angle)
        end = end + turn.apply(jnp.array([1.0, 0.2, -0.1]))
    return end


def error(v):
    near = Rotation.from_rotvec(v) * r[0].inv()
    return near.magnitude() ** 2 + jnp.sum(near.as_matrix() * jnp.arange(9.0).reshape(3, 3)) + near.as_euler("ZYX")[1]


result = {
    "quat": [r.as_quat(), r.as_quat(canonical=True), r.as_quat(scalar_first=True), r[2].quat, len(r), r.single],
    "from euler": [Rotation.from_euler(o, angles[: len(o)]).as_quat() for o in orders],
    "degrees": [Rotation.from_euler("zx", jnp.array([30.0, 60.0]), degrees=True).as_rotvec(degrees=True)],
    "as euler": [r.as_euler(o) for o in full] + [r.as_euler("XYX", degrees=True)],
    "degenerate": [flat.as_quat(), Rotation.identity().as_euler("zxz"), Rotation.identity().as_euler("XYZ")],
    "matrix": [r.as_matrix(), Rotation.from_matrix(r.as_matrix()).as_matrix()],
    "turns": Rotation.from_matrix(matrices).as_quat(),
    "rotvec": [r.as_rotvec(), Rotation.from_rotvec(vectors).as_quat()],
    "small": Rotation.from_rotvec(vectors * 1e-4).as_rotvec(),
    "mrp": [r.as_mrp(), Rotation.from_mrp(vectors).as_quat()],
    "apply": [r.apply(vectors), r.apply(vectors, inverse=True), r[0].apply(vectors), r.inv().apply(vectors[0])],
    "product": [(r * r[0]).as_quat(), (r[1:] * r[:-1].inv()).magnitude(), Rotation.concatenate([r[:2], r[4:]]).quat],
    "mean": [r.mean().as_matrix(), r.mean(jnp.arange(1.0, 7.0)).as_matrix()],
    "slerp": [slerp(2.5).as_quat(), slerp(jnp.array([0.0, 0.3, 2.9, 5.0])).as_matrix(), slerp(times).as_matrix()],
    "arm": [reached(angles), jax.jacobian(reached)(angles), jax.jit(jax.vmap(reached))(vectors)],
    "grad": [jax.grad(error)(vectors[0]), jax.jit(jax.hessian(error))(vectors[1])],
    "through": jax.grad(lambda t: jnp.sum(slerp(t).apply(vectors[0]) * angles))(2.2),
    "tree": [jax.tree.map(lambda q: q * 2, r).quat, jax.vmap(lambda one: one.as_mrp())(r)],
}
