"""Why Avni, or the identity provider it names, does not let us in: one word each, with what an administrator does.

The word travels with `SignInFailed.detail`; cause and remedy are the sentences people read (avni.md A38 to A42, A52 to
A59). Nothing a server said is repeated here.
"""

from __future__ import annotations

from dataclasses import dataclass

from common.http import HttpSession, Reply, Request, SignInFailed

__all__ = ["REFUSALS", "Refusal", "refused"]


@dataclass(frozen=True)
class Refusal:
    """One reason. `cause` and `remedy` are whole sentences."""

    word: str
    cause: str
    remedy: str


def refused(session: HttpSession, request: Request, refusal: Refusal, reply: Reply | None = None) -> SignInFailed:
    """The error for a refusal, to be raised."""
    return session.error(SignInFailed, request, refusal.cause.removesuffix("."), reply, refusal.word)


_THEN_RUN = "then run the flow."
_ENTER = "in the connection to Avni, then check it."

UNSAID = Refusal(
    "",
    "Avni refuses to sign us in.",
    f"Enter the right user name and password {_ENTER}",
)
WRONG_PASSWORD = Refusal(
    "wrong-password",
    "Avni does not accept the user name and password of the connection.",
    f"Enter the right ones {_ENTER} Nothing is tried again until then, because that could lock the account.",
)
PASSWORD_CHANGED = Refusal(
    "password-changed",
    "Our sign-in to Avni ran out, and the password with which it began is not accepted any more.",
    f"Somebody changed the password: enter the new one {_ENTER}",
)
EMPTY = Refusal(
    "empty",
    "The user name or the password for Avni is empty.",
    f"Enter both {_ENTER}",
)
UNKNOWN_USER = Refusal(
    "unknown-user",
    "Avni does not know the user of the connection.",
    f"Correct the user name {_ENTER} If it is right, have the user created in Avni.",
)
UNKNOWN_USER_OR_OLD = Refusal(
    "unknown-user-or-old-avni",
    "Avni knows no such user, or is too old to give tokens (before release 12).",
    "Check the user name and the address of the connection. For an older Avni choose to sign in where the server says.",
)
TOKENS_NOT_ALLOWED = Refusal(
    "tokens-not-allowed",
    "The settings of our user in Avni do not allow it to generate tokens.",
    f"Have that setting switched on for the user, {_THEN_RUN} Or choose another way to sign in.",
)
NO_PROVIDER = Refusal(
    "no-provider",
    "Avni gave no token: it runs without an identity provider.",
    f"Choose to sign in with the user name only {_ENTER}",
)
OTHER_PROVIDER = Refusal(
    "other-provider",
    "Avni does not sign its users in where the connection says.",
    f"Choose to sign in where the server says {_ENTER}",
)
NO_DETAILS = Refusal(
    "no-details",
    "Avni does not say where it signs its users in.",
    "Check the address of the connection. If it is right, choose to exchange user name and password for a token.",
)
UNSAFE_PROVIDER = Refusal(
    "unsafe-provider",
    "Avni names an identity provider to which no password may be sent: its address is none, or is not encrypted while "
    "Avni's own is.",
    f"Have whoever runs Avni correct the address it names, {_THEN_RUN}",
)
PROVIDER_SETTINGS = Refusal(
    "provider-settings",
    "The identity provider does not know the application that Avni names (its pool, realm or client).",
    f"Have whoever runs Avni compare these settings with the identity provider, {_THEN_RUN}",
)
WAY_CLOSED = Refusal(
    "way-closed",
    "The identity provider does not let Avni's users sign in the way the connection says.",
    "Choose another way to sign in, or have this one switched on at the identity provider (SRP or password "
    "authentication at Cognito, direct access grants at Keycloak), then check the connection.",
)
NEW_PASSWORD = Refusal(
    "new-password",
    "The identity provider wants our user to choose a new password before it lets it in.",
    f"Sign in to Avni once as this user and choose the password, then enter it {_ENTER}",
)
PASSWORD_EXPIRED = Refusal(
    "password-expired",
    "The first password of our user was not used in time and is no longer valid.",
    "Have an administrator of Avni set a new one, sign in to Avni once as this user and choose the lasting password, "
    f"then enter it {_ENTER}",
)
PASSWORD_RESET = Refusal(
    "password-reset",
    "An administrator reset the password of our user, and no new one was chosen since.",
    f"Choose a new one in Avni as this user (forgotten password), then enter it {_ENTER}",
)
NOT_CONFIRMED = Refusal(
    "not-confirmed",
    "Our user is not confirmed at the identity provider.",
    f"Have an administrator of Avni confirm it, {_THEN_RUN}",
)
DISABLED = Refusal(
    "disabled",
    "Our user is disabled at the identity provider.",
    f"Have an administrator of Avni enable it, {_THEN_RUN}",
)
LOCKED = Refusal(
    "locked",
    "Our user is locked for a while: a wrong password was given too often.",
    f"Find out who tries it, wait a quarter of an hour, {_THEN_RUN}",
)
NOT_SET_UP = Refusal(
    "not-set-up",
    "Keycloak says that our user's account is not fully set up: something is still asked of the user, such as a new "
    "password, a name, or an e-mail address to be verified.",
    f"Have an administrator of Keycloak clear the user's required actions and fill in its profile, {_THEN_RUN}",
)
FURTHER_PROOF = Refusal(
    "further-proof",
    "The identity provider asks for a further proof, such as a code sent to a telephone, which a service cannot give.",
    f"Have multi-factor authentication switched off for this one user, {_THEN_RUN}",
)
TOKEN_REFUSED = Refusal(
    "token-refused",
    "The identity provider lets our user in, but Avni does not accept it.",
    "Check that the user exists in Avni under this name and, with Keycloak, that its e-mail address is verified, "
    f"{_THEN_RUN}",
)

REFUSALS = (
    WRONG_PASSWORD, PASSWORD_CHANGED, EMPTY, UNKNOWN_USER, UNKNOWN_USER_OR_OLD, TOKENS_NOT_ALLOWED, NO_PROVIDER,
    OTHER_PROVIDER, NO_DETAILS, UNSAFE_PROVIDER, PROVIDER_SETTINGS, WAY_CLOSED, NEW_PASSWORD, PASSWORD_EXPIRED,
    PASSWORD_RESET, NOT_CONFIRMED, DISABLED, LOCKED, NOT_SET_UP, FURTHER_PROOF, TOKEN_REFUSED,
)  # fmt: skip
"""All that have a sentence of their own."""
