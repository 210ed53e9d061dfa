"""A secret as the header that its vendor wants."""

from __future__ import annotations

import pytest

from proxy.core.call import Headers
from proxy.core.secret import Secret
from proxy.credentials.header import HeaderScheme, credential_headers


@pytest.mark.parametrize(
    ("scheme", "headers"),
    [
        pytest.param(HeaderScheme.BEARER, ((b"authorization", b"Bearer k\xc3\xa9y"),), id="bearer"),
        pytest.param(HeaderScheme.API_KEY, ((b"api-key", b"k\xc3\xa9y"),), id="azure"),
        pytest.param(HeaderScheme.X_API_KEY, ((b"x-api-key", b"k\xc3\xa9y"),), id="anthropic"),
        pytest.param(HeaderScheme.X_GOOG_API_KEY, ((b"x-goog-api-key", b"k\xc3\xa9y"),), id="google"),
        pytest.param(HeaderScheme.NONE, (), id="none"),
    ],
)
def test_secret_goes_into_the_schemes_header(scheme: HeaderScheme, headers: Headers) -> None:
    assert credential_headers(scheme, Secret("kéy")) == headers


@pytest.mark.parametrize("secret", ["planted\n", "planted\r\nx: y", "planted\0"])
def test_secret_that_would_break_a_header_is_refused_unseen(secret: str) -> None:
    with pytest.raises(ValueError, match="no header may carry") as caught:
        credential_headers(HeaderScheme.BEARER, Secret(secret))
    assert "planted" not in str(caught.value)
