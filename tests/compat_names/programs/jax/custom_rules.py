"""Rules of one's own: custom_jvp, custom_vjp with options, clipping, a fixed point by the implicit function theorem."""

from functools import partial

import jax
import jax.numpy as jnp
from jax import custom_jvp, custom_vjp, grad, jvp, lax, vjp, vmap


@custom_jvp
def log1pexp(x):
    return jnp.log(1.0 + jnp.exp(x))


@log1pexp.defjvp
def log1pexp_jvp(primals, tangents):
    (x,) = primals
    (x_dot,) = tangents
    return log1pexp(x), (1 - 1 / (1 + jnp.exp(x))) * x_dot


assert grad(log1pexp)(100.0) == 1.0


@custom_vjp
def clip_gradient(lo, hi, x):
    return x


clip_gradient.defvjp(lambda lo, hi, x: (x, (lo, hi)), lambda res, g: (None, None, jnp.clip(g, *res)))


@partial(custom_jvp, nondiff_argnums=(0,))
def app(f, x):
    return f(x)


@app.defjvp
def app_jvp(f, primals, tangents):
    (x,), (t,) = primals, tangents
    return f(x), 2.0 * t


@custom_jvp
def product(x, y):
    return x * y


product.defjvps(lambda t, out, x, y: t * y, lambda t, out, x, y: None if y is None else t * x)


def while_cond(carry):
    x_prev, x = carry
    return jnp.abs(x_prev - x) > 1e-6


@partial(custom_vjp, nondiff_argnums=(0,))
def fixed_point(f, a, x_guess):
    _, x_star = lax.while_loop(while_cond, lambda c: (c[1], f(a, c[1])), (x_guess, f(a, x_guess)))
    return x_star


def fixed_point_fwd(f, a, x_init):
    x_star = fixed_point(f, a, x_init)
    return x_star, (a, x_star)


def rev_iter(f, packed, u):
    a, x_star, x_star_bar = packed
    _, vjp_x = vjp(lambda x: f(a, x), x_star)
    return x_star_bar + vjp_x(u)[0]


def fixed_point_rev(f, res, x_star_bar):
    a, x_star = res
    _, vjp_a = vjp(lambda a: f(a, x_star), a)
    packed = (a, x_star, x_star_bar)
    (a_bar,) = vjp_a(fixed_point(partial(rev_iter, f), packed, x_star_bar))
    return a_bar, jnp.zeros_like(x_star)


fixed_point.defvjp(fixed_point_fwd, fixed_point_rev)


def newton_sqrt(a):
    return fixed_point(lambda a, x: 0.5 * (x + a / x), a, a / 2)


@jax.custom_gradient
def halved(x):
    return x**2, lambda g: (g * x,)


assert abs(grad(newton_sqrt)(2.0) - 0.5 / jnp.sqrt(2.0)) < 1e-5
result = {
    "log1pexp": [log1pexp(3.0), grad(log1pexp)(3.0), vmap(grad(log1pexp))(jnp.arange(3.0))],
    "clip": grad(lambda x: clip_gradient(-0.5, 0.5, jnp.sin(x) * 4))(1.0),
    "app": [app(lambda x: x**3, jnp.float32(3.0)), grad(app, 1)(lambda x: x**3, 3.0)],
    "product": jvp(product, (jnp.float32(2.0), jnp.float32(3.0)), (1.0, 1.0)),
    "fixed": [newton_sqrt(2.0), vmap(grad(newton_sqrt))(jnp.array([1.0, 2.0, 3.0]))],
    "halved": grad(halved)(3.0),
    "jit": jax.jit(grad(log1pexp))(0.5),
    "scan": grad(lambda x: lax.scan(lambda c, _: (log1pexp(c), c), x, None, length=3)[0])(1.0),
}
