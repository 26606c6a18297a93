"""A Kalman filter over a constant-velocity model: the negative log likelihood of measurements."""

import numpy as np

MEASURED = np.array([0.1, 1.2, 1.9, 3.2, 3.8, 5.1])


def loss(q, r, x0=0.0):
    dt = 1.0
    F = np.array([[1.0, dt], [0.0, 1.0]])
    H = np.array([[1.0, 0.0]])
    Q = q * np.array([[dt**3 / 3, dt**2 / 2], [dt**2 / 2, dt]])
    R = np.array([[r]])
    x = np.array([x0, 1.0])
    P = np.eye(2)
    filtered = np.zeros((len(MEASURED), 2))
    total = 0.0
    for k, z in enumerate(MEASURED):
        x = F @ x
        P = F @ P @ F.T + Q
        y = z - H @ x
        S = H @ P @ H.T + R
        K = P @ H.T @ np.linalg.inv(S)
        x = x + K @ y
        P = (np.eye(2) - K @ H) @ P
        filtered[k] = x
        total += 0.5 * (np.log(np.linalg.det(S)) + float(y @ np.linalg.solve(S, y)))
    return total + 0.01 * np.sum(filtered[:, 0] ** 2) + len(MEASURED) * 0.5 * np.log(2 * np.pi)


example_inputs = {"q": 0.1, "r": 0.5, "x0": 0.2}
