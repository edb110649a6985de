"""What a build assumes where nothing is said; the command line shows it without loading the build."""

from embeddings import DEFAULT_MODEL as MODEL
from taxonomy.clustering.names import DEFAULT_METHOD as METHOD

# With 1% new strings, 99.8% to 100% of the values of the fixture and of the published list stay under their parent at
# 0.3, and 99.4% to 99.8% at 0.2; with 20% new ones, 99% and 98%. So 0.3 keeps what chance alone would move.
STAY = 0.3
# What becomes of values that the input does not mention, and how many builds in a row may not mention one.
ABSENCES = ("dormant", "retire")
ABSENT = "dormant"
RETIRE_AFTER = 4
MIN_CHILDREN = 2
SEED = 0
# How often a tree is built again to see what comes back.
RUNS = 10

__all__ = ["ABSENCES", "ABSENT", "METHOD", "MIN_CHILDREN", "MODEL", "RETIRE_AFTER", "RUNS", "SEED", "STAY"]
