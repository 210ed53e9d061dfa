"""What cannot be said in OpenAI Responses, or kept of it in another dialect, and what becomes of it."""

from __future__ import annotations

from proxy.translate.lacks import ASSISTANT_IMAGE, FOREIGN_FILE, NOTHING_KEPT, Hint, Lacks, Refused

UNSUPPORTED = Lacks(
    seed=Hint("Responses has no seed"),
    presence_penalty=Hint("Responses has no penalties"),
    frequency_penalty=Hint("Responses has no penalties"),
    top_k=Hint("no member of OpenAI's"),
    logit_bias=Hint("Responses has no biases"),
    prediction=Hint("Responses takes no predicted outputs"),
    audio=Hint("Responses speaks no audio"),
    store=NOTHING_KEPT,
    assistant_image=ASSISTANT_IMAGE,
    audio_input=Refused("This provider takes no audio.", "audio"),
    modalities=Refused("This provider answers in text; leave `modalities` out."),
    choices=Refused("This provider gives one answer to a request: leave out `n` or set it to 1."),
    foreign_file=FOREIGN_FILE,
    stop=Refused("This provider takes no stop sequences."),
    previous_response_id=Refused(
        "`previous_response_id` works only with providers that keep responses; send the whole conversation in "
        "`input` instead."
    ),
    conversation=Refused(
        "`conversation` works only with providers that keep conversations; send the whole conversation in "
        "`input` instead."
    ),
    background=Refused("`background` works only with providers that keep responses."),
    prompt=Refused("`prompt` works only with the provider that keeps the template; send its text instead."),
    item_reference=Refused(
        "No item of this id is kept here, or not any more; send the item itself instead (SDKs do, with `store: false`)."
    ),
    stored_item=Refused(
        "The item is kept by a provider or can be read by it alone; send the conversation's own items instead."
    ),
)
refused = UNSUPPORTED.refused
