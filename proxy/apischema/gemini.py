"""Google's generateContent JSON, of the Gemini API and of Vertex; no logic.

Both sides of it are read with these types. Members that Fairlead does not interpret are `Raw`; members it does not know
are not here: an answer's are ignored, a request's are found by comparing names with `proxy.translate.gemini`.

Source: google-genai SDK 3.4.0, google/genai/types.py and models.py, read 2026-11-20.
"""

from __future__ import annotations

from msgspec import UNSET, Raw, Struct, UnsetType

from proxy.core.usage import Count

Json = Raw | UnsetType


class Blob(Struct, rename="camel", gc=False):
    mime_type: str = ""
    data: str = ""


class FileData(Struct, rename="camel", gc=False):
    file_uri: str = ""
    mime_type: str | None = None
    display_name: str | None = None


class FunctionCall(Struct, rename="camel"):
    name: str = ""
    args: Json = UNSET
    id: str | None = None


class FunctionResponsePart(Struct, rename="camel"):
    inline_data: Blob | None = None
    file_data: FileData | None = None


class FunctionResponse(Struct, rename="camel"):
    name: str = ""
    id: str | None = None
    response: Json = UNSET
    parts: list[FunctionResponsePart] | None = None


class Part(Struct, rename="camel"):
    """One of its kinds is there; the four at the end are Google's alone, and so is what may stand beside them."""

    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    function_call: FunctionCall | None = None
    function_response: FunctionResponse | None = None
    inline_data: Blob | None = None
    file_data: FileData | None = None
    executable_code: Json = UNSET
    code_execution_result: Json = UNSET
    tool_call: Json = UNSET
    tool_response: Json = UNSET
    media_resolution: Json = UNSET
    video_metadata: Json = UNSET


class Content(Struct, rename="camel"):
    """Vertex takes one part without a list too."""

    role: str | None = None
    parts: list[Part] | Part | None = None


class FunctionDeclaration(Struct, rename="camel"):
    name: str
    description: str | None = None
    parameters: Json = UNSET
    parameters_json_schema: Json = UNSET
    behavior: Json = UNSET
    response: Json = UNSET
    response_json_schema: Json = UNSET


class FunctionCallingConfig(Struct, rename="camel"):
    mode: str | None = None
    allowed_function_names: list[str] | None = None


class ThinkingConfig(Struct, rename="camel"):
    include_thoughts: bool | None = None
    thinking_budget: int | None = None
    thinking_level: str | None = None


class GenerationConfig(Struct, rename="camel"):
    """Those members that other vendors have too."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: float | None = None
    candidate_count: int | None = None
    max_output_tokens: int | None = None
    stop_sequences: list[str] | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    response_logprobs: bool | None = None
    logprobs: int | None = None
    response_mime_type: str | None = None
    response_schema: Json = UNSET
    response_json_schema: Json = UNSET
    thinking_config: ThinkingConfig | None = None


class LogprobsToken(Struct, rename="camel"):
    token: str = ""
    log_probability: float = 0.0


class TopCandidates(Struct, rename="camel"):
    candidates: list[LogprobsToken] | None = None


class LogprobsResult(Struct, rename="camel"):
    chosen_candidates: list[LogprobsToken] | None = None
    top_candidates: list[TopCandidates] | None = None


class Candidate(Struct, rename="camel"):
    content: Content | None = None
    finish_reason: str | None = None
    index: int | None = None
    logprobs_result: LogprobsResult | None = None


class PromptFeedback(Struct, rename="camel"):
    block_reason: str | None = None
    block_reason_message: str | None = None


class ModalityCount(Struct, rename="camel"):
    modality: str | None = None
    token_count: Count | None = None


class UsageMetadata(Struct, rename="camel"):
    prompt_token_count: Count | None = None
    cached_content_token_count: Count | None = None
    candidates_token_count: Count | None = None
    thoughts_token_count: Count | None = None
    tool_use_prompt_token_count: Count | None = None
    total_token_count: int | None = None
    prompt_tokens_details: list[ModalityCount] | None = None
    candidates_tokens_details: list[ModalityCount] | None = None
    cache_tokens_details: list[ModalityCount] | None = None
    tool_use_prompt_tokens_details: list[ModalityCount] | None = None
    traffic_type: str | None = None
    service_tier: str | None = None


class GenerateContentResponse(Struct, rename="camel"):
    """A whole answer, or one chunk of a stream. `error` stands in a stream alone."""

    candidates: list[Candidate] | None = None
    prompt_feedback: PromptFeedback | None = None
    usage_metadata: Json = UNSET
    response_id: str | None = None
    model_version: str | None = None
    create_time: str | None = None
    error: Json = UNSET


class ContentEmbedding(Struct):
    values: list[float]


class BatchEmbedContentsResponse(Struct, rename="camel"):
    embeddings: list[ContentEmbedding]


class EmbedContentResponse(Struct, rename="camel"):
    embedding: ContentEmbedding


class PredictionStatistics(Struct):
    token_count: Count | None = None


class PredictedEmbedding(Struct):
    values: list[float]
    statistics: Json = UNSET


class Prediction(Struct):
    embeddings: PredictedEmbedding


class PredictResponse(Struct):
    """Vertex's `:predict` of its own embedding models; `statistics` is in snake case there."""

    predictions: list[Prediction]


class CountTokensResponse(Struct, rename="camel"):
    total_tokens: int
