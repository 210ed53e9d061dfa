"""Ranking as vLLM, Jina and others have it beside OpenAI's endpoints.

Source: docs.vllm.ai, "Re-rank API", read 2026-11-20.
"""

from __future__ import annotations

from proxy.core.call import Dialect
from proxy.core.errors import MalformedRequest
from proxy.core.usage import Usage
from proxy.simulator.answers import Serial, Speaker
from proxy.simulator.dialects.service import Service, never, plain
from proxy.simulator.paths import Endpoint, Operation
from proxy.simulator.question import Content, Question
from proxy.simulator.ranking import ranked
from proxy.simulator.shapes import Misfit, anything, decoded, dotted, either, flag, held, many, shape, text, whole
from proxy.simulator.text import count_tokens

_RERANK = shape(
    {
        "model": text,
        "query": text,
        "documents": many(either(text, shape({"text": text}, ("text",))), least=1),
        "top_n": whole(1),
        "return_documents": flag,
        "user": anything,
    },
    ("model", "query", "documents"),
    nulls=True,
)


def _refusal(misfit: Misfit) -> MalformedRequest:
    place = dotted(misfit.path)
    return MalformedRequest(f"{place} is {misfit.wrong.value}.", param=place)


def _rerank(question: Question, _: Speaker, serial: Serial) -> Content:
    body = held(decoded(question.body), _RERANK, _refusal)
    texts = [item if isinstance(item, str) else item["text"] for item in body["documents"]]
    usage = Usage(prompt_tokens=count_tokens([body["query"], *texts]))
    returned = body.get("return_documents") is not False
    rows: list[dict[str, object]] = [
        {"index": index, **({"document": {"text": texts[index]}} if returned else {}), "relevance_score": score}
        for index, score in ranked(body["query"], texts, body.get("top_n"))
    ]
    answer = {
        "id": f"rerank-simulated{serial.number:08x}",
        "model": question.model,
        "usage": {"total_tokens": usage.prompt_tokens, "prompt_tokens": usage.prompt_tokens},
        "results": rows,
    }
    return plain(answer, usage)


SERVICES = {Endpoint.RERANK: Service(Dialect.OPENAI_CHAT, Operation.RERANK, _rerank, stream=never)}
