def one(x):
    return x


def two(x):
    return 2 * x
