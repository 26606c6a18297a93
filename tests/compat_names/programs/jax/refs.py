"""Mutable refs: read and written alone, in compiled functions, loops and branches, in batches and under derivatives."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

result = {}

# --- alone ------------------------------------------------------------------------------------------------------------
ref = jax.new_ref(jnp.arange(12.0).reshape(3, 4))
ref[1] = ref[0]
ref[2, 3] = ref[1, 2]
ref[0, :3] = ref[:, 1]
ref[jnp.array([1, 2, 1]), jnp.array([0, 0, 1])] = ref[jnp.array([0, 0, 1]), jnp.array([1, 2, 3])]
ref[:, 2] *= 3.0
result["parts"] = ref[...]
result["swapped"] = jax.ref.swap(ref, (0, 1), jnp.float32(7.0))
jax.ref.addupdate(ref, 2, jnp.ones(4))
jax.ref.set(ref, (1, 1), 5.0)
result["functions"] = [jax.ref.get(ref, 1), jax.freeze(ref)]
result["attributes"] = [ref.shape, ref.ndim, ref.size, str(ref.dtype), len(ref), str(jax.typeof(ref))]
result["shown"] = repr(jax.new_ref(jnp.zeros(3)))

# --- in compiled functions --------------------------------------------------------------------------------------------
counter = jax.new_ref(0)


@jax.jit
def count(step):
    counter[...] += step
    return counter[...] * 10


result["closure"] = [count(2), count(3), counter[...]]
counter[...] = 100
result["closure again"] = [count(1), counter[...]]


@jax.jit
def read_only(x):
    return x + counter[...]


result["read"] = [read_only(1), (counter.__setitem__(..., 7), read_only(1))[1]]


def into(x, out):
    out[...] = 2.0 * x


out_ref = jax.new_ref(jnp.zeros(3))
jax.jit(into)(jnp.arange(3.0), out_ref)
result["argument"] = out_ref[...]


@jax.jit
def inside(x):
    ref = jax.new_ref(x)
    ref[...] = ref[...] + ref[...]
    return jax.freeze(ref)


result["inside"] = [inside(3.0), jax.grad(inside)(3.0), jax.vmap(inside)(jnp.arange(3.0))]

# --- in loops and branches --------------------------------------------------------------------------------------------
cells = jax.new_ref(jnp.zeros(5))
lax.fori_loop(0, 5, lambda i, _: cells.__setitem__(i, cells[i - 1] + i), None)
result["fori"] = cells[...]


def step(c, x):
    cells[0] += x
    return c + cells[0], cells[...].sum()


result["scan"] = [lax.scan(step, 0.0, jnp.arange(4.0)), cells[...]]
total = jax.new_ref(0.0)


def grows(c):
    total[...] += c
    return c + 1.0


result["while"] = [lax.while_loop(lambda c: c < 4.0, grows, 1.0), total[...]]
for flag in (True, False):
    lax.cond(flag, lambda: cells.__setitem__(1, 9.0), lambda: total.__setitem__(..., -1.0))
    result[f"cond {flag}"] = [cells[1], total[...]]


def nested(c, x):
    lax.scan(lambda _, y: (None, total.__setitem__(..., total[...] + x * y)), None, jnp.arange(3.0))
    return c, total[...]


result["nested"] = jax.jit(lambda: lax.scan(nested, 0.0, jnp.arange(4.0))[1])()

# --- in batches -------------------------------------------------------------------------------------------------------
rows = jax.new_ref(jnp.zeros((2, 3)))
jax.vmap(into, in_axes=1)(jnp.arange(6.0).reshape(2, 3), rows)
result["vmap"] = rows[...]
result["vmap reads"] = jax.vmap(lambda x: x * total[...])(jnp.arange(3.0))


# --- under derivatives ------------------------------------------------------------------------------------------------
def normalized(x):
    acc = jax.new_ref(0.0)
    for i in range(3):
        acc[...] += x[i] ** 2
    return x / jnp.sqrt(acc[...])


result["gradient"] = jax.jacobian(normalized)(jnp.arange(1.0, 4.0))
log = jax.new_ref(0.0)


def logged(x):
    y = jnp.sin(x) * x
    log[...] += lax.stop_gradient(y)
    return y


result["log"] = [jax.grad(logged)(2.0), jax.jit(jax.grad(logged))(3.0), log[...]]
result["jvp"] = jax.jvp(lambda x: x * log[...], (2.0,), (1.0,))


@jax.custom_vjp
def stash(grads, x):
    return x


def stash_backward(grads, g):
    grads[...] = g
    return None, g


stash.defvjp(lambda grads, x: (x, grads), stash_backward)
kept = jax.new_ref(0.0)
result["stash"] = [jax.grad(lambda x: jnp.sin(stash(kept, x)) ** 2)(1.0), kept[...]]


def highpass(xs, alpha=0.9):
    xs_ref, y_ref = jax.new_ref(xs), jax.new_ref(0.0)

    def filtered(_, n):
        y_ref[...] = alpha * (y_ref[...] + xs_ref[n] - xs_ref[n - 1])
        return None, y_ref[...]

    return lax.scan(filtered, None, jnp.arange(1, len(xs)))[1]


xs = jnp.sin(jnp.arange(8.0)) + jnp.arange(8.0) / 4
result["filter"] = [highpass(xs), jax.grad(lambda v: (highpass(v) ** 2).sum())(xs)]

grads = jax.new_ref(jnp.zeros(4))
for i in (1, 3, 1):
    jax.vjp(jax.jit(lambda x, i: x[i] * 2.0), jnp.arange(4.0), i)[1].with_refs(grads, jax.ad.GradValue())(1.0)
result["accumulated"] = grads[...]

sums = jax.new_ref(jnp.zeros((2, 2)))


def microbatch(_, rows):
    out, pull = jax.vjp(lambda w: jnp.tanh(rows @ w).sum(), jnp.eye(2))
    pull.with_refs(sums)(jnp.ones_like(out))
    return None, out


_, losses = lax.scan(microbatch, None, jnp.asarray(np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 2, 2)))
result["microbatches"] = [losses, jax.freeze(sums)]


# --- refusals ---------------------------------------------------------------------------------------------------------
def refused(f):
    try:
        f()
    except Exception as error:
        return type(error).__name__
    return "nothing"


plain = jax.new_ref(jnp.zeros(4))
result["refusals"] = [
    refused(lambda: jnp.sin(plain)),
    refused(lambda: plain + 1),
    refused(lambda: plain[7]),
    refused(lambda: plain.__setitem__(0, jnp.ones(2))),
    refused(lambda: plain.__setitem__(..., 1.0)),
    refused(lambda: jax.new_ref(jnp.arange(3)).__setitem__(0, 1.5)),
    refused(lambda: jax.jit(lambda: jax.new_ref(0.0))()),
    refused(lambda: jax.jit(lambda a, b: a[0])(plain, plain)),
    refused(lambda: jax.vmap(lambda x: plain.__setitem__(0, x))(jnp.arange(3.0))),
    refused(lambda: jax.grad(lambda x: (plain.__setitem__(0, x), x)[1])(1.0)),
    refused(lambda: jax.new_ref({"a": 1.0})),
    refused(lambda: float(jax.new_ref(1.0))),
]
