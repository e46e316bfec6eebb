"""Where the identity providers of Avni answer, as far as Avni does not say it itself."""

from __future__ import annotations

from typing import Final

from avni_integration.settings import env

__all__ = ["AVNI_COGNITO_ENDPOINT"]

AVNI_COGNITO_ENDPOINT: Final = env.text("AVNI_COGNITO_ENDPOINT") or "https://cognito-idp.{region}.amazonaws.com"
"""Address of Amazon Cognito; `{region}` is taken from the pool that the Avni server names.

Another one is needed where Cognito is reached by a private endpoint, in China (…amazonaws.com.cn), and for trials.
"""
