"""Configuration: from TOML and the environment to an immutable snapshot, with every problem at once."""
