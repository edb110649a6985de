"""The names of the clustering methods, known without loading any."""

METHOD_NAMES = ("average", "ward", "kmeans", "density")
DEFAULT_METHOD = "average"
