"""A folder a dialect, each decoding to and encoding from the hub in `core.conversation`. Pure."""
