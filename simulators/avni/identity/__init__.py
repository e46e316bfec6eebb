"""The identity providers beside a simulated Avni: Amazon Cognito and Keycloak, as far as signing in goes.

    store = AvniStore(Settings(idp_type="cognito"))
    with Server(AvniApp(store)) as avni, Server(IdentityApp(store)) as provider: ...

Keycloak is found by `settings.keycloak_url`; Cognito by nobody: a client must be told where it is.
"""

from __future__ import annotations
