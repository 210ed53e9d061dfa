"""The only network client: two transports behind one seam, tokens of clouds, local processes, probes."""
