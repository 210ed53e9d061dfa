"""Sampling, limits and labels as Bedrock's `inferenceConfig`, `requestMetadata`, `serviceTier`, and what a model adds.

Sources, read 2026-11-20: botocore 1.44.5 bedrock-runtime service-2.json (InferenceConfiguration, RequestMetadata);
docs.aws.amazon.com nova2-userguide core-inference.md (Nova's topK; elsewhere `top_k` is unverified); live answers
recorded in vercel/ai packages/amazon-bedrock/src/__fixtures__ (openai-temperature-error, openai-stop-sequences-error,
opus-5-deprecated-*).
"""

from __future__ import annotations

import re

from msgspec import Struct

from proxy.core.conversation import Params
from proxy.translate.bedrock.blocks import Block
from proxy.translate.bedrock.families import Family, Model
from proxy.translate.bedrock.reasoning import Thought
from proxy.translate.bedrock.unsupported import refused
from proxy.translate.bedrock.vocab import TIERS, USUAL_TIERS
from proxy.translate.claude import Sampling

_MOST_LABELS = 16
_LABEL = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,\-.]{1,256}")
_LABEL_VALUE = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,\-.]{0,256}")


class Inference(Struct):
    """`fields`: of `additionalModelRequestFields`."""

    config: Block
    fields: Block
    dropped: list[str]


def write_inference(params: Params, model: Model, thought: Thought) -> Inference:
    """Write sampling and limits, in the ranges and with the members that the model takes.

    Raises:
        Untranslatable: Stop sequences for a model that has none.
    """
    written = Inference({}, {}, [])
    _limits(params, model.family, thought, written)
    sampling = _sampling(params, model.family, written, takes=model.takes_sampling and not thought.thinks)
    if (
        model.claude is not None
        and model.claude.sampling is Sampling.ONE
        and {"temperature", "topP"} <= sampling.keys()
    ):
        del sampling["topP"]
        written.dropped.append("top_p")
    written.config.update(sampling)
    return written


def write_labels(params: Params, dropped: list[str]) -> dict[str, str]:
    """Write the user and the metadata as labels; what Bedrock's patterns refuse is left out and named."""
    wanted = dict(params.metadata or {})
    if params.user:
        wanted["user"] = params.user
    labels = {
        name: value
        for name, value in wanted.items()
        if _LABEL.fullmatch(name) and isinstance(value, str) and _LABEL_VALUE.fullmatch(value)
    }
    kept = dict(list(labels.items())[-_MOST_LABELS:])
    if params.user and "user" not in kept:
        dropped.append("user")
    if any(name not in kept for name in params.metadata or {}):
        dropped.append("metadata")
    return kept


def service_tier(params: Params, dropped: list[str]) -> str:
    """Give Bedrock's tier; "" where the request wants the usual one."""
    if params.service_tier in TIERS:
        return params.service_tier
    if params.service_tier not in USUAL_TIERS:
        dropped.append("service_tier")
    return ""


def _limits(params: Params, family: Family, thought: Thought, written: Inference) -> None:
    most = params.max_tokens if thought.max_tokens is None else thought.max_tokens
    if most:
        written.config["maxTokens"] = most
    elif params.max_tokens is not None:
        written.dropped.append("max_tokens")
    stops = [stop for stop in params.stop if stop.strip()]  # blank ones are refused
    if any(stop.isspace() for stop in params.stop):
        written.dropped.append("stop")
    if stops and family in (Family.GPT, Family.GPT_OSS):
        raise refused("stops", "stop")
    if stops:
        written.config["stopSequences"] = stops


def _sampling(params: Params, family: Family, written: Inference, *, takes: bool) -> Block:
    """Write what is to be drawn from, within Bedrock's ranges; where none of it is taken, name what was asked.

    What only says the default is not named.
    """
    asked = {"temperature": params.temperature, "top_p": params.top_p, "top_k": params.top_k}
    if not takes:
        written.dropped += [name for name, value in asked.items() if value is not None and value != 1]
        return {}
    config: Block = {}
    if params.temperature is not None:
        config["temperature"] = min(max(params.temperature, 0.0), 1.0)
    if params.top_p is not None:
        config["topP"] = min(max(params.top_p, 0.0), 1.0)
    if params.top_k is not None:
        written.fields.update(_top_k(params.top_k, family, written.dropped))
    return config


def _top_k(value: int, family: Family, dropped: list[str]) -> Block:
    match family:
        case Family.CLAUDE | Family.MISTRAL:
            return {"top_k": value}
        case Family.NOVA | Family.NOVA_2:
            return {"inferenceConfig": {"topK": value}}
        case _:
            dropped.append("top_k")
            return {}
