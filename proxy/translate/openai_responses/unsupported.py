"""What cannot be said in OpenAI Responses, or kept of it in another dialect, and what becomes of it."""

from __future__ import annotations

from proxy.core.translation import Untranslatable

# Hints, named as in `Params` or by OpenAI chat: left out and told. Everything else: the message of the refusal.
UNSUPPORTED = {
    "frequency_penalty": "Responses has no penalties",
    "presence_penalty": "Responses has no penalties",
    "seed": "Responses has no seed",
    "top_k": "no member of OpenAI's",
    "logit_bias": "Responses has no biases",
    "prediction": "Responses takes no predicted outputs",
    "audio": "Responses speaks no audio",
    "store": "nothing is kept of an answer in another dialect",
    "assistant_image": "This provider does not take images in the assistant's own messages.",
    "audio_input": "This provider takes no audio.",
    "modalities": "This provider answers in text; leave `modalities` out.",
    "choices": "This provider gives one answer to a request: leave out `n` or set it to 1.",
    "foreign_file": "This provider cannot read a file that another vendor keeps; send the file's data.",
    "stop": "This provider takes no stop sequences.",
    "previous_response_id": "`previous_response_id` works only with providers that keep responses; send the whole "
    "conversation in `input` instead.",
    "conversation": "`conversation` works only with providers that keep conversations; send the whole conversation in "
    "`input` instead.",
    "background": "`background` works only with providers that keep responses.",
    "prompt": "`prompt` works only with the provider that keeps the template; send its text instead.",
    "item_reference": "No item of this id is kept here, or not any more; send the item itself instead (SDKs do, with "
    "`store: false`).",
    "stored_item": "The item is kept by a provider or can be read by it alone; send the conversation's own items "
    "instead.",
}


def refused(name: str, param: str, capability: str = "") -> Untranslatable:
    """Make the refusal of something semantic that `UNSUPPORTED` names."""
    return Untranslatable(UNSUPPORTED[name], param=param, capability=capability)
