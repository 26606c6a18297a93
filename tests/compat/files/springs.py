"""Masses on springs, leapfrog steps in place: forces are accumulated into a buffer that is kept between steps."""

import math

import numpy as np

FORCE = np.zeros((4, 2))
PAIRS = [(0, 1), (1, 2), (2, 3), (3, 0), (0, 2)]


class World:
    """State that is changed by its methods."""

    def __init__(self, positions, stiffness):
        self.x = np.array(positions, dtype=float)
        self.v = np.zeros_like(self.x)
        self.stiffness = stiffness
        self.time = 0.0

    def forces(self):
        FORCE[:] = 0.0
        for i, j in PAIRS:
            d = self.x[j] - self.x[i]
            r = math.hypot(d[0], d[1])
            pull = self.stiffness * (r - 1.0) / r * d
            FORCE[i] += pull
            FORCE[j] -= pull
        FORCE[:, 1] -= 0.1
        return FORCE

    def step(self, dt):
        self.v += 0.5 * dt * self.forces()
        self.x += dt * self.v
        np.multiply(self.v, 0.999, out=self.v)
        self.v += 0.5 * dt * self.forces()
        low = self.x[:, 1] < -0.5
        self.v[low, 1] *= -0.8
        self.time += dt


def energy(positions, stiffness, dt=0.05):
    world = World(positions, stiffness)
    while world.time < 0.5:
        world.step(dt)
    return 0.5 * np.sum(world.v**2) + float(world.x[:, 1].sum())


example_inputs = {
    "positions": np.array([[0.0, 0.0], [1.1, 0.0], [1.0, 1.2], [0.0, 0.9]]),
    "stiffness": 5.0,
}
