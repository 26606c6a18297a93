"""A small ray tracer: the brightness of an image of two spheres, one light, one bounce."""

import math
from dataclasses import dataclass

import numpy as np


@dataclass
class Sphere:
    centre: np.ndarray
    radius: float
    colour: float = 1.0
    mirror: float = 0.0


def normalize(v):
    return v / np.linalg.norm(v)


def hit(sphere, origin, direction):
    oc = origin - sphere.centre
    b = np.dot(oc, direction)
    disc = b * b - (np.dot(oc, oc) - sphere.radius**2)
    if disc < 0:
        return None
    t = -b - math.sqrt(disc)
    return t if t > 1e-4 else None


def trace(spheres, light, origin, direction, depth=0):
    nearest, best = None, float("inf")
    for sphere in spheres:
        t = hit(sphere, origin, direction)
        if t is not None and t < best:
            nearest, best = sphere, t
    if nearest is None:
        return 0.1 * max(direction[1], 0.0)
    point = origin + best * direction
    normal = normalize(point - nearest.centre)
    shade = nearest.colour * max(0.0, np.dot(normal, normalize(light - point)))
    if nearest.mirror and depth < 2:
        bounced = direction - 2 * np.dot(direction, normal) * normal
        shade += nearest.mirror * trace(spheres, light, point, bounced, depth + 1)
    return shade


def brightness(radius, light, size=4):
    spheres = [
        Sphere(np.array([0.0, 0.0, 4.0]), radius, 0.8, 0.3),
        Sphere(np.array([1.0, 0.6, 3.0]), 0.5 * radius, 0.5),
    ]
    image = np.zeros((size, size))
    eye = np.zeros(3)
    for j in range(size):
        for i in range(size):
            ray = normalize(np.array([(i + 0.5) / size - 0.45, 0.47 - (j + 0.5) / size, 1.0]))
            image[j, i] = trace(spheres, light, eye, ray)
    image[image > 1.0] = 1.0
    return image.mean()


example_inputs = {"radius": 1.1, "light": np.array([3.0, 4.0, -2.0])}
