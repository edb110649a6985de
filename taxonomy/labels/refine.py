"""Moves of doubtful members to a node beside theirs, by the votes of a language model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from embeddings.progress import Progress
from taxonomy.labels.answers import KEEP, MoveAnswer, moves_form, refuse_moves
from taxonomy.labels.prompt_texts import prompt_text
from taxonomy.labels.surroundings import Surroundings
from taxonomy.llm.question import Question, Refusal
from taxonomy.llm.settling import Asker, Problem, settle
from taxonomy.model import Node
from taxonomy.model.draft import Draft

# Members with a confidence below it are asked about; 0.5 is a tie.
_DOUBT = 0.55
_MOST = 20
# A node keeps this many children.
LEAST = 2


@dataclass(frozen=True)
class Refined:
    """How many votes were asked for and members moved, which nodes changed by it, and votes that got no answer."""

    questions: int
    moved: int
    changed: frozenset[str]
    failed: tuple[tuple[Node, Problem], ...]


def refine_places(
    around: Surroundings, asker: Asker, votes: int, only: Collection[str], progress: Progress | None = None
) -> Refined:
    """Ask about each node's doubtful members, and move those for which one choice gets more than half of the votes.

    Parameters
    ----------
    around : Surroundings
        Its draft is changed in place: parents, and the share of votes of each member asked about.
    asker : Asker
        What gets the questions answered.
    votes : int
        How often each question is asked; a vote without an answer counts for no choice.
    only : collection of str
        Ids of the members that may be asked about.
    progress : callable, optional
        Called with (questions answered, questions in all).
    """
    draft = around.draft
    asked = [pair for level in range(1, draft.top + 1) for pair in _doubtful(around, level, only)]
    questions: list[Question] = []
    named: dict[tuple[str, int], dict[str, str]] = {}
    for node, members in asked:
        choices = around.beside(node.id)
        for vote in range(votes):
            # Each vote sees the choices in another order, so that no place in the list is favoured.
            shift = vote * len(choices) // votes
            question, ids = _question(node, members, choices[shift:] + choices[:shift], vote)
            questions.append(question)
            named[node.id, vote] = ids
    ballots: dict[str, Counter[str]] = {member.id: Counter() for _, members in asked for member in members}

    def refuse(question: Question, answer: MoveAnswer) -> Refusal | None:
        members, choices = ([entry["id"] for entry in question.data[part]] for part in ("members", "choices"))
        if reason := refuse_moves(answer, members, choices):
            return Refusal(reason)
        ids = named[question.subject, question.number]
        for move in answer.moves:
            ballots[ids[move.member]][ids.get(move.choice, KEEP)] += 1
        return None

    problems = settle(asker, questions, refuse, progress)
    moved, changed = 0, set()
    for member, ballot in ballots.items():
        choice, count = max(ballot.items(), key=lambda item: (item[1], item[0])) if ballot else (KEEP, 0)
        target = choice if 2 * count > votes and _may_move(draft, member, choice) else KEEP
        if target != KEEP:
            changed |= {str(draft.nodes[member].parent), target}
            around.move(member, target)
            moved += 1
        if ballot:
            _note_votes(draft, member, ballot[target] / votes)
    failed = zip((draft.nodes[question.subject] for question in questions), problems, strict=True)
    return Refined(
        len(questions), moved, frozenset(changed), tuple((node, problem) for node, problem in failed if problem)
    )


def _note_votes(draft: Draft, id: str, votes: float) -> None:
    """Note the share of votes by which a node stays or was moved."""
    placement = draft.nodes[id].placement
    assert placement is not None
    draft.change(id, placement=placement.model_copy(update={"votes": round(votes, 6)}))


def _doubtful(around: Surroundings, level: int, only: Collection[str]) -> list[tuple[Node, list[Node]]]:
    """Return the nodes of a level that have others beside them, each with its most doubtful members."""
    pairs = []
    for node in around.level(level):
        doubtful = [
            (member.placement.confidence, member.id, member)
            for member in around.children(node.id)
            if member.id in only
            and member.placement is not None
            and (member.placement.confidence < _DOUBT or member.has_unknown_words)
        ]
        if doubtful and around.beside(node.id):
            pairs.append((node, [member for *_, member in sorted(doubtful, key=lambda item: item[:2])[:_MOST]]))
    return pairs


def _question(
    node: Node, members: Sequence[Node], choices: Sequence[Node], vote: int
) -> tuple[Question, dict[str, str]]:
    """Return a question, and the node that each id in it stands for: short ids that hold nothing that was read."""
    ids = {f"m{number}": choice.id for number, choice in enumerate(members, 1)}
    member_ids = tuple(ids)
    ids |= {f"c{number}": choice.id for number, choice in enumerate(choices, 1)}
    choice_ids = tuple(ids)[len(member_ids) :]
    data: dict[str, Any] = {
        "node": {"name": node.label, "definition": node.definition},
        "members": [{"id": id, "name": choice.label} for id, choice in zip(member_ids, members, strict=True)],
        "choices": [
            {"id": id, "name": choice.label, "definition": choice.definition}
            for id, choice in zip(choice_ids, choices, strict=True)
        ],
    }
    assumed = MoveAnswer(moves=tuple(MoveAnswer.Move(member=id, choice=KEEP) for id in member_ids))
    form = moves_form(member_ids, choice_ids)
    return Question(node.id, "move", prompt_text("move"), data, form, assumed, number=vote), ids


def _may_move(draft: Draft, member: str, target: str) -> bool:
    """Say whether a move leaves the node's parent with children enough, and meets no namesake."""
    if target == KEEP:
        return False
    node = draft.nodes[member]
    namesakes = {child.label for child in draft.children(target)}
    return len(draft.children(str(node.parent))) > LEAST and node.label not in namesakes
