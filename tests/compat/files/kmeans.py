"""k-means from given centres: how tight the clusters are after Lloyd's iteration has converged."""

import numpy as np


def cluster(points, centres):
    for _ in range(20):
        distance = np.sum((points[:, None, :] - centres[None, :, :]) ** 2, axis=2)
        labels = np.argmin(distance, axis=1)
        new = centres.copy()
        for k in range(len(centres)):
            members = points[labels == k]
            if len(members):
                new[k] = members.mean(axis=0)
        if np.allclose(new, centres):
            break
        centres = new
    return centres, labels


def inertia(points, centres):
    centres, labels = cluster(points, centres)
    sums = np.zeros(len(centres))
    np.add.at(sums, labels, np.sum((points - centres[labels]) ** 2, axis=1))
    return np.sum(np.sqrt(sums + 0.1))


example_inputs = {
    "points": np.array([[0.0, 0.1], [0.2, -0.1], [3.0, 3.1], [3.2, 2.9], [0.1, 0.3], [2.8, 3.3]]),
    "centres": np.array([[0.5, 0.5], [2.0, 2.0]]),
}
