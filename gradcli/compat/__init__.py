"""What lets ordinary files run as they are: NumPy's protocols, and stand-ins for numpy, math, jax and autograd."""
