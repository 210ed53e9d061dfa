"""Ids of users as OpenAI-like vendors take them.

Claude Code's is JSON of some 150 characters. OpenAI takes 64, OpenRouter 128 and DeepSeek no signs.

Source: claude-code 2.1.197; litellm 1.83.0 exception_mapping_utils.py, github.com/maximhq/bifrost/pull/1000 (64),
github.com/ujisati/claude-code-provider-proxy/pull/11 (128), github.com/chenhg5/cc-connect/issues/864, read 2026-11-20.
"""

from __future__ import annotations

import hashlib

_LONGEST = 64


def user_member(user: str) -> dict[str, str]:
    """Write the member `user`, where there is one; a digest of an id that is too long tells users apart as well."""
    if not user:
        return {}
    return {"user": user if len(user) <= _LONGEST else hashlib.sha256(user.encode()).hexdigest()}
