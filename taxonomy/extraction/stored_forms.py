"""Drafts and conversations as the text that the spool stores."""

from __future__ import annotations

import json
from datetime import datetime

from taxonomy.extraction.conversation import Conversation, Turn
from taxonomy.extraction.messages import Draft, Message


def dump_draft(draft: Draft) -> str:
    """Return a draft as text, but for how it joins others."""
    messages = [(message.role, message.text, dict(message.left_out)) for message in draft.messages]
    known = (draft.conversation_id, draft.model, draft.user_id, iso(draft.timestamp), dict(draft.contexts))
    return json.dumps((messages, *known))


def load_draft(text: str) -> Draft:
    """Return the draft of a text."""
    messages, conversation_id, model, user_id, time, contexts = json.loads(text)
    read = [Message(role, said, left_out) for role, said, left_out in messages]
    return Draft(read, conversation_id, model, user_id, moment(time), contexts)


def dump_conversation(one: Conversation) -> str:
    """Return a conversation as text."""
    turns = [(turn.side, turn.text, dict(turn.left_out)) for turn in one.turns]
    known = (one.system, one.model, one.user_id, one.language, iso(one.timestamp), dict(one.contexts))
    return json.dumps((one.conversation_id, turns, *known))


def load_conversation(text: str) -> Conversation:
    """Return the conversation of a text."""
    conversation_id, turns, system, model, user_id, language, time, contexts = json.loads(text)
    read = tuple(Turn(side, said, left_out) for side, said, left_out in turns)
    return Conversation(conversation_id, read, system, model, user_id, language, moment(time), contexts)


def iso(time: datetime | None) -> str | None:
    """Return a time as text, which sorts as times do."""
    return None if time is None else time.isoformat()


def moment(text: str | None) -> datetime | None:
    """Return the time of such a text."""
    return None if text is None else datetime.fromisoformat(text)
