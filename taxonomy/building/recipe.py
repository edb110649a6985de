"""How a taxonomy is to be built."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from taxonomy.building.defaults import ABSENCES, ABSENT, METHOD, MIN_CHILDREN, MODEL, RETIRE_AFTER, SEED, STAY
from taxonomy.clustering.names import METHOD_NAMES
from taxonomy.clustering.sizes import check_sizes, default_depth, default_sizes, default_top
from taxonomy.domains import BUNDLED, Domain, load_domains
from taxonomy.errors import InputError, LevelsError, TaxonomyError, check_type
from taxonomy.model import Taxonomy


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a taxonomy is to be built: all that decides it but the values, the version before and the edits.

    Attributes
    ----------
    levels : tuple of int or None
        Exact sizes of the levels between values and top, finest first; by default they follow the number of values.
    domains : tuple of Domain or None
        The top level: by default Practical, Epistemic, Social, Protective and Personal, which come with the package;
        None for one found in the data. A path of a domains file may be given.
    top : int or None
        Nodes of a data-driven top, 5 by default; only without domains.
    model : str
        ``minilm`` (the default), ``mpnet``, a hub name, or a folder.
    device, precision : str or None
        Where the model runs and how, as for `embeddings.load_encoder`.
    method : {"average", "ward", "kmeans", "density"}
        The method of clustering, ``average`` by default.
    min_children : int
        Children that every inner node has at least, wherever a domain has values enough; 2 by default.
    seed : int
        For the methods with a random part; 0 by default.
    stay : float
        How strongly placements hold on to the version before: 0 is the tree as rebuilt, 1 moves nothing; 0.3 by
        default.
    absent : {"dormant", "retire"}
        What becomes of values of the version before that the input does not mention: by default they stay, with a
        weight of 0 and the flag ``dormant``.
    retire_after : int
        How many builds in a row a value may be dormant in; it is retired by the next. 4 by default.
    merge_spellings : bool
        Whether values that are most likely one are merged: British and American spellings, variants of a word, another
        order of words, typos. `taxonomy.lint` proposes them. False by default.

    Raises
    ------
    DomainsError, LevelsError, TaxonomyError
        If a field can't be, or two don't go together.
    """

    levels: Sequence[int] | None = None
    domains: str | Path | Iterable[Domain] | None = BUNDLED
    top: int | None = None
    model: str = MODEL
    device: str | None = None
    precision: str | None = None
    method: str = METHOD
    min_children: int = MIN_CHILDREN
    seed: int = SEED
    stay: float = STAY
    absent: str = ABSENT
    retire_after: int = RETIRE_AFTER
    merge_spellings: bool = False

    def __post_init__(self) -> None:
        """Put the fields into their types, and refuse what can't be."""
        self._check_types()
        if self.method not in METHOD_NAMES:
            raise TaxonomyError(f"`method` is {self.method!r}", remedy=f"choose one of {', '.join(METHOD_NAMES)}")
        if self.top is not None and self.domains is not None:
            raise LevelsError("`top` goes without domains alone: with them, they are the top", remedy="leave it out")
        if self.top is not None and self.top < 1:
            raise LevelsError(f"`top` is {self.top}", remedy="give 1 or more")
        if self.min_children < 2:
            raise LevelsError(f"`min_children` is {self.min_children}", remedy="give 2 or more")
        if not 0 <= self.stay <= 1:
            remedy = "give a number from 0 (as rebuilt) to 1 (nothing moves)"
            raise TaxonomyError(f"`stay` is {self.stay}", remedy=remedy)
        if self.absent not in ABSENCES:
            raise TaxonomyError(f"`absent` is {self.absent!r}", remedy=f"choose one of {', '.join(ABSENCES)}")
        if self.retire_after < 1:
            raise TaxonomyError(
                f"`retire_after` is {self.retire_after}", remedy="give 1 or more, or set `absent` to retire"
            )
        domains = load_domains(Path(self.domains)) if isinstance(self.domains, (str, Path)) else self.domains
        object.__setattr__(self, "domains", None if domains is None else tuple(domains))
        object.__setattr__(self, "levels", None if self.levels is None else tuple(self.levels))

    def _check_types(self) -> None:
        whole, number = "give a whole number", "give a number from 0 to 1"
        for name, kind, remedy in (
            ("top", (int, type(None)), whole),
            ("min_children", int, whole),
            ("seed", int, whole),
            ("stay", (int, float), number),
            ("absent", str, f"choose one of {', '.join(ABSENCES)}"),
            ("retire_after", int, whole),
            ("merge_spellings", bool, "give True or False"),
            ("model", str, "give the name of an embedding model"),
            ("device", (str, type(None)), "give auto, cpu, cuda or cuda:N"),
            ("precision", (str, type(None)), "give fp32 or bf16"),
            ("domains", (str, Path, Iterable, type(None)), "give a domains file, domains, or None"),
        ):
            check_type(getattr(self, name), kind, name, remedy)
        remedy = "give whole numbers, finest level first, such as (266, 26)"
        if self.levels is not None:
            if isinstance(self.levels, str):
                raise InputError("`levels` is a str", remedy=remedy)
            check_type(self.levels, Iterable, "levels", remedy)
            for size in self.levels:
                if not isinstance(size, int):
                    raise InputError(f"`levels` holds a {type(size).__name__}", remedy=remedy)

    @property
    def tops(self) -> tuple[Domain, ...]:
        """The domains; none where the top is found in the data."""
        return tuple(self.domains or ())  # type: ignore[arg-type]

    @property
    def dormant_builds(self) -> int:
        """How many builds in a row a value may be absent from before it is retired."""
        return self.retire_after if self.absent == "dormant" else 0

    def sizes(self, n_values: int, kept: Sequence[int] | None = None) -> tuple[tuple[int, ...], int]:
        """Return the sizes of the levels between values and top, finest first, and of the top.

        Parameters
        ----------
        n_values : int
        kept : sequence of int, optional
            Sizes in the version before, taken where none are asked for.

        Raises
        ------
        LevelsError
            If the sizes asked for can't be levels.
        """
        wanted = self.levels if self.levels is not None else kept
        depth = len(wanted) if wanted is not None else default_depth(n_values)
        n_top = len(self.tops) or self.top or default_top(n_values, depth, self.min_children)
        sizes = tuple(wanted) if wanted is not None else default_sizes(n_values, n_top)
        if self.levels is not None:
            check_sizes(sizes, n_values, n_top)
        elif not self.tops:
            # Edits may have left fewer nodes than the top needs below it.
            least = (n_top * self.min_children**above for above in range(len(sizes), 0, -1))
            sizes = tuple(map(max, sizes, least))
        return sizes, n_top

    def parameters(self, n_top: int) -> dict[str, Any]:
        """Return what provenance says of it, beside method and seed; `n_top` is the size of the top."""
        domains = [{**dataclasses.asdict(domain), "examples": list(domain.examples)} for domain in self.tops]
        # Left out at its default, so that trees without it keep their bytes.
        merging = {"merge_spellings": True} if self.merge_spellings else {}
        return {
            "levels": None if self.levels is None else list(self.levels),
            "top": None if self.tops else n_top,
            "min_children": self.min_children,
            "domains": domains or None,
            **merging,
        }

    @classmethod
    def of(cls, tree: Taxonomy) -> Self:
        """Return the recipe that a taxonomy was built by.

        Raises
        ------
        InputError
            If its provenance does not say.
        """
        provenance, parameters = tree.provenance, tree.provenance.parameters
        try:
            domains = parameters["domains"]
            return cls(
                levels=parameters["levels"],
                domains=None if domains is None else [_domain(domain) for domain in domains],
                top=parameters["top"] if domains is None else None,
                method=str(provenance.method),
                min_children=parameters["min_children"],
                seed=provenance.seed or 0,
                merge_spellings=parameters.get("merge_spellings", False),
            )
        except (KeyError, TypeError, TaxonomyError) as error:
            remedy = "give one that value-taxonomy build wrote"
            raise InputError(f"the taxonomy {tree.id!r} does not say how it was built", remedy=remedy) from error


def _domain(fields: dict[str, Any]) -> Domain:
    return Domain(**{**fields, "examples": tuple(fields["examples"])})
