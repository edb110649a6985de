"""What a build made, and how it is written."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from taxonomy.building.folder import write_folder
from taxonomy.building.spaces import Space
from taxonomy.garbage import collection_paused
from taxonomy.labels.language_model import Labelled
from taxonomy.model import Taxonomy
from taxonomy.progress import StageProgress, stage_of
from taxonomy.quality.cohesion import LevelCohesion, measure_cohesion
from taxonomy.quality.vectors import TreeVectors
from taxonomy.values import ValueSet
from taxonomy.versions.replay import Outcome


@dataclass(frozen=True)
class Built:
    """What a build made.

    Attributes
    ----------
    tree : Taxonomy
    values : ValueSet
        What it was built from, after edits: `values` (``label``, ``aliases``, ``weight``) and `rejected` (``row``,
        ``value``, ``reason``).
    vectors : ndarray of shape (n_values, dimension)
        Unit vectors of its values, in the order of `tree.leaves`.
    outcomes : tuple of Outcome
        What became of each edit.
    labelled : Labelled or None
        What the labeller did; None where none was asked.
    """

    tree: Taxonomy
    values: ValueSet
    vectors: NDArray[np.float32]
    outcomes: tuple[Outcome, ...]
    labelled: Labelled | None
    _space: Space

    def __repr__(self) -> str:
        return f"Built({self.tree!r}, {self.values!r})"

    def _repr_html_(self) -> str:
        return self.tree._repr_html_()

    @cached_property
    def quality(self) -> tuple[LevelCohesion, ...]:
        """How well each level above the values holds together, finest first."""
        return measure_cohesion(self.tree, self.vectors)

    def tree_vectors(self, *, progress: StageProgress | None = None) -> TreeVectors:
        """Return the vectors of the values and of the labels above them, in one space."""
        labels = [node.label for node in self.tree.inner]
        return TreeVectors(
            self.vectors, self._space.encoder.encode(labels, progress=stage_of(progress, "embedding labels"))
        )

    @collection_paused()
    def write(
        self, folder: str | Path, *, page: bool = False, progress: StageProgress | None = None
    ) -> tuple[str, ...]:
        """Write a build folder, all of it or nothing; what was cut short is finished or undone by who comes next.

        Parameters
        ----------
        folder : str or Path
            Made if it is not there.
        page : bool
            Write the page and its map, too, which takes seconds. Without it those of the build before are removed.
        progress : callable, optional
            Called with a stage, steps done, and steps in all.

        Returns
        -------
        tuple of str
            Names of the files.

        Raises
        ------
        OutputError
            If it can't be written, has files of these names that are not of a build, or there are too many values for
            a page.
        """
        drawn = self._page(progress) if page else {}
        return write_folder(Path(folder), self.tree, self.values, self.quality, drawn)

    def _page(self, progress: StageProgress | None) -> dict[str, bytes]:
        from taxonomy.views.layout import lay_out
        from taxonomy.views.map import NAME, map_parquet
        from taxonomy.views.page import check_size, taxonomy_page

        check_size(len(self.values))
        vectors = self.tree_vectors(progress=progress)
        points = lay_out(vectors.values, progress=stage_of(progress, "laying out the map"))
        html = taxonomy_page(self.tree, vectors=vectors, points=points)
        return {NAME: map_parquet(self.tree, points), "taxonomy.html": html.encode()}
