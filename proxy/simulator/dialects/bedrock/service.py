"""Bedrock's operations as rows of the simulator's table: the runtime's, and of the control plane the model list."""

from __future__ import annotations

from proxy.core.call import Dialect
from proxy.core.errors import MalformedRequest
from proxy.core.usage import Usage
from proxy.simulator.answers import Serial, Speaker, prompt_tokens
from proxy.simulator.behaviour import Vendor
from proxy.simulator.dialects.bedrock import fields
from proxy.simulator.dialects.bedrock.reading import admit, checked, heard, read
from proxy.simulator.dialects.bedrock.rendering import WIRE, frames, whole
from proxy.simulator.dialects.service import Service, always, never, only, plain, said_by, told
from proxy.simulator.modelnames import existing, listed
from proxy.simulator.paths import Endpoint, Operation
from proxy.simulator.question import Content, Question
from proxy.simulator.shapes import Json, decoded
from proxy.simulator.text import count_tokens
from proxy.simulator.vectors import DEFAULT_DIMENSIONS, floats


def _converse(question: Question, speaker: Speaker, serial: Serial) -> Content:
    return told(said_by(read(question), question, speaker, serial), question, whole, frames)


def _count(question: Question, _: Speaker, __: Serial) -> Content:
    asked = checked(question, fields.COUNT)["input"]
    if not asked.get("converse"):
        raise MalformedRequest("The simulator counts the tokens of converse requests only.")
    return plain({"inputTokens": prompt_tokens(heard(asked["converse"]).request)})


def _invoke(question: Question, _: Speaker, serial: Serial) -> Content:
    """Embed as the model's family does: Titan takes one text, Cohere's models take many."""
    given = decoded(question.body)
    if isinstance(given, dict) and "texts" in given:
        body = checked(question, fields.COHERE_EMBED)
        texts, size = body["texts"], body.get("output_dimension", DEFAULT_DIMENSIONS)
        rows = [floats(text, size) for text in texts]
        by_type = "embedding_types" in body
        answer: Json = {
            "id": f"simulated{serial.number:08x}",
            "texts": texts,
            "embeddings": {"float": rows} if by_type else rows,
            "response_type": "embeddings_by_type" if by_type else "embeddings_floats",
        }
        return plain(answer, Usage(prompt_tokens=count_tokens(texts)))
    body = checked(question, fields.TITAN_EMBED)
    vector = floats(body["inputText"], body.get("dimensions", DEFAULT_DIMENSIONS))
    tokens = count_tokens([body["inputText"]])
    titan = {"embedding": vector, "embeddingsByType": {"float": vector}, "inputTextTokenCount": tokens}
    return plain(titan, Usage(prompt_tokens=tokens))


def _models(question: Question, _: Speaker, __: Serial) -> Content:
    if question.route.model is not None:
        return plain({"modelDetails": _model(existing(question.route.model))})
    return plain({"modelSummaries": [_model(name) for name in listed(question.models)]})


def _model(name: str) -> Json:
    return {
        "modelId": name,
        "modelArn": f"arn:aws:bedrock:us-east-1::foundation-model/{name}",
        "modelName": name,
        "providerName": "Simulator",
        "inputModalities": ["TEXT", "IMAGE"],
        "outputModalities": ["TEXT"],
        "responseStreamingSupported": True,
        "customizationsSupported": [],
        "inferenceTypesSupported": ["ON_DEMAND"],
        "modelLifecycle": {"status": "ACTIVE"},
    }


def _profiles(_: Question, __: Speaker, ___: Serial) -> Content:
    return plain({"inferenceProfileSummaries": []})


_CHAT = Service(
    Dialect.BEDROCK,
    Operation.CHAT,
    _converse,
    only(WIRE),
    Vendor.BEDROCK,
    never,
    admit,
    request_id="x-amzn-requestid",
    policy_answers=True,
)
_OTHER = _CHAT._replace(policy_answers=False)

SERVICES = {
    Endpoint.CONVERSE: _CHAT,
    Endpoint.CONVERSE_STREAM: _CHAT._replace(stream=always),
    Endpoint.INVOKE: _OTHER._replace(operation=Operation.EMBEDDINGS, answer=_invoke),
    Endpoint.BEDROCK_TOKENS: _OTHER._replace(operation=Operation.COUNT_TOKENS, answer=_count),
    Endpoint.FOUNDATION_MODELS: _OTHER._replace(operation=Operation.MODELS, answer=_models, method="GET"),
    Endpoint.INFERENCE_PROFILES: _OTHER._replace(operation=Operation.MODELS, answer=_profiles, method="GET"),
}
