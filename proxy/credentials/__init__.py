"""How a request is signed for a vendor: header schemes now, SigV4 and OAuth with the dialects. Pure."""
