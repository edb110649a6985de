"""Whether what may leave of an extraction, and of a taxonomy, tells of anybody."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from embeddings.progress import Progress
from taxonomy.errors import check_type
from taxonomy.extraction.audit.audited_strings import AuditedString, extraction_strings, taxonomy_strings
from taxonomy.extraction.audit.known_words import WORD, fold, without_possessive
from taxonomy.extraction.audit.personal_names import find_names
from taxonomy.extraction.audit.privacy_scale import (
    PASSES,
    Judged,
    PrivacyScore,
    judge_privacy,
    privacy_questions,
)
from taxonomy.extraction.audit.private_patterns import find_patterns
from taxonomy.extraction.audit.spans import Span, mask, separate
from taxonomy.extraction.extraction_files import read_summary, was_purged
from taxonomy.extraction.extraction_folder import PRIVATE
from taxonomy.extraction.noted_answers import NotedAnswers, read_noted, write_noted
from taxonomy.extraction.table_files import table_bytes
from taxonomy.files import check_folder, replace_file
from taxonomy.labels.language_model import LanguageModel
from taxonomy.llm.settling import Asker
from taxonomy.llm.spending import Usage
from taxonomy.mentions.disclosure import PUBLIC, Disclosure
from taxonomy.model import Taxonomy
from taxonomy.progress import StageProgress, stage_of

AUDIT = "audit.parquet"
# What is open, and what is not: the string in full and what a model said of it.
_SHOWN = ("kind", "place", "code", "shown", "conversations", "users", "remedy")
_HIDDEN = ("column", "text", "justification")
_PATTERN, _NAME, _THRESHOLD, _MODEL = "pattern", "name", "threshold", "model"
# Names of models and of languages are no texts in which a person is named.
_WITHOUT_NAMES = ("model", "language")


@dataclass(frozen=True)
class Audit:
    """What was found among the strings that may leave.

    Attributes
    ----------
    findings : DataFrame
        One row a string and what was found in it: ``kind`` ("pattern", "name", "threshold" or "model"), ``place``,
        ``code`` (what it is taken for), ``shown`` (the string with what was found masked), ``conversations``, ``users``
        and ``remedy``. The row's number is the one in ``private/audit.parquet``, which has the strings in full.
    strings : dict of str to int
        Strings that were looked at, by kind.
    asked : int
        Strings that a model was asked about.
    unanswered : dict of str to int
        Of these, those without an answer, by what became of the question: it is not known whether they pass.
    usage : Usage or None
        What was asked.
    """

    findings: pd.DataFrame
    strings: dict[str, int]
    asked: int = 0
    unanswered: dict[str, int] = field(default_factory=dict)
    usage: Usage | None = field(default=None, repr=False)
    # As `findings`, with the strings in full.
    found: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)

    @property
    def passed(self) -> bool:
        """Whether nothing was found, and every question was answered."""
        return self.findings.empty and not self.unanswered

    def to_json(self) -> str:
        """Return it as JSON, without any string in full."""
        rows = self.findings.reset_index(names="finding").astype(object)
        return json.dumps(
            {
                "strings": self.strings,
                "asked": self.asked,
                "unanswered": self.unanswered,
                "findings": rows.where(rows.notna(), None).to_dict("records"),
            },
            indent=1,
            ensure_ascii=False,
        )


def audit_extraction(
    folder: str | Path,
    *,
    taxonomy: Taxonomy | None = None,
    llm: LanguageModel | None = None,
    disclosure: Disclosure = PUBLIC,
    progress: StageProgress | None = None,
    watch: Callable[[Asker], None] | None = None,
) -> Audit:
    """Look at every string of an extraction that may leave, and write what is found to ``private/audit.parquet``.

    Each string is held against patterns (addresses, numbers, keys, accounts), against the thresholds of disclosure,
    and against names of persons, places and firms that are no words of values. With a model each string that no
    pattern is found in is rated on Clio's scale (arXiv 2412.13678) from 1 to 5, of which 3 and more pass.

    Parameters
    ----------
    folder : str or Path
        That of an extraction.
    taxonomy : Taxonomy, optional
        Whose labels, definitions and aliases are looked at, too.
    llm : LanguageModel, optional
    disclosure : Disclosure, optional
        The least conversations and users that a value or a task is of.
    progress : callable, optional
        Called with (stage, strings done, strings in all).
    watch : callable, optional
        Given what asks the model, whose `usage` and `expected` change while it does.

    Returns
    -------
    Audit

    Raises
    ------
    InputError
        If the folder is none of an extraction, or can't be read.
    LanguageModelError
        If the model can't be asked at all. What was answered is stored.
    OutputError
        If what was found can't be written.
    """
    path = Path(folder)
    strings = _strings(path, taxonomy)
    check_folder(path / PRIVATE)
    auditor = _Auditor(strings, disclosure, stage_of(progress, "looking for patterns"))
    usage = None
    judged = Judged()
    if llm is not None:
        check_type(llm, LanguageModel, "llm", "give a taxonomy.LanguageModel")
        texts = auditor.to_ask()
        _note(path, texts, llm)
        with llm.connection.open(stage_of(progress, "in batches")) as asker:
            if watch is not None:
                watch(asker)
            judged = judge_privacy(texts, asker, stage_of(progress, "asking"))
            usage = asker.usage
    found = auditor.find(judged, stage_of(progress, "looking for names"))
    replace_file(path / PRIVATE / AUDIT, _parquet(found), private=True)
    return Audit(
        findings=found[list(_SHOWN)],
        strings=dict(Counter(one.kind for one in strings)),
        asked=0 if llm is None else len(texts),
        unanswered=dict(sorted(judged.unanswered.items())),
        usage=usage,
        found=found,
    )


def plan_audit(folder: str | Path, llm: LanguageModel, *, taxonomy: Taxonomy | None = None) -> Usage:
    """Return what `audit_extraction` would ask of a model."""
    texts = _Auditor(_strings(Path(folder), taxonomy), PUBLIC).to_ask()
    with llm.connection.rehearse() as asker:
        judge_privacy(texts, asker)
        return asker.usage


def _strings(folder: Path, taxonomy: Taxonomy | None) -> list[AuditedString]:
    read_summary(folder)
    strings = extraction_strings(folder)
    if taxonomy is not None:
        check_type(taxonomy, Taxonomy, "taxonomy", "give a taxonomy.Taxonomy")
        strings += taxonomy_strings(taxonomy, strings)
    return strings


def _note(folder: Path, texts: Sequence[str], llm: LanguageModel) -> None:
    """Note what will be asked before it is, so that a purge finds it whatever happens."""
    noted = read_noted(folder)
    if noted is None and not was_purged(folder):
        # Of an older version: a table of some of the answers would pass for one of all.
        return
    noted = noted or NotedAnswers()
    model = llm.connection.endpoint.asked_at
    for question in privacy_questions(texts):
        noted.add(question.digest(model), model)
    write_noted(folder, noted)


class _Auditor:
    """Strings, with the patterns and names that are found in them."""

    def __init__(
        self, strings: Sequence[AuditedString], disclosure: Disclosure, progress: Progress | None = None
    ) -> None:
        self._strings = strings
        self._disclosure = disclosure
        self._patterns: dict[str, list[Span]] = {}
        texts = {one.text for one in strings}
        for text in texts:
            self._patterns[text] = find_patterns(text)
            if progress is not None:
                progress(len(self._patterns), len(texts))

    def to_ask(self) -> list[str]:
        """Return the strings that a model is to judge: those with an address or a key need no judge, and go nowhere."""
        return sorted(text for text, spans in self._patterns.items() if not spans)

    def find(self, judged: Judged, progress: Progress | None = None) -> pd.DataFrame:
        """Return what is found, with the strings in full."""
        failed = {text for text, score in judged.scores.items() if score.score < PASSES}
        of_values = self._words_of(one for one in self._strings if one.is_of_values and self._is_common(one, failed))
        of_nodes = self._words_of(
            one for one in self._strings if one.vouches and not self._patterns[one.text] and one.text not in failed
        )
        rows = []
        for done, one in enumerate(self._strings, 1):
            if progress is not None:
                progress(done, len(self._strings))
            vocabulary = of_values if one.is_of_taxonomy else of_values | of_nodes
            names = [] if one.kind in _WITHOUT_NAMES else find_names(one.text, vocabulary)
            rows += _rows(one, self._patterns[one.text], names, self._disclosure, judged.scores.get(one.text))
        found = pd.DataFrame(rows, columns=pd.Index([*_SHOWN, *_HIDDEN]))
        found = found.astype({"conversations": "Int64", "users": "Int64"})
        return found.set_index(pd.RangeIndex(1, len(found) + 1))

    def _is_common(self, one: AuditedString, failed: set[str]) -> bool:
        """Say whether a value's words vouch for others: by the thresholds of what is public, whatever is asked for."""
        is_public = one.reach is not None and one.reach.too_few(PUBLIC) is None
        return is_public and not self._patterns[one.text] and one.text not in failed

    @staticmethod
    def _words_of(strings: Iterable[AuditedString]) -> frozenset[str]:
        return frozenset(fold(without_possessive(word)) for one in strings for word in WORD.findall(one.text))


def _rows(
    one: AuditedString, patterns: list[Span], names: list[Span], disclosure: Disclosure, score: PrivacyScore | None
) -> list[dict[str, Any]]:
    """Return the findings of a string: one a kind of thing that is found in it."""
    spans = separate([*patterns, *names])
    masked = mask(one.text, spans)
    whole = f"[{one.kind}]"
    coded = [(_PATTERN, what, masked) for what in dict.fromkeys(span.what for span in patterns)]
    # A name within an address is part of it.
    coded += [(_NAME, _NAME, masked)] if not set(names).isdisjoint(spans) else []
    too_few = None if one.reach is None else one.reach.too_few(disclosure)
    coded += [(_THRESHOLD, too_few, whole)] if too_few is not None else []
    if score is not None and score.score < PASSES:
        coded.append((_MODEL, f"score {score.score}", whole))
    said = "" if score is None else score.justification
    return [
        {
            "kind": kind,
            "place": one.place,
            "code": code,
            "shown": shown,
            "conversations": None if one.reach is None else one.reach.conversations,
            "users": None if one.reach is None else one.reach.users,
            "remedy": one.remedy,
            "column": None if one.is_of_taxonomy else one.kind,
            "text": one.text,
            "justification": said if kind == _MODEL else "",
        }
        for kind, code, shown in coded
    ]


def _parquet(found: pd.DataFrame) -> bytes:
    import pyarrow as pa

    numbers = ("conversations", "users", "finding")
    names = ("finding", *_SHOWN, *_HIDDEN)
    schema = pa.schema([(name, pa.int64() if name in numbers else pa.string()) for name in names])
    return table_bytes(pa.Table.from_pandas(found.reset_index(names="finding"), schema=schema, preserve_index=False))
