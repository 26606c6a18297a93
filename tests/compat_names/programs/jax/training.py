"""A small network: initializers, layers and optimizers of JAX's example libraries, gradient descent under jit."""

import itertools

import jax.numpy as jnp
from jax import grad, jit, nn, random
from jax.example_libraries import optimizers, stax
from jax.example_libraries.stax import Dense, LogSoftmax, Relu
from jax.nn.initializers import glorot_normal, he_uniform, orthogonal

init_random_params, predict = stax.serial(Dense(16), Relu, Dense(3), LogSoftmax)
rng = random.PRNGKey(0)
x = random.normal(random.PRNGKey(1), (20, 4))
y = nn.one_hot(jnp.argmax(x[:, :3], axis=1), 3)


def loss(params, batch):
    inputs, targets = batch
    return -jnp.mean(jnp.sum(predict(params, inputs) * targets, axis=1))


opt_init, opt_update, get_params = optimizers.momentum(0.1, mass=0.9)


@jit
def update(i, opt_state, batch):
    params = get_params(opt_state)
    return opt_update(i, grad(loss)(params, batch), opt_state)


_, init_params = init_random_params(rng, (-1, 4))
opt_state = opt_init(init_params)
itercount = itertools.count()
first = loss(init_params, (x, y))
for _ in range(15):
    opt_state = update(next(itercount), opt_state, (x, y))
last = loss(get_params(opt_state), (x, y))
assert last < first


def run(opt, steps=4, start=(1.0, -2.0)):
    init, step, get = opt
    state = init({"w": jnp.array(start)})
    for i in range(steps):
        state = step(i, grad(lambda p: jnp.sum(p["w"] ** 2))(get(state)), state)
    return get(state)["w"]


conv_init, conv_apply = stax.serial(
    stax.Conv(4, (3, 3), padding="SAME"), stax.BatchNorm(), stax.Relu, stax.MaxPool((2, 2), (2, 2)),
    stax.AvgPool((2, 2), (1, 1), "SAME"), stax.FanOut(2), stax.parallel(stax.Identity, stax.Tanh),
    stax.FanInSum, stax.Flatten, stax.Dense(5),
)
shape, conv_params = conv_init(rng, (2, 8, 8, 3))
result = {
    "losses": [first, last],
    "optimizers": [
        run(optimizers.sgd(0.1)), run(optimizers.adam(0.1)), run(optimizers.adagrad(0.1)),
        run(optimizers.rmsprop(0.1)), run(optimizers.nesterov(0.1, 0.9)), run(optimizers.adamax(0.1)),
        run(optimizers.rmsprop_momentum(0.05)), run(optimizers.sgd(optimizers.exponential_decay(0.1, 2, 0.5))),
        run(optimizers.sm3(0.1)), run(optimizers.sm3(0.1, 0.5), start=[[1.0, 0.0, 2.0], [0.3, 0.0, -0.1]]),
        run(optimizers.sm3(0.2), start=3.0),
        run(optimizers.sgd(optimizers.piecewise_constant([1, 2], [0.1, 0.05, 0.01]))),
    ],
    "clip": optimizers.clip_grads([jnp.array([3.0, 4.0])], 1.0),
    "shape": list(shape),
    "conv": conv_apply(conv_params, random.normal(rng, (2, 8, 8, 3))),
    "initializers": [f()(rng, (4, 3), jnp.float32) for f in (glorot_normal, he_uniform, orthogonal)],
    "nn": [nn.relu(-1.0), nn.gelu(0.5), nn.softmax(jnp.arange(3.0)), nn.silu(0.5), nn.logsumexp(jnp.arange(3.0))],
}
