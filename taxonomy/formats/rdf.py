"""Read an RDF graph from one file; references to other files and addresses are not followed."""

from __future__ import annotations

import json
import logging
import warnings
from pathlib import Path
from typing import Any
from xml.sax.handler import LexicalHandler, property_lexical_handler

import rdflib
from rdflib.parser import PythonInputSource, create_input_source
from rdflib.plugins.parsers.rdfxml import create_parser

from taxonomy.errors import InputError
from taxonomy.formats.skos import Form

_NAMES = {"turtle": "Turtle", "xml": "RDF/XML", "json-ld": "JSON-LD"}
# Base of relative IRIs. The path of the file would show in the ids.
_BASE = "urn:relative:"


def parse_rdf(path: Path, form: Form) -> rdflib.Graph:
    """Read a file as a graph.

    Parameters
    ----------
    path : Path
    form : {"turtle", "xml", "json-ld"}

    Raises
    ------
    InputError
        If it can't be read, or refers to other documents: a JSON-LD context by its address, or a document type
        of XML, which declares entities.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        remedy = "give the path of a file that can be read"
        raise InputError(f"cannot be read: {error.strerror}", path=str(path), remedy=remedy) from error
    graph = rdflib.Graph(bind_namespaces="none")
    log = logging.getLogger("rdflib")
    level = log.level
    # rdflib logs each literal that it can't convert; the reader raises an error for those it needs.
    log.setLevel(logging.CRITICAL)
    try:
        _fill(graph, content, form)
    except _RefusedError as error:
        raise InputError(error.problem, path=str(path), remedy=error.remedy) from None
    except MemoryError:
        raise
    except RecursionError as error:
        problem = f"the {_NAMES[form]} cannot be read: nested too deeply"
        raise InputError(problem, path=str(path), remedy="write it without nesting") from error
    except Exception as error:  # rdflib's parsers raise no common class
        reason = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise InputError(f"not {_NAMES[form]}: {reason}", path=str(path), remedy="write the file again") from error
    finally:
        log.setLevel(level)
    return graph


class _RefusedError(Exception):
    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy


def _fill(graph: rdflib.Graph, content: bytes, form: Form) -> None:
    if form == "json-ld":
        document = json.loads(content)
        _check_contexts(document)
        with warnings.catch_warnings():
            # rdflib's JSON-LD parser uses what rdflib deprecates.
            warnings.filterwarnings("ignore", "ConjunctiveGraph is deprecated", DeprecationWarning)
            # Parse the document that was checked: another JSON reader might differ.
            graph.parse(PythonInputSource(document), format=form, publicID=_BASE)
    elif form == "xml":
        source = create_input_source(data=content, format=form, publicID=_BASE)
        parser = create_parser(source, graph)
        parser.setProperty(property_lexical_handler, _NoDocumentType())
        parser.parse(source)
    else:
        graph.parse(data=content, format=form, publicID=_BASE)


class _NoDocumentType(LexicalHandler):
    """Refuses a document type before its entities are read, since nested entities grow exponentially."""

    def startDTD(self, *_: Any) -> None:
        raise _RefusedError(
            "the file has a DOCTYPE, which is not read since it may declare entities",
            "write the entities out, and leave the DOCTYPE out",
        )


def _check_contexts(document: Any) -> None:
    """Refuse a JSON-LD document with a remote context: by address, in a list of any depth, or imported.

    rdflib takes contexts from entries named @context, and fetches strings in them (or in lists in them) and the address
    in @import.
    """
    if not isinstance(document, dict | list):
        raise ValueError("neither an object nor a list")
    items = [document]
    while items:
        item = items.pop()
        if isinstance(item, list):
            items.extend(item)
        elif isinstance(item, dict):
            items.extend(item.values())
            contexts = [item.get("@context")]
            while contexts:
                context = contexts.pop()
                if isinstance(context, list):
                    contexts.extend(context)
                elif isinstance(context, str) or (isinstance(context, dict) and "@import" in context):
                    raise _RefusedError(
                        "the @context is an address, which is not fetched", "write the context into the file"
                    )
