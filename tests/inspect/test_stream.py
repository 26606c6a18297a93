"""Batches chunk by chunk: what is read and kept, files written as they grow, and work that stops and goes on."""

from __future__ import annotations

import contextlib
import math
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gradcli.inspect.batch_files as files
import gradcli.numpy as jnp
from gradcli.engine.errors import GradcliError, diagnostic_of
from gradcli.engine.settings import override
from gradcli.inspect import journal, samples, stream
from gradcli.inspect.batch_files import leaves_by_name, write_batch
from gradcli.inspect.batches import batch_of
from gradcli.inspect.fingerprint import Fingerprint
from gradcli.inspect.journal import Folder, Journal, Rows
from gradcli.inspect.problem import Problem
from gradcli.inspect.reduce import norms
from gradcli.inspect.samples import Chunk, Samples, chunks, mapped_file
from tests.inspect.helpers import problem

X = np.random.default_rng(0).normal(size=17)
WEIGHTS = {"w": np.arange(3.0), "b": 0.5}
MATRIX = np.random.default_rng(1).normal(size=(3, 11))


def cubic(x: Any, y: Any) -> Any:
    return x**3 * y


def network(params: Any, x: Any) -> Any:
    return jnp.sum(jnp.tanh(params["w"] * x + params["b"]))


def branches(x: Any) -> Any:
    return x * x if x > 0 else -x


def _cubic() -> Problem:
    return problem(cubic, x=X, y=2.0)


def _network() -> Problem:
    return problem(network, params=WEIGHTS, x=MATRIX)


def _branches() -> Problem:
    return problem(branches, x=X)


BATCHES: dict[str, tuple[Callable[[], Problem], list[str]]] = {
    "scalars": (_cubic, ["x"]),
    "trees": (_network, ["x:1"]),
    "branches": (_branches, ["x"]),
}


def code_of(error: BaseException) -> str:
    found = diagnostic_of(error)
    assert found is not None
    return found.code


@contextlib.contextmanager
def fails(code: str, match: str | None = None) -> Iterator[None]:
    with pytest.raises((GradcliError, TypeError), match=match) as caught:
        yield
    assert code_of(caught.value) == code


# --- chunks and samples -------------------------------------------------------------------------------------------


@given(st.integers(0, 50), st.integers(0, 50), st.integers(1, 60))
def test_chunks_cover_every_sample_once(start: int, n: int, size: int) -> None:
    found = list(chunks(start, n, size))
    assert [k for c in found for k in range(c.start, c.stop)] == list(range(start, n))
    assert all(len(c) == size for c in found[:-1])


def test_memory_maps_are_known_from_other_arrays(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.arange(24.0).reshape(4, 6))
    mapped = np.load(path, mmap_mode="r")
    file = mapped_file(np.asarray(mapped))
    assert file is not None and file.path == path and file.shape == (4, 6)
    np.testing.assert_array_equal(file.open(), mapped)
    for other in (mapped[1:], mapped[:, ::2], mapped.T, mapped * 1.0, np.zeros(3), 1.0, None):
        assert mapped_file(other) is None


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_parts_of_mapped_files_are_those_of_arrays(tmp_path: Path, order: Any, axis: int) -> None:
    array = np.array(np.random.default_rng(0).normal(size=(5, 7)), order=order)
    np.save(tmp_path / "a.npy", array)
    mapped = np.asarray(np.load(tmp_path / "a.npy", mmap_mode="r"))
    for leaf in (array, mapped):
        found = Samples.of(problem(lambda x: jnp.sum(x), x=leaf), [f"x:{axis}"])
        np.testing.assert_array_equal(found.part(0, Chunk(2, 4)), np.take(array, [2, 3], axis))
        np.testing.assert_array_equal(found.one(3).leaves[0], np.take(array, 3, axis))


def test_what_a_chunk_reads_is_in_the_precision_asked_for(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", X)
    with override(precision="float32"):
        p = problem(lambda x: x * x, x=np.load(tmp_path / "a.npy", mmap_mode="r"))
        assert Samples.of(p, ["x"]).part(0, Chunk(0, 2)).dtype == np.float32
        assert batch_of(p, ["x"]).gradients["x"].dtype == np.float32


# --- what is kept in memory ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("reduce", ["none", "norm", "mean", "sum"])
@pytest.mark.parametrize("name", BATCHES)
def test_chunks_make_no_difference(name: str, reduce: str) -> None:
    make, over = BATCHES[name]
    whole, parts = batch_of(make(), over, 100, reduce), batch_of(make(), over, 4, reduce)
    np.testing.assert_array_equal(parts.values, whole.values)
    a, b = leaves_by_name(parts.gradients), leaves_by_name(whole.gradients)
    assert a.keys() == b.keys()
    for key in a:
        np.testing.assert_allclose(a[key], b[key], rtol=1e-13)
    assert parts.notes == whole.notes


@given(st.lists(st.one_of(st.floats(-9, 9), st.just(math.nan)), min_size=1, max_size=12), st.integers(1, 5))
@settings(max_examples=20, deadline=None)
def test_the_largest_are_those_of_the_whole(xs: list[float], chunk: int) -> None:
    x = np.array(xs)
    found = batch_of(problem(lambda x: x * x, x=x), ["x"], chunk, top=3)
    sizes = np.abs(2 * x)
    order = sorted(range(len(xs)), key=lambda i: (-math.inf if math.isnan(sizes[i]) else -sizes[i], i))[:3]
    assert found.indices == tuple(order)
    np.testing.assert_array_equal(found.values, (x * x)[order])


def test_norms_of_tiny_and_of_huge_gradients() -> None:
    g = np.array([[3e-200, 4e-200], [3e200, -4e200], [0.0, 0.0], [math.inf, 1.0], [math.nan, 1.0], [5e-324, 0.0]])
    np.testing.assert_allclose(norms([g]), [5e-200, 5e200, 0, math.inf, math.nan, 5e-324])
    assert norms([np.float32([[1e30, 1e30]])]).dtype == np.float32


def noting(seen: list[int]) -> Callable[[int, int], None]:
    return lambda done, total: seen.append(done)


def test_threads_compute_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(0).normal(size=1000)
    results = []
    for threads in (1, 3):
        monkeypatch.setattr(stream.Stream, "_threads", lambda self, chunk, threads=threads: threads)
        with override(precision="float32"):
            seen: list[int] = []
            results.append(batch_of(problem(cubic, x=x, y=2.0), ["x"], 7, progress=noting(seen)))
            assert seen == sorted(seen) and seen[-1] == 1000
    np.testing.assert_array_equal(results[0].gradients["x"], results[1].gradients["x"])
    assert results[1].gradients["x"].dtype == np.float32


def test_an_error_on_a_thread_is_raised_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream.Stream, "_threads", lambda self, chunk: 2)
    real = Samples.part

    def part(self: Samples, leaf: int, chunk: Chunk) -> Any:
        if chunk.start > 8:
            raise MemoryError
        return real(self, leaf, chunk)

    monkeypatch.setattr(Samples, "part", part)
    with pytest.raises(MemoryError):
        batch_of(_cubic(), ["x"], 2)


# --- files --------------------------------------------------------------------------------------------------------


def expected(name: str, reduce: str, chunk: int) -> dict[str, Any]:
    make, over = BATCHES[name]
    result = batch_of(make(), over, chunk, reduce)
    return {"value": result.values, **leaves_by_name(result.gradients)}


def same(path: Path, arrays: dict[str, Any]) -> None:
    with np.load(path) as found:
        assert set(found.files) == set(arrays)
        for key in arrays:
            assert found[key].dtype == np.asarray(arrays[key]).dtype
            np.testing.assert_array_equal(found[key], arrays[key])


@pytest.mark.parametrize("reduce", ["none", "norm", "mean", "sum"])
@pytest.mark.parametrize("name", BATCHES)
def test_files_hold_what_memory_would(name: str, reduce: str, tmp_path: Path) -> None:
    make, over = BATCHES[name]
    written = write_batch(make(), over, tmp_path / "out.npz", 4, reduce)
    same(tmp_path / "out.npz", expected(name, reduce, 4))
    assert (written.resumed, written.notes) == (0, batch_of(make(), over, 4, reduce).notes)
    assert os.listdir(tmp_path) == ["out.npz"]


@pytest.mark.parametrize("reduce", ["none", "norm", "mean", "sum"])
def test_npy_holds_the_gradient(reduce: str, tmp_path: Path) -> None:
    write_batch(problem(cubic, ("x",), x=X, y=2.0), ["x"], tmp_path / "g.npy", 5, reduce)
    found = np.load(tmp_path / "g.npy")
    reference = batch_of(problem(cubic, ("x",), x=X, y=2.0), ["x"], 5, reduce).gradients["x"]
    np.testing.assert_array_equal(found, reference)
    assert found.dtype == np.float64 and os.listdir(tmp_path) == ["g.npy"]


def test_npy_cannot_hold_two(tmp_path: Path) -> None:
    with fails("G101", "can hold one array, and there are 2: x, y"):
        write_batch(_cubic(), ["x"], tmp_path / "g.npy")
    assert os.listdir(tmp_path) == []


class Stop(Exception):
    """What is not an interrupt."""


def stopping(at: int, error: BaseException) -> Callable[[int, int], None]:
    """A progress that stops the work once it has passed a sample."""

    def progress(done: int, total: int) -> None:
        if done >= at:
            raise error

    return progress


@given(
    st.sampled_from(sorted(BATCHES)), st.sampled_from(["none", "norm", "mean", "sum"]),
    st.lists(st.integers(1, 16), max_size=4), st.booleans(),
)  # fmt: skip
@settings(max_examples=25, deadline=None)
def test_work_that_is_stopped_goes_on_to_the_same_end(name: str, reduce: str, stops: list[int], often: bool) -> None:
    make, over = BATCHES[name]
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "CHECKPOINT_SECONDS", -1.0 if often else 60.0)
        out = Path(folder) / "out.npz"
        done = 0
        for at in stops:
            if at < 11:
                with fails("G601", "stopped after"):
                    write_batch(make(), over, out, 3, reduce, progress=stopping(max(at, done + 1), KeyboardInterrupt()))
                assert not out.exists()
                found = Folder.beside(out).journal()
                assert found is not None and found.done >= done or found is None and done == 0
                done = found.done if found is not None else 0
                if done >= 9:
                    break
        assert write_batch(make(), over, out, 3, reduce).resumed == done
        same(out, expected(name, reduce, 3))
        assert os.listdir(folder) == ["out.npz"]


STEPS = [
    (owner, method, reduce)
    for owner, method in [(Rows, "write"), (Rows, "sync"), (Folder, "record"), (files.Writer, "finish")]
    for reduce in ("none", "mean")
] + [(Folder, "save_totals", "mean")]


@pytest.mark.parametrize("step", STEPS, ids=lambda s: f"{s[1]}-{s[2]}")
@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")], ids=["stop", "full"])
def test_stopping_anywhere_loses_nothing_and_repeats_nothing(
    step: tuple[Any, str, str], before: bool, error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "CHECKPOINT_SECONDS", -1.0)
    owner, method, reduce = step
    real, calls = getattr(owner, method), [0]

    def broken(self: Any, *args: Any) -> Any:
        calls[0] += 1
        last = calls[0] == (1 if method == "finish" else 3)
        if last and before:
            raise error
        found = real(self, *args)
        if last:
            raise error
        return found

    out = tmp_path / "out.npz"
    with monkeypatch.context() as patch:
        patch.setattr(owner, method, broken)
        with fails("G601" if isinstance(error, KeyboardInterrupt) else "G301"):
            write_batch(_cubic(), ["x"], out, 3, reduce)
    write_batch(_cubic(), ["x"], out, 3, reduce)
    same(out, expected("scalars", reduce, 3))
    assert os.listdir(tmp_path) == ["out.npz"]


def unfinished(out: Path) -> None:
    with fails("G601"):
        write_batch(_cubic(), ["x"], out, 3, progress=stopping(6, KeyboardInterrupt()))


OTHERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "function": ("function", lambda out: write_batch(problem(lambda x, y: x**2 * y, x=X, y=2.0), ["x"], out)),
    "value": ("inputs", lambda out: write_batch(problem(cubic, x=X, y=3.0), ["x"], out)),
    "samples": ("inputs", lambda out: write_batch(problem(cubic, x=X + 1, y=2.0), ["x"], out)),
    "reduction": ("request", lambda out: write_batch(_cubic(), ["x"], out, reduce="norm")),
    "argument": ("request", lambda out: write_batch(problem(cubic, ("x",), x=X, y=2.0), ["x"], out)),
}


@pytest.mark.parametrize("other", OTHERS)
def test_other_work_is_not_mixed_in(other: str, tmp_path: Path) -> None:
    out = tmp_path / "out.npz"
    unfinished(out)
    what, run = OTHERS[other]
    with fails("G101", f"an unfinished batch with another .*{what}"):
        run(out)
    assert write_batch(_cubic(), ["x"], out, 3).resumed == 6
    same(out, expected("scalars", "none", 3))


def test_another_chunk_size_is_the_same_work(tmp_path: Path) -> None:
    unfinished(tmp_path / "out.npz")
    assert write_batch(_cubic(), ["x"], tmp_path / "out.npz", 5).resumed == 6
    same(tmp_path / "out.npz", expected("scalars", "none", 3))


def test_a_file_that_changed_is_other_work(tmp_path: Path) -> None:
    path, out = tmp_path / "x.npy", tmp_path / "out.npz"
    for times in (1, 2):
        np.save(path, times * np.ones(20))
        p = problem(cubic, x=np.load(path, mmap_mode="r"), y=2.0)
        with fails("G601" if times == 1 else "G101"):
            write_batch(p, ["x"], out, 3, progress=stopping(6, KeyboardInterrupt()))


def test_a_function_that_decides_by_values_is_known_by_its_text(tmp_path: Path) -> None:
    out = tmp_path / "out.npz"
    with fails("G601"):
        write_batch(_branches(), ["x"], out, 3, progress=stopping(6, KeyboardInterrupt()))

    def other(x: Any) -> Any:
        return x * x if x > 0 else -x * 7

    with fails("G101", "function"):
        write_batch(problem(other, x=X), ["x"], out, 3)


@pytest.mark.parametrize("damage", ["journal", "version", "rows", "header"])
def test_what_is_damaged_is_said_and_can_be_discarded(damage: str, tmp_path: Path) -> None:
    out = tmp_path / "out.npz"
    unfinished(out)
    folder = Folder.beside(out).path
    if damage == "journal":
        (folder / "journal.json").write_text('{"schema": ')
    elif damage == "version":
        (folder / "journal.json").write_text('{"schema": "gradcli-batch/0"}')
    elif damage == "rows":
        (folder / "rows-1.npy").unlink()
    else:
        (folder / "rows-1.npy").write_bytes(b"not an array")
    with fails("G306"):
        write_batch(_cubic(), ["x"], out)
    assert write_batch(_cubic(), ["x"], out, 3, restart=True).resumed == 0
    same(out, expected("scalars", "none", 3))
    assert os.listdir(tmp_path) == ["out.npz"]


def test_the_earlier_output_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    out = tmp_path / "out.npz"
    out.write_bytes(b"earlier")
    out.chmod(0o640)
    unfinished(out)
    assert out.read_bytes() == b"earlier"
    write_batch(_cubic(), ["x"], out)
    same(out, expected("scalars", "none", 3))
    assert out.stat().st_mode & 0o777 == 0o640


def test_two_at_once_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    out = tmp_path / "out.npz"
    with Folder.beside(out).held(), fails("G101", "another process"):
        write_batch(_cubic(), ["x"], out)


def test_errors_leave_no_folder_behind_when_nothing_was_done(tmp_path: Path) -> None:
    with pytest.raises(Stop):
        write_batch(_cubic(), ["x"], tmp_path / "out.npz", 30, progress=_raise_at_once)
    assert Folder.beside(tmp_path / "out.npz").journal() is not None  # one chunk was done
    with fails("G301"):
        write_batch(_cubic(), ["x"], tmp_path / "no" / "folder.npz")
    with fails("G204"):
        write_batch(problem(lambda x: x * jnp.ones(2), x=X), ["x"], tmp_path / "other.npz")
    assert sorted(os.listdir(tmp_path)) == ["out.npz.partial"]


def _raise_at_once(done: int, total: int) -> None:
    raise Stop


def test_journals_come_back_as_they_were() -> None:
    one = Journal(Fingerprint("a", "b", "c"), 10, 4, ("value", "x"), "totals-4.npz")
    assert Journal.of_text(one.text()) == one
    with pytest.raises(ValueError):
        Journal.of_text(one.text().replace('"done": 4', '"done": 11'))
    assert journal.SCHEMA in one.text()


def test_the_usual_chunk_follows_from_what_a_sample_takes() -> None:
    small = Samples.of(problem(lambda x: x * x, x=np.zeros(10**6)), ["x"])
    assert 2**14 <= small.usual_chunk() <= 2**17
    large = Samples.of(problem(lambda x: jnp.sum(x * x), x=np.zeros((400, 10**4))), ["x"])
    assert large.usual_chunk() == samples.MANY_SAMPLES
