"""Strings to vectors on a Spark cluster; each worker process loads the model once."""

from __future__ import annotations

import functools
import os
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from embeddings.encoder import SentenceTransformerEncoder, check_strings
from embeddings.errors import EmbeddingError
from embeddings.models import load_encoder
from embeddings.progress import Progress

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import SparkSession

# Fewest strings per task.
_STRINGS_A_TASK = 256


def spark_session(master: str) -> tuple[SparkSession, bool]:
    """Return the session that is running, or a new one, and whether it is new.

    Parameters
    ----------
    master : str
        Such as ``local[*]`` or ``spark://host:7077``.

    Raises
    ------
    EmbeddingError
        If a session of another master is running, or none can be started.
    """
    # PySpark warns on import, but works with the pandas that the tests use.
    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
    from pyspark.sql import SparkSession

    running = SparkSession.getActiveSession()
    if running is not None:
        if running.sparkContext.master != master:
            problem = f"a Spark session of {running.sparkContext.master} is running, not of {master}"
            raise EmbeddingError(f"{problem}; stop it, or name its master")
        return running, False
    # Workers run this interpreter, so that they have the same packages.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.master(master).appName("value-taxonomy")
    settings: dict[str, bool | float | int | str | None] = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
        "spark.sql.session.timeZone": "UTC",
    }
    if master.startswith("local"):
        # The default of 200 partitions is meant for a cluster.
        settings["spark.sql.shuffle.partitions"] = os.cpu_count() or 1
    try:
        return builder.config(map=settings).getOrCreate(), True
    except Exception as error:
        # The gateway and Java raise no common class.
        reason = str(error).strip().splitlines()[0]
        raise EmbeddingError(
            f"Spark cannot be started with master {master}: {reason}; check that Java 17 is installed"
        ) from error


class SparkEncoder:
    """An encoder that spreads its strings over the CPUs of a cluster; it uses no GPU.

    Vectors equal those of `embeddings.load_encoder` on the same kind of CPU, and are within 1e-5 of them on others.

    Parameters
    ----------
    model : str
        As in `load_encoder`. The model and this package must be on every worker.
    session : SparkSession
        See `spark_session`.

    Attributes
    ----------
    name, dimension, weights_sha256, runtime
        As of the encoder itself; each worker uses the same runtime.
    digest : str
        Differs from the encoder's, since the cluster's CPUs may differ from this one.
    chunk : int
        Strings sent in one call.
    """

    chunk = 200_000

    def __init__(self, model: str, session: SparkSession) -> None:
        encoder = load_encoder(model, device="cpu", precision="fp32")
        assert isinstance(encoder, SentenceTransformerEncoder)
        self.name = encoder.name
        self.dimension = encoder.dimension
        self.weights_sha256 = encoder.weights_sha256
        self.runtime = encoder.runtime
        self.digest = f"spark-{encoder.digest}"
        # One process here: it tells unknown words, which is much less work than vectors.
        self._local = encoder
        self._model = model
        self._session = session

    def encode(self, strings: Sequence[str], *, progress: Progress | None = None) -> NDArray[np.float32]:
        """Return unit vectors, shape (n, dimension); `progress` is called once, at the end."""
        import pyarrow as pa

        check_strings(strings)
        if not strings:
            return np.empty((0, self.dimension), dtype=np.float32)
        tasks = min(-(-len(strings) // _STRINGS_A_TASK), self._session.sparkContext.defaultParallelism)
        table = pa.table({"position": np.arange(len(strings)), "string": list(strings)})
        rows = self._session.createDataFrame(table).repartition(tasks)
        encode = functools.partial(_encode_parts, self._model, self._local.runtime)
        encoded = rows.mapInPandas(encode, "position long, vector binary").toArrow()
        vectors = np.empty((len(strings), self.dimension), dtype=np.float32)
        blobs = b"".join(encoded["vector"].to_pylist())
        vectors[encoded["position"].to_numpy()] = np.frombuffer(blobs, dtype="<f4").reshape(
            len(strings), self.dimension
        )
        if progress is not None:
            progress(len(strings), len(strings))
        return vectors

    def unknown_words(self, strings: Sequence[str]) -> NDArray[np.bool_]:
        """Tell which strings hold words that the model does not know, shape (n,); told on this machine."""
        return self._local.unknown_words(strings)


@functools.cache
def worker_encoder(model: str, runtime: str) -> SentenceTransformerEncoder:
    """Return the encoder of this process of a Spark worker, kept between tasks."""
    return load_encoder(model, workers=1, download=False, runtime=runtime, device="cpu", precision="fp32")


def _encode_parts(model: str, runtime: str, parts: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    encoder = worker_encoder(model, runtime)
    for part in parts:
        vectors = encoder.encode(part["string"].tolist())
        yield part[["position"]].assign(vector=[vector.astype("<f4").tobytes() for vector in vectors])
