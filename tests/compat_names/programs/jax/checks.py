"""Checks of traced values, in loops, branches and batches; not-a-numbers and divisions by zero."""

import jax
import jax.numpy as jnp
from jax.experimental import checkify

one = jnp.float32(1.0)


def ratio(x):
    checkify.check(x > 0, "x is {x}, {}", jnp.int32(3), x=x)
    return jnp.sin(x) / x


def summed(xs):
    def body(total, x):
        checkify.check(x < 3, "large: {x}", x=x)
        return total + x, total

    return jax.lax.scan(body, 0.0, xs)


def counted(n):
    def body(i):
        checkify.check(i != 2, "two at {i}", i=i)
        return i + 1

    return jax.lax.while_loop(lambda i: i < n, body, 0)


def branched(x):
    return jax.lax.cond(x > 0, lambda v: ratio(-v), lambda v: ratio(v * 0 + 1), x)


def nested(x):
    error, out = checkify.checkify(ratio)(x)
    checkify.check_error(error)
    return out


def guarded(x):
    checkify.debug_check(x > 0, "only when looked for")
    return x


def told(function, *args, **options):
    error, out = checkify.checkify(function, **options)(*args)
    return error.get() or "fine", out


def raised(function):
    try:
        function()
    except (ValueError, TypeError) as error:
        return [isinstance(error, checkify.JaxRuntimeError), str(error).split("\n")[0] * isinstance(error, ValueError)]
    return "nothing"


batch = jnp.array([1.0, -2.0])
result = {
    "user": [told(ratio, -one), told(ratio, one), told(jax.jit(ratio), -2 * one)],
    "outer": jax.jit(checkify.checkify(ratio))(-2 * one)[0].get(),
    "floats": [told(ratio, 0 * one, errors=e)[0] for e in (checkify.float_checks, checkify.div_checks)],
    "nan": told(lambda x: jnp.where(x > 0, jnp.log(x), 0.0), -one, errors=checkify.nan_checks)[0],
    "both": told(ratio, 0 * one, errors=checkify.user_checks | checkify.float_checks)[0],
    "scan": [told(summed, jnp.arange(5.0)), told(summed, jnp.arange(3.0))],
    "while": [told(counted, 5)[0], told(counted, 2)[0]],
    "cond": [told(branched, one)[0], told(branched, -one)[0]],
    "grad": [told(jax.grad(ratio), -one), jax.grad(lambda x: checkify.checkify(ratio)(x)[1])(one)],
    "batch": [told(jax.vmap(ratio), batch), jax.vmap(checkify.checkify(ratio))(batch)[0].get()],
    "nested": told(nested, -one)[0],
    "debug": [guarded(-one), told(guarded, -one)[0]],
    "raised": [
        raised(lambda: ratio(-one)), raised(checkify.checkify(ratio)(-one)[0].throw),
        raised(checkify.checkify(ratio)(one)[0].throw), raised(lambda: checkify.check(jnp.array([True]), "")),
        raised(lambda: checkify.check(True, "{}", 3)),
    ],
}  # fmt: skip
