"""Other tools on the same vectors: each returns its partitions, finest first, -1 where it leaves a value out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Partitions = list[NDArray[np.intp]]
Peer = Callable[[NDArray[np.float32], Sequence[str], Sequence[int]], Partitions]


def bertopic(vectors: NDArray[np.float32], strings: Sequence[str], sizes: Sequence[int]) -> Partitions:
    """BERTopic with `nr_topics`, a fit for each size (one more topic, for what it leaves out)."""
    from bertopic import BERTopic
    from bertopic.backend import BaseEmbedder
    from umap import UMAP

    partitions = []
    for size in sizes:
        umap = UMAP(n_neighbors=15, n_components=5, min_dist=0.0, metric="cosine", random_state=0)
        model = BERTopic(
            embedding_model=BaseEmbedder(), umap_model=umap, min_topic_size=5, nr_topics=size + 1, verbose=False
        )
        topics, _ = model.fit_transform(list(strings), embeddings=vectors)
        partitions.append(np.array(topics))
    return partitions


def evoc(vectors: NDArray[np.float32], strings: Sequence[str], sizes: Sequence[int]) -> Partitions:
    """EVoC: of its layers, that with the number of clusters nearest to each size."""
    from evoc import EVoC

    model = EVoC(random_state=0)
    model.fit(vectors)
    return _nearest_layers(model.cluster_layers_, sizes)


def plscan(vectors: NDArray[np.float32], strings: Sequence[str], sizes: Sequence[int]) -> Partitions:
    """PLSCAN of fast_hdbscan on a UMAP of 10 dimensions: of its layers, the nearest to each size."""
    from fast_hdbscan import PLSCAN
    from umap import UMAP

    umap = UMAP(n_neighbors=15, n_components=10, min_dist=0.0, metric="cosine", random_state=0)
    model = PLSCAN(reproducible=True)
    model.fit(umap.fit_transform(vectors))
    return _nearest_layers(model.cluster_layers_, sizes)


def kmeans(vectors: NDArray[np.float32], strings: Sequence[str], sizes: Sequence[int]) -> Partitions:
    """Flat k-means, once for each size."""
    from sklearn.cluster import KMeans

    return [KMeans(size, n_init=1, random_state=0).fit_predict(vectors) for size in sizes]


def ward(vectors: NDArray[np.float32], strings: Sequence[str], sizes: Sequence[int]) -> Partitions:
    """SciPy's Ward, cut at each size."""
    from scipy.cluster.hierarchy import fcluster
    from scipy.cluster.hierarchy import ward as linkage

    tree = linkage(vectors)
    return [fcluster(tree, size, "maxclust") for size in sizes]


PEERS: dict[str, Peer] = {"BERTopic": bertopic, "EVoC": evoc, "PLSCAN": plscan, "k-means": kmeans, "Ward": ward}


def _nearest_layers(layers: Sequence[NDArray[np.intp]], sizes: Sequence[int]) -> Partitions:
    counts = [int(layer.max()) + 1 for layer in layers]
    return [np.asarray(layers[int(np.argmin([abs(count - size) for count in counts]))]) for size in sizes]
