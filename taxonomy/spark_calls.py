"""Calls of Spark: PySpark must be there, and what fails is told in one line."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.util import find_spec
from typing import TypeVar

from embeddings.errors import EmbeddingError
from taxonomy.errors import InputError, TaxonomyError

Result = TypeVar("Result")

# An error of ours that a worker raised, within the traces of Python and Java.
_OURS = re.compile(r"^(taxonomy|embeddings)\.errors\.\w+: (.+)$", re.MULTILINE)
# What Spark says of an error that has a name, after what else is said.
_NAMED = re.compile(r"\[[A-Z][A-Z0-9_.]+\] .+")


def check_pyspark() -> None:
    """Raise a TaxonomyError that says what to install where PySpark is missing."""
    if find_spec("pyspark") is None:
        raise TaxonomyError("a Spark cluster needs PySpark", remedy="run: pip install 'value-taxonomy[spark]'")


def run_spark(work: Callable[[], Result]) -> Result:
    """Run a Spark call; re-raise its errors as one-line InputErrors, and those of our own in its workers."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        return work()
    except (PySparkException, Py4JError) as error:
        if ours := _OURS.search(str(error)):
            raise (EmbeddingError if ours[1] == "embeddings" else InputError)(ours[2]) from error
        said = str(error).strip()
        named = _NAMED.search(said)
        problem = named[0] if named else said.splitlines()[0]
        raise InputError(f"Spark: {problem}", remedy="repair what it names, or ask who runs the cluster") from error
