"""Linear systems solved by iteration, given as matrices and as functions of pytrees."""

import jax
import jax.numpy as jnp
from jax.scipy.sparse.linalg import bicgstab, cg, gmres

n = 6
square = jax.random.normal(jax.random.key(0), (n, n))
positive = square @ square.T + n * jnp.eye(n)
general = square + n * jnp.eye(n)
b = jnp.arange(1.0, n + 1)
tree = {"u": b[:2], "v": (b[2:].reshape(2, 2),)}


def on_tree(x):
    return jax.tree.map(lambda leaf: 3.0 * leaf, x)


def raised(function):
    try:
        function()
    except ValueError:
        return "ValueError"
    return "nothing"


solved = {
    "cg": cg(positive, b, tol=1e-6)[0],
    "bicgstab": bicgstab(general, b, tol=1e-6)[0],
    "gmres": gmres(general, b, tol=1e-6)[0],
    "restarted": gmres(lambda x: general @ x, b, tol=1e-6, restart=3, solve_method="incremental")[0],
    "started": cg(positive, b, x0=jnp.ones(n), M=lambda v: v / jnp.diag(positive), tol=1e-6)[0],
}
expected = {name: jnp.linalg.solve(positive if name in ("cg", "started") else general, b) for name in solved}
for name, found in solved.items():
    assert jnp.allclose(found, expected[name], atol=1e-4), name
result = {
    "information": [cg(positive, b)[1] is None, gmres(general, b)[1]],
    "tree": cg(on_tree, tree)[0],
    "one step": cg(positive, b, maxiter=1)[0],
    "gradient": jax.grad(lambda a: gmres(a, b, tol=1e-6)[0].sum())(general),
    "forward": jax.jvp(lambda a: bicgstab(a, b, tol=1e-6)[0], (general,), (square,))[1],
    "second": jax.jacfwd(jax.grad(lambda t: cg(t * positive, b, tol=1e-6)[0].sum()))(1.5),
    "batched": jax.vmap(lambda r: cg(positive, r, tol=1e-6)[0])(jnp.eye(n)),
    "raised": [
        raised(lambda: cg(jnp.ones((2, 3)), b)),
        raised(lambda: cg(positive, b, x0=jnp.ones(2))),
        raised(lambda: gmres(general, b, solve_method="none")),
    ],
}
