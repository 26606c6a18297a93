"""What loops and branches return is weak where it was weak at first and stayed so."""

import jax
import jax.numpy as jnp
from jax import lax

result = {
    "while": repr(lax.while_loop(lambda c: c < 10, lambda c: c + 1, 0)),
    "while strong": repr(lax.while_loop(lambda c: c < 10, lambda c: c + jnp.int32(1), 0)),
    "fori": repr(lax.fori_loop(0, 5, lambda i, c: c + i, 0)),
    "fori of float": repr(lax.fori_loop(0, 5, lambda i, c: c + i, 0.0)),
    "fori of a traced bound": str(jax.make_jaxpr(lambda n: lax.fori_loop(0, n, lambda i, c: c + i, 0))(3)),
    "scan": repr(lax.scan(lambda c, _: (c + 1, c * 2.0), 0.0, None, length=3)),
    "scan over strong": repr(lax.scan(lambda c, x: (c + x, x), 0.0, jnp.arange(3.0))),
    "cond": repr(lax.cond(True, lambda x: x * 2, lambda x: x + 1, 1.0)),
    "cond half strong": repr(lax.cond(True, lambda x: x * 2, lambda x: jnp.float32(1), 1.0)),
    "switch": repr(lax.switch(1, [lambda x: x, lambda x: x * 1.5], 2.0)),
    "in jit": repr(jax.jit(lambda n: lax.fori_loop(0, n, lambda i, c: c * 2.0, 1.0))(3)),
    "grad of scan": repr(jax.grad(lambda x: lax.scan(lambda c, _: (c * x, c), 1.0, None, length=3)[0])(2.0)),
    "grad of cond": repr(jax.grad(lambda x: lax.cond(x > 0, lambda y: y * y, lambda y: y, x))(2.0)),
    "jvp of while": repr(jax.jvp(lambda x: lax.while_loop(lambda c: c < 9.0, lambda c: c * 2.0, x), (1.0,), (1.0,))),
    "rows of while": repr(jax.vmap(lambda x: lax.while_loop(lambda c: c < 9, lambda c: c * 2, x))(jnp.arange(1, 4))),
}
