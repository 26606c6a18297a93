"""Writes ``gradcli/compat/names/*.txt`` from the installed libraries: ``python -m tests.compat_names.write_names``.

Each file has the full public names of one library, sorted, one a line, under a line with its version.
"""

from __future__ import annotations

import types
from importlib import import_module
from pathlib import Path

import gradcli.compat

FOLDER = Path(gradcli.compat.__file__).parent / "names"
MODULES = {
    "jax": """
        jax jax.ad_checkpoint jax.core jax.custom_batching jax.custom_derivatives jax.debug jax.dtypes jax.errors
        jax.example_libraries.optimizers jax.example_libraries.stax jax.experimental jax.experimental.jet
        jax.experimental.ode jax.extend.core jax.flatten_util jax.image jax.lax jax.lax.linalg jax.nn
        jax.nn.initializers jax.numpy jax.numpy.fft jax.numpy.linalg jax.ops jax.profiler jax.random
        jax.scipy.cluster.vq jax.scipy.fft jax.scipy.integrate jax.scipy.interpolate jax.scipy.linalg
        jax.scipy.ndimage jax.scipy.signal jax.scipy.sparse.linalg jax.scipy.spatial.transform
        jax.scipy.special jax.scipy.stats jax.test_util jax.tree jax.tree_util jax.typing
    """,
    "autograd": """
        autograd autograd.builtins autograd.core autograd.differential_operators autograd.extend autograd.misc
        autograd.misc.fixed_points autograd.misc.flatten autograd.misc.optimizers autograd.numpy autograd.numpy.fft
        autograd.numpy.linalg autograd.numpy.numpy_boxes autograd.scipy.integrate autograd.scipy.linalg
        autograd.scipy.signal autograd.scipy.special autograd.scipy.stats.beta autograd.scipy.stats.chi2
        autograd.scipy.stats.dirichlet autograd.scipy.stats.gamma autograd.scipy.stats.multivariate_normal
        autograd.scipy.stats.norm autograd.scipy.stats.poisson autograd.scipy.stats.t autograd.test_util
        autograd.tracer autograd.util autograd.wrap_util
    """,
    "numpy": "numpy numpy.fft numpy.linalg",
}
# Modules that do not say what is public: what they import themselves is left out.
_OWN_ONLY = ("jax.example_libraries", "jax.experimental.ode", "jax.experimental.jet", "autograd.misc", "autograd.core",
             "autograd.scipy", "autograd.test_util", "autograd.util", "autograd.wrap_util", "autograd.tracer",
             "autograd.builtins", "autograd.numpy.numpy_boxes", "autograd.differential_operators")  # fmt: skip
_WRAPPERS = ("autograd.numpy", "autograd.scipy")  # their public names are those of what they wrap
_INTERNAL = ("DO_NOT_USE", "__")
_SUBMODULES = ("jax.scipy.stats",)


def public(name: str) -> list[str]:
    """The full names of what a module offers."""
    module = import_module(name)
    listed = getattr(module, "__all__", None)
    found = []
    for member in sorted(listed if listed is not None else vars(module).keys() | set(dir(module))):
        if member.startswith("_") or any(part in member for part in _INTERNAL):
            continue
        value = getattr(module, member, None)
        if isinstance(value, types.ModuleType):
            if name in _SUBMODULES and value.__name__ == f"{name}.{member}":
                found += [n for n in public(value.__name__) if n.rpartition(".")[2] not in ("annotations",)]
            continue
        home = getattr(value, "__module__", None) or name
        if name.startswith(_OWN_ONLY) and home.partition(".")[0] not in (name.partition(".")[0], "scipy"):
            continue
        if name.startswith(_OWN_ONLY) and name != "autograd.core" and home != name and "." in home:
            if not name.startswith(("autograd.scipy", "jax.example_libraries.stax")):
                continue
        if name.startswith(_WRAPPERS) and name != "autograd.numpy.numpy_boxes" and not _wraps(name, member):
            continue
        found.append(f"{name}.{member}")
    return found


def _wraps(name: str, member: str) -> bool:
    root, _, rest = name.removeprefix("autograd.").partition(".")
    wrapped = import_module(root)
    for part in rest.split(".") if rest else ():
        wrapped = getattr(wrapped, part)
    return hasattr(wrapped, member)


def names_of(library: str) -> list[str]:
    """All names of a library."""
    return sorted({n for module in MODULES[library].split() for n in public(module)})


def main() -> None:
    """Writes the files."""
    FOLDER.mkdir(exist_ok=True)
    for library in MODULES:
        version = import_module("importlib.metadata").version(library)
        lines = [f"# {library} {version}", *names_of(library)]
        (FOLDER / f"{library}.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
