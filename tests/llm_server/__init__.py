"""A server on loopback that speaks the protocols of OpenAI and Anthropic, well or badly, as a test asks."""

from tests.llm_server.answers import GIBBERISH, data_of, good_name, keep_all, kind_of
from tests.llm_server.handler import serve
from tests.llm_server.protocols import Usage
from tests.llm_server.server import Server

__all__ = ["GIBBERISH", "Server", "Usage", "data_of", "good_name", "keep_all", "kind_of", "serve"]
