"""Most of what NumPy code does to arrays, in one function."""

import math

import numpy as np


def f(x, s):
    a = np.zeros((3, 4))
    a[1] = s
    a[:, 2] += x[:3]
    a[0, 1:3] = [x[0], 2.0]
    b = a.ravel()
    b[5] = x[1]
    c = a[::2, ::-1].T
    c[0] *= 3.0
    np.fill_diagonal(a, x[2])
    np.add.at(a, ([0, 0, 1], [3, 3, 3]), x[:3])
    a[a > 2.0] = 0.5
    d = np.concatenate([a[0], [s, 1.0]])
    d.sort()
    e = np.linspace(s, x[3], 4)
    g = np.array([x[0], [1.0, s][1]], ndmin=2)
    np.copyto(e, x, where=np.array([True, False, True, False]))
    h = np.empty_like(x)
    h.fill(s)
    h[-1] = 0
    np.put(h, [0, 1], [x[1], x[2]])
    k = np.full(3, s, dtype=float)
    k[[0, 2]] = x[:2]
    k[[True, False, False]] += 1
    t = np.where([True, False, True, False], x, 0)
    u = np.stack([x, h]).mean(0)
    u -= u.mean()
    v = u / np.std(u)
    w = np.sum([s, x[0], 2.0]) + np.mean([x[1], s]) + np.dot([s, x[0]], np.array([1.0, 2])) + max(np.hstack([x, s]))
    q = math.floor(s) + sum(float(z) * i for i, z in enumerate(x)) + np.float64(s) ** 2
    r = [y for y in x if y > 0]
    o = np.zeros(4)
    np.multiply(x, s, out=o)
    o **= 2
    o[1:-1] += o[2:] - o[:-2]
    m = x.copy()
    m[m < 0] = 0
    m[0], m[1] = m[1], m[0]
    aa = np.atleast_1d(s)
    bb = np.outer(x, x)
    bb[np.triu_indices(4, 1)] = 0
    bb.T[0, 1] = s
    mg, mh = np.meshgrid(x, h)
    ii = np.arange(s, s + 2, 0.5)
    z = np.zeros(4, dtype=complex)
    z += x
    z[1] = z[1] * 1j
    p = {"k": x}
    p["k"] = p["k"] * 2
    fl = x.flat
    total = 0.0
    for val in fl:
        total += val**2
    if isinstance(s, float) and isinstance(x, np.ndarray) and isinstance(s, (int, float)):
        total += s
    if not isinstance(s, np.ndarray):
        total *= 1.5
    vec = np.vectorize(lambda y: y**2 if y > 0 else -y)(x)
    big = np.piecewise(x, [x < 0, x >= 0], [lambda y: -y, lambda y: y * 2])
    tri = np.tril(bb).sum() + np.trace(bb) + np.cumsum(x)[-1] + np.argmax(x) + bb.max() + np.prod(x) + x.dot(x)
    tri += x @ bb @ x
    poly = np.polyval([s, 1.0, x[0]], 2.0) + np.interp(0.3, [0, s], [x[0], x[1]]) + np.trapezoid(x, dx=s)
    scalars = [
        g.shape[0],
        v[0],
        w,
        q,
        sum(r),
        aa[0],
        total,
        tri,
        poly,
        k @ k,
        m @ np.arange(4),
        np.sum(d * np.arange(6)),
    ]
    arrays = [a * a, e, g, h, t, o, np.abs(z), p["k"], vec, big, mg, mh, ii, bb]
    return sum(scalars) + sum(y.sum() for y in arrays)


example_inputs = {"x": np.array([0.3, -0.7, 1.2, 0.4]), "s": 1.3}
