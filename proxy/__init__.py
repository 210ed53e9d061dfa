"""Fairlead: an asynchronous, OpenAI-compatible reverse proxy for LLM providers.

The folders are layers; imports point downwards only (`docs/architecture.md`, enforced by import-linter).
"""

__version__ = "0.1.0"
