"""A pendulum by odeint, and the gradients of where it ends."""

import jax
import jax.numpy as jnp
from jax.experimental.ode import odeint

jax.config.update("jax_enable_x64", True)


def pendulum(y, t, damping, length):
    return {"angle": y["speed"], "speed": -jnp.sin(y["angle"]) / length - damping * y["speed"]}


t = jnp.linspace(0.0, 2.0, 5)
start = {"angle": jnp.array(1.0), "speed": jnp.array(0.0)}


def end(start, t, damping, length):
    return odeint(pendulum, start, t, damping, length)["angle"][-1]


decay = odeint(lambda y, t: -y, jnp.array([1.0, 2.0]), t)
assert jnp.allclose(decay, jnp.exp(-t)[:, None] * jnp.array([1.0, 2.0]), atol=1e-6)
result = {
    "path": odeint(pendulum, start, t, 0.1, 2.0, rtol=1e-9, atol=1e-9),
    "grad": jax.grad(end, (0, 1, 2, 3))(start, t, 0.1, 2.0),
    "jit": jax.jit(end)(start, t, 0.1, 2.0),
}
jax.config.update("jax_enable_x64", False)
