"""Rotations of three dimensions and interpolation between them, by the names of ``jax.scipy.spatial.transform``.

Conversions: M. D. Shuster, "A survey of attitude representations" (1993); quaternions of matrices: S. W. Shepperd,
"Quaternion from rotation matrix" (1978); Euler angles of quaternions: E. Bernardes and S. Viollet, "Quaternion to
Euler angles conversion" (2022). Every array may have leading axes, one rotation for each of their places.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from gradcli import numpy as gnp
from gradcli import random
from gradcli.numpy._base import arr, type_error, value_error
from gradcli.numpy.linalg import eigh

_SMALL = 1e-3  # radians: below it, series take the place of quotients that tend to 0 / 0
_DEGENERATE = 1e-7


class Rotation(NamedTuple):
    """Rotations as unit quaternions (x, y, z, w), of shape [..., 4]; a pytree.

    >>> turn = Rotation.from_euler("z", 90.0, degrees=True)
    >>> print(gnp.round(turn.apply(gnp.array([1.0, 2.0, 3.0])), 6))
    [-2.  1.  3.]
    """

    quat: Any

    @classmethod
    def concatenate(cls, rotations: Sequence[Rotation]) -> Rotation:
        """All of them, one after another."""
        return cls(gnp.concatenate([gnp.atleast_2d(r.quat) for r in rotations]))

    @classmethod
    def from_quat(cls, quat: Any) -> Rotation:
        """Of quaternions of any length but 0: [..., 4]."""
        quat = arr(quat)
        return cls(quat / _length(quat))

    @classmethod
    def from_matrix(cls, matrix: Any) -> Rotation:
        """Of rotation matrices: [..., 3, 3]. The largest of the four numbers is found first, the others from it."""
        m = arr(matrix)
        trace = m[..., 0, 0] + m[..., 1, 1] + m[..., 2, 2]
        each = [_from_diagonal(m, trace, i) for i in range(3)]
        each.append(gnp.stack([m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1],
                               1 + trace], axis=-1))  # fmt: skip
        choice = gnp.argmax(gnp.stack([m[..., 0, 0], m[..., 1, 1], m[..., 2, 2], trace], axis=-1), axis=-1)
        found = gnp.take_along_axis(gnp.stack(each, axis=-2), choice[..., None, None], axis=-2)
        return cls.from_quat(found[..., 0, :])

    @classmethod
    def from_rotvec(cls, rotvec: Any, degrees: bool = False) -> Rotation:
        """Of vectors along the axis, as long as the angle: [..., 3]."""
        rotvec = gnp.deg2rad(rotvec) if degrees else arr(rotvec) * 1.0
        angle = _length(rotvec)
        small = angle <= _SMALL
        square = angle * angle
        series = 0.5 - square / 48 + square * square / 3840
        large = gnp.where(small, 1.0, angle)
        scale = gnp.where(small, series, gnp.sin(large / 2) / large)
        return cls(gnp.concatenate([scale * rotvec, gnp.cos(angle / 2)], axis=-1))

    @classmethod
    def from_mrp(cls, mrp: Any) -> Rotation:
        """Of modified Rodrigues parameters, the axis times the tangent of a quarter of the angle: [..., 3]."""
        mrp = arr(mrp)
        square = gnp.sum(mrp * mrp, axis=-1, keepdims=True)
        return cls(gnp.concatenate([2 * mrp, 1 - square], axis=-1) / (1 + square))

    @classmethod
    def from_euler(cls, seq: str, angles: Any, degrees: bool = False) -> Rotation:
        """Of up to three turns about axes: ``seq`` in capitals about axes that turn too, else about those at rest.

        angles: [..., len(seq)]; for one axis [..., 1], or any other shape for a rotation of each. Raises ValueError
        for other axes than x, y and z, and for the same twice in a row.
        """
        axes, intrinsic = _axes(seq)
        angles = gnp.deg2rad(angles) if degrees else arr(angles) * 1.0
        if len(axes) == 1 and (angles.ndim == 0 or angles.shape[-1] != 1):
            angles = angles[..., None]
        if angles.shape[-1:] != (len(axes),):
            raise value_error(f"from_euler({seq!r}) needs a last axis of {len(axes)} angles, got shape {angles.shape}")
        out = None
        for n, axis in enumerate(axes):
            turn = _about(axis, angles[..., n])
            out = turn if out is None else _product(out, turn) if intrinsic else _product(turn, out)
        return cls(out)

    @classmethod
    def identity(cls, num: int | None = None, dtype: Any = float) -> Rotation:
        """No rotation, or ``num`` times none."""
        none = gnp.array([0.0, 0.0, 0.0, 1.0], dtype)
        return cls(none if num is None else gnp.tile(none, (num, 1)))

    @classmethod
    def random(cls, random_key: Any, num: int | None = None) -> Rotation:
        """Rotations that are uniformly distributed."""
        return cls.from_quat(random.normal(random_key, (4,) if num is None else (num, 4)))

    @property
    def single(self) -> bool:
        """Whether it is one rotation."""
        return len(gnp.shape(self.quat)) == 1

    def __getitem__(self, indexer: Any) -> Rotation:
        """Some of the rotations. Raises TypeError where there is only one."""
        if self.single:
            raise type_error("a single rotation has no parts")
        return Rotation(self.quat[indexer])

    def __len__(self) -> int:
        """How many there are along the first axis. Raises TypeError where there is only one."""
        if self.single:
            raise type_error("a single rotation has no length")
        return int(self.quat.shape[0])

    def __mul__(self, other: Any) -> Rotation:
        """First the other, then this one."""
        return Rotation.from_quat(_product(self.quat, other.quat)) if isinstance(other, Rotation) else NotImplemented

    def apply(self, vectors: Any, inverse: bool = False) -> Any:
        """The vectors [..., 3] rotated, or rotated back."""
        return gnp.einsum("...ji,...j->...i" if inverse else "...ij,...j->...i", self.as_matrix(), arr(vectors))

    def as_quat(self, canonical: bool = False, scalar_first: bool = False) -> Any:
        """The quaternions [..., 4]; canonical: with the first of w, x, y, z that is not 0 positive."""
        quat = self.quat
        if canonical:
            first = quat[..., 3]
            for n in range(3):
                first = gnp.where(first == 0, quat[..., n], first)
            quat = gnp.where((first < 0)[..., None], -quat, quat)
        return gnp.roll(quat, 1, axis=-1) if scalar_first else quat

    def as_matrix(self) -> Any:
        """Rotation matrices [..., 3, 3]."""
        x, y, z, w = (self.quat[..., n] for n in range(4))
        rows = [
            [x * x - y * y - z * z + w * w, 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), -x * x + y * y - z * z + w * w, 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), -x * x - y * y + z * z + w * w],
        ]
        return gnp.stack([gnp.stack(row, axis=-1) for row in rows], axis=-2)

    def as_rotvec(self, degrees: bool = False) -> Any:
        """Vectors along the axis, as long as the angle, which is 180 degrees at most: [..., 3]."""
        quat = gnp.where(self.quat[..., 3:] < 0, -self.quat, self.quat)
        angle = 2 * gnp.arctan2(_length(quat[..., :3]), quat[..., 3:])
        small = angle <= _SMALL
        square = angle * angle
        large = gnp.where(small, 1.0, angle)
        scale = gnp.where(small, 2 + square / 12 + 7 * square * square / 2880, large / gnp.sin(large / 2))
        return (gnp.rad2deg(scale) if degrees else scale) * quat[..., :3]

    def as_mrp(self) -> Any:
        """Modified Rodrigues parameters [..., 3]."""
        sign = gnp.where(self.quat[..., 3:] < 0, -1.0, 1.0)
        return sign * self.quat[..., :3] / (1 + sign * self.quat[..., 3:])

    def as_euler(self, seq: str, degrees: bool = False) -> Any:
        """The angles [..., 3] about three axes, as in :meth:`from_euler`; one is 0 where only their sum is known."""
        if len(seq) != 3:
            raise value_error(f"as_euler needs three axes, got {seq!r}")
        axes, intrinsic = _axes(seq)
        angles = _euler_angles(self.quat, axes[::-1] if intrinsic else axes, intrinsic)
        return gnp.rad2deg(angles) if degrees else angles

    def inv(self) -> Rotation:
        """The rotations back."""
        return Rotation(self.quat * gnp.array([-1, -1, -1, 1], self.quat.dtype))

    def magnitude(self) -> Any:
        """The angles, from 0 to pi."""
        return 2 * gnp.arctan2(_length(self.quat[..., :3])[..., 0], gnp.abs(self.quat[..., 3]))

    def mean(self, weights: Any = None) -> Rotation:
        """The rotation that is nearest to all in the mean of squares (of the chords between the quaternions)."""
        w = gnp.ones(len(self), self.quat.dtype) if weights is None else arr(weights)
        if w.shape != (len(self),):
            raise value_error(f"mean needs a weight for each of {len(self)} rotations, got shape {w.shape}")
        return Rotation(eigh((w * self.quat.T) @ self.quat)[1][:, -1])


class Slerp(NamedTuple):
    """Rotations at some times, and at constant angular velocity between them; ``init`` makes it."""

    times: Any
    timedelta: Any
    rotations: Rotation
    rotvecs: Any

    @classmethod
    def init(cls, times: Any, rotations: Rotation) -> Slerp:
        """Of increasing times [n] and as many rotations. Raises ValueError for other shapes."""
        if not isinstance(rotations, Rotation):
            raise type_error(f"Slerp needs a Rotation, got {type(rotations).__name__}")
        times = gnp.asarray(times, rotations.quat.dtype)
        if rotations.single or len(rotations) < 2 or times.shape != (len(rotations),):
            raise value_error("Slerp needs at least 2 rotations and a time for each")
        first, second = Rotation(rotations.quat[:-1]), Rotation(rotations.quat[1:])
        return cls(times, gnp.diff(times), first, (first.inv() * second).as_rotvec())

    def __call__(self, times: Any) -> Rotation:
        """The rotations at one time or several."""
        given = gnp.asarray(times, self.times.dtype)
        if given.ndim > 1:
            raise value_error(f"Slerp gives rotations for one time or a row of times, got shape {given.shape}")
        last = self.timedelta.shape[0] - 1
        index = gnp.clip(gnp.searchsorted(self.times, given) - 1, 0, last)
        part = (given - self.times[index]) / self.timedelta[index]
        return Rotation(self.rotations.quat[index]) * Rotation.from_rotvec(self.rotvecs[index] * part[..., None])


def _axes(seq: str) -> tuple[list[int], bool]:
    """Numbers of the axes, and whether they turn."""
    lower = seq.lower()
    if not 1 <= len(seq) <= 3 or set(lower) - set("xyz") or seq not in (lower, seq.upper()):
        raise value_error(f"axes are up to three of xyz, or up to three of XYZ, got {seq!r}")
    if any(a == b for a, b in zip(seq, seq[1:], strict=False)):
        raise value_error(f"axes that follow one another must differ, got {seq!r}")
    return ["xyz".index(c) for c in lower], seq != lower


def _length(v: Any) -> Any:
    """Lengths of vectors, with an axis of 1, and derivative 0 at 0."""
    square = gnp.sum(v * v, axis=-1, keepdims=True)
    return gnp.where(square == 0, 0.0, gnp.sqrt(gnp.where(square == 0, 1.0, square)))


def _product(p: Any, q: Any) -> Any:
    """Products of quaternions."""
    a, b, c, w = (p[..., n] for n in range(4))
    x, y, z, v = (q[..., n] for n in range(4))
    return gnp.stack(
        [w * x + v * a + b * z - c * y, w * y + v * b + c * x - a * z, w * z + v * c + a * y - b * x,
         w * v - a * x - b * y - c * z], axis=-1,
    )  # fmt: skip


def _about(axis: int, angle: Any) -> Any:
    none = gnp.zeros_like(angle)
    parts = [gnp.sin(angle / 2) if n == axis else none for n in range(3)]
    return gnp.stack([*parts, gnp.cos(angle / 2)], axis=-1)


def _from_diagonal(m: Any, trace: Any, i: int) -> Any:
    """Quaternions from the i-th number."""
    j, k = (i + 1) % 3, (i + 2) % 3
    parts = {
        i: 1 - trace + 2 * m[..., i, i], j: m[..., j, i] + m[..., i, j], k: m[..., k, i] + m[..., i, k],
        3: m[..., k, j] - m[..., j, k],
    }  # fmt: skip
    return gnp.stack([parts[n] for n in range(4)], axis=-1)


def _euler_angles(quat: Any, axes: Sequence[int], intrinsic: bool) -> Any:
    """Angles about axes at rest; where those of turning axes are asked for, in the opposite order."""
    i, j, k = axes
    symmetric = i == k
    k = 3 - i - j if symmetric else k
    sign = (i - j) * (j - k) * (k - i) // 2
    x, y, z, w = quat[..., i], quat[..., j], quat[..., k] * sign, quat[..., 3]
    a, b, c, d = (w, x, y, z) if symmetric else (w - y, x + z, y + w, z - x)
    middle = 2 * gnp.arctan2(gnp.hypot(c, d), gnp.hypot(a, b))
    total, difference = gnp.arctan2(b, a), gnp.arctan2(d, c)
    low, high = gnp.abs(middle) <= _DEGENERATE, gnp.abs(middle - math.pi) <= _DEGENERATE
    alone = gnp.where(low, 2 * total, 2 * difference * (1 if intrinsic else -1))
    first, third = total - difference, total + difference
    one, three = (third, first) if intrinsic else (first, third)
    one, three = gnp.where(low | high, alone, one), gnp.where(low | high, 0.0, three)
    if not symmetric:
        one, three, middle = one * (sign if intrinsic else 1), three * (1 if intrinsic else sign), middle - math.pi / 2
    angles = gnp.stack([one, middle, three], axis=-1)
    return (angles + math.pi) % (2 * math.pi) - math.pi


__all__ = ["Rotation", "Slerp"]
