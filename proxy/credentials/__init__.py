"""How a request is signed for a vendor: header schemes, AWS signatures, OAuth's requests and answers. Pure."""
