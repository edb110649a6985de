import hashlib
import json

from tests.llm.labelling import answering, move_first


def dig(tree):
    return hashlib.sha256(
        json.dumps([[n.label, n.definition, n.parent, n.label_source] for n in tree.nodes]).encode()
    ).hexdigest()[:16]


def test_zz(label, server):
    d = label()
    print("ZZ", dig(d.tree), len(server.requests), d.named)
    server.answer = answering(move_first)
    d = label(refine=True, votes=2)
    print("ZZ", dig(d.tree), len(server.requests), d.named, d.moved)
