"""What stands for arrays and dtypes: shapes without values, kinds of dtypes, dtypes that are only mentioned."""

import jax
import jax.numpy as jnp

x = jnp.arange(3.0)
key = jax.random.key(0)
shape = jax.ShapeDtypeStruct((3, 2), jnp.float32)
bins = jnp.array([3.0, 2.0, 1.0])
result = {
    "like": [jnp.zeros_like(shape), jnp.full_like(shape, 2), jnp.shape(shape)],
    "size": jnp.size(jnp.ones((2, 3, 4)), axis=(0, -1)),
    "kinds": [
        jnp.issubdtype(a.dtype, b)
        for a in (x, key)
        for b in (jax.dtypes.prng_key, jax.dtypes.extended, jnp.floating)
    ],
    "mentioned": [x.dtype == jnp.bfloat16, x.dtype in (jnp.bfloat16, jnp.float32), jnp.bfloat16 == jnp.float32],
    "types": [str(jax.eval_shape(lambda v: {"a": v * 2.0}, 1.0)), str(jax.jit(jnp.sin).eval_shape(shape))],
    "sequences": [jnp.array(range(4)), jnp.array(memoryview(b"ab")), jnp.asarray(range(2), float)],
    "falling bins": [jnp.digitize(jnp.array([1.0, 2.5, 3.0, 0.5]), bins, right=r) for r in (False, True)],
    "turned": jax.tree.transpose(
        outer_treedef=jax.tree.structure([0, 0]), inner_treedef=None, pytree_to_transpose=[(1, 2), (3, 4)]
    ),
    "sharding": [shape.sharding is None, jax.typeof(x).sharding is None],
}
