"""What OpenAI chat cannot say of a request in another dialect, and what becomes of it."""

from __future__ import annotations

from proxy.translate.lacks import ASSISTANT_IMAGE, FOREIGN_FILE, NOTHING_KEPT, Hint, Lacks, Refused

UNSUPPORTED = Lacks(
    top_k=Hint("no member of OpenAI's; sent only to providers that take it"),
    metadata=Hint("refused by OpenAI unless it stores the answer"),
    store=NOTHING_KEPT,
    include=Hint("asks Responses for what chat answers by itself or never"),
    truncation=Hint("chat refuses what is too long"),
    max_tool_calls=Hint("counts calls of tools that the provider runs itself"),
    context_management=Hint("chat has no compaction"),
    audio_url=Refused("This provider takes audio only as data in the request, not by URL.", "audio"),
    image_file=Refused("This provider takes images only as data or by URL, not by a file's id.", "images"),
    document_url=Refused("This provider takes documents only as data in the request, not by URL."),
    foreign_file=FOREIGN_FILE,
    assistant_image=ASSISTANT_IMAGE,
)
refused = UNSUPPORTED.refused
