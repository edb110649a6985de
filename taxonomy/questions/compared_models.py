"""What models differ in, once it is taken into account what each is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from taxonomy.errors import InputError, check_type
from taxonomy.mentions.disclosure import PUBLIC, Disclosure
from taxonomy.mentions.placed import PlacedMentions, count_conversations, count_nodes
from taxonomy.mentions.statistics import correct_p_values, difference_interval, wilson_interval
from taxonomy.questions.answer import Answer
from taxonomy.questions.arguments import check_column, check_disclosure, check_mentions
from taxonomy.questions.asking import Asking, answer_alone
from taxonomy.questions.crossing import UNKNOWN, cross
from taxonomy.questions.strata import compare_strata


@dataclass(frozen=True)
class Models:
    """How models differ.

    Attributes
    ----------
    table : DataFrame
        One row a node and model that are disclosed, the top level first, then the least ``p``: ``level``, ``node`` (its
        id), ``label``, ``model``; ``conversations``, their ``share`` of the model's and its 95% Wilson interval ``low``
        to ``high``; ``others_share``; ``difference`` of the two, above 0 where the model has more, with its 95%
        interval ``difference_low`` to ``difference_high``; ``controlled_difference``, of shares standardised to the
        strata, with ``controlled_low`` to ``controlled_high``; ``odds_ratio`` (Mantel-Haenszel) with ``odds_low`` to
        ``odds_high``; ``p`` of the Cochran-Mantel-Haenszel test, ``p_bonferroni`` and ``p_fdr`` (Benjamini-Hochberg),
        corrected for all nodes and models of the level; and ``only``, whether no other model expresses it.
    control : str or None
        The column of the strata.
    suppressed : int
        Cells that are not disclosed, those that would give others away among them.
    disclosure : Disclosure
        What `table` was disclosed by.
    """

    table: pd.DataFrame
    control: str | None
    suppressed: int
    disclosure: Disclosure

    def answer(self) -> Answer:
        """Return it in the form of all answers: the figure ``control`` and the table ``differences``."""
        return Answer(
            question="models",
            sides=("ai",),
            figures={"control": self.control},
            tables={"differences": self.table},
            suppressed=self.suppressed,
            internal=self.disclosure.is_internal,
        )


def compare_models(ai: PlacedMentions, *, control: str | None = "task", disclosure: Disclosure = PUBLIC) -> Models:
    """Compare each model with all others.

    Parameters
    ----------
    ai : PlacedMentions
        Of the AI's side.
    control : str or None
        A column of conversations whose differences between models do not count; None compares models as they are.
    disclosure : Disclosure
        The least that a figure is disclosed from; by default 15 conversations and 5 users.

    Returns
    -------
    Models
        Its `table` has a row for each node and model.

    Raises
    ------
    InputError
        If fewer than two models are known, there is no such column, or an argument is of another type.

    Notes
    -----
    Within strata all cells are used, also those too small to be disclosed; only their sums are published, rounded to 4
    places.
    """
    check_mentions(ai, "ai", side="ai")
    check_disclosure(disclosure)
    check_type(control, (str, type(None)), "control", "give a column of conversations, or None")
    if control is not None:
        check_column(ai, control, "control")
    return answer_alone(ask_models(ai, control, disclosure=disclosure), disclosure)


def ask_models(ai: PlacedMentions, control: str | None, *, disclosure: Disclosure) -> Asking[Models]:
    """Ask what `compare_models` answers."""
    if "model" not in ai.records.contexts:
        raise InputError("no model is known", column="model", remedy="give conversations with their model")
    crossing = yield from cross(ai, "model")
    names = [name for name in crossing.categories.index if name != UNKNOWN]
    if len(names) < 2:
        raise InputError("fewer than two models are known", column="model", remedy="give conversations of two or more")
    strata = [] if control is None else [control]
    counted = count_nodes(ai, ["model", *strata])
    contexts = sorted(counted[control].unique()) if control else []
    sizes = _array(count_conversations(ai.records, ["model", *strata]), {"model": names}, control, contexts)
    tables = []
    for level in sorted(crossing.nodes["level"].unique(), reverse=True):
        whole = crossing.nodes[crossing.nodes["level"] == level].set_index("node")["conversations"]
        cells = crossing.cells[(crossing.cells["level"] == level) & crossing.cells["node"].isin(whole.index)]
        of_level = counted[counted["level"] == level]
        nodes = sorted(of_level["node"].unique())
        counts = _array(of_level, {"node": nodes, "model": names}, control, contexts)
        compared = pd.concat(
            [
                _compare(cells[cells["category"] == name]["node"], nodes, counts, sizes, index).assign(model=name)
                for index, name in enumerate(names)
            ],
            ignore_index=True,
        )
        # Suppressed cells count as tests that found nothing.
        padded = np.ones(max(len(whole) * len(names), len(compared)))
        padded[: len(compared)] = compared["p"]
        compared["p_bonferroni"] = correct_p_values(padded, "bonferroni")[: len(compared)]
        compared["p_fdr"] = correct_p_values(padded, "fdr_bh")[: len(compared)]
        # All conversations with it are of this model.
        compared["only"] = compared["conversations"].to_numpy() == compared["node"].map(whole).to_numpy()
        tables.append(compared.assign(level=int(level)))
    table = pd.concat(tables, ignore_index=True)
    table["label"] = table["node"].map(ai.labels)
    order = ["level", "p", "label", "model"]
    table = table.sort_values(order, ascending=[False, True, True, True], ignore_index=True)
    named = ["level", "node", "label", "model"]
    table = table[[*named, *(name for name in table.columns if name not in named)]]
    return Models(table, control, crossing.suppressed, disclosure)


def _array(
    cells: pd.DataFrame, axes: Mapping[str, Sequence[str]], control: str | None, contexts: Sequence[str]
) -> NDArray[np.float64]:
    """Return conversations as an array with one axis for each of `axes`, and a last one for the strata."""
    all_axes = {**axes, control: contexts} if control else dict(axes)
    cells = cells[np.logical_and.reduce([cells[name].isin(values) for name, values in all_axes.items()])]
    array = np.zeros([len(values) for values in all_axes.values()])
    where = tuple(pd.Index(values).get_indexer(pd.Index(cells[name])) for name, values in all_axes.items())
    array[where] = cells["conversations"]
    return array if control else array[..., None]


def _compare(
    disclosed: pd.Series[str], nodes: Sequence[str], counts: NDArray[np.float64], sizes: NDArray[np.float64], model: int
) -> pd.DataFrame:
    """Compare one model with all others, at the nodes that are disclosed of it."""
    kept = pd.Index(nodes).get_indexer(pd.Index(disclosed))
    own, others = counts[kept, model], counts[kept].sum(axis=1) - counts[kept, model]
    size, other_size = sizes[model], sizes.sum(axis=0) - sizes[model]
    count, other, n, m = own.sum(axis=1), others.sum(axis=1), size.sum(), other_size.sum()
    low, high = wilson_interval(count, n)
    difference_low, difference_high = difference_interval(count, n, other, m)
    within = compare_strata(own, size, others, other_size)
    return pd.DataFrame(
        {
            "node": disclosed.to_numpy(),
            "conversations": count.astype(int),
            "share": count / n,
            "low": low,
            "high": high,
            "others_share": other / m,
            "difference": count / n - other / m,
            "difference_low": difference_low,
            "difference_high": difference_high,
            "controlled_difference": within.difference.round(4),
            "controlled_low": within.difference_low.round(4),
            "controlled_high": within.difference_high.round(4),
            "odds_ratio": within.odds_ratio.round(4),
            "odds_low": within.odds_low.round(4),
            "odds_high": within.odds_high.round(4),
            "p": within.p,
        }
    )
