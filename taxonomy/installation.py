"""Whether the packages that Python finds by our names are ours."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import packages_distributions

_REMEDY = "install value-taxonomy in an environment of its own"


@cache
def find_foreign_package() -> str | None:
    """Return what to say of another package called `taxonomy` or `embeddings`, None where both are ours."""
    for name, ours in (("taxonomy", "build"), ("embeddings", "load_encoder")):
        try:
            package = import_module(name)
        except ModuleNotFoundError:
            return f"the package {name!r} of value-taxonomy is missing; {_REMEDY}"
        if ours not in getattr(package, "__all__", ()):
            others = sorted(set(packages_distributions().get(name, [])) - {"value-taxonomy"})
            by = f" (of {', '.join(others)})" if others else ""
            place = package.__file__ or next(iter(package.__path__))
            return f"{place}: another package called {name!r}{by} is in the place of that of value-taxonomy; {_REMEDY}"
    return None
