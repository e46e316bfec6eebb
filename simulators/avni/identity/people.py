"""Which user a name means at which provider."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulators.avni.metadata import User

if TYPE_CHECKING:
    from simulators.avni.store import AvniStore


def known_to(store: AvniStore, provider: str, username: str) -> User | None:
    """The user of that name, in any case, if this is the provider that knows it."""
    wanted = username.casefold()
    usual = "keycloak" if store.settings.idp_type == "keycloak" else "cognito"
    return next(
        (
            user
            for user in store.users.values()
            if user.username.casefold() == wanted and not user.voided and (user.provider or usual) == provider
        ),
        None,
    )
