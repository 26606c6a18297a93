"""The first function of the tutorial, in plain Python."""


def product(x, y):
    """The product of x and y."""
    z = x * y
    return z
