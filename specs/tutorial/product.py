"""The product of two numbers."""


def product(x, y):
    z = x * y
    return z


example_inputs = {"x": 3.0, "y": 4.0}
