"""What ends a look at a stream, as a message id and its parameters."""

from __future__ import annotations

from collections.abc import Mapping

from common.http_errors import RemoteError, SignInFailed, Unreachable
from engine.brake import TooMany
from engine.handing_over import explain_remote
from engine.patience import Silent
from engine.registry import StreamSpec, connector_of
from engine.signing_in import NotAsked
from errors.catalogue import BY_ITSELF, SIGN_IN, SLOW, SOURCE_DOWN, TARGET_DOWN, TOO_MANY, explain
from syncstatus.models import Stream


def message_of(failure: BaseException, spec: StreamSpec) -> tuple[str, dict[str, str]]:
    """Message id and safe parameters for what a server's state or the brake put an end to. Raises all else."""
    match failure:
        case Silent():
            return SLOW, {"side": failure.side}
        case TooMany():
            return TOO_MANY, {}
        case Unreachable() | SignInFailed():
            down = SOURCE_DOWN if failure.side == spec.source_side else TARGET_DOWN
            message = SIGN_IN if isinstance(failure, SignInFailed) else down
            return f"{message}.{failure.detail}" if failure.detail else message, explain_remote(failure)[1]
        case RemoteError():
            return explain_remote(failure)
        case _:
            raise failure


def in_words(failure: RemoteError, stream: Stream) -> str:
    """What a person reads who wanted something of the stream's servers: what happened, and what to do.

    Nothing of that is tried again by itself.
    """
    spec = connector_of(stream.tenant).stream(stream.key)
    unasked = "Nothing was asked now. " if isinstance(failure, NotAsked) else ""
    return unasked + in_words_of(*message_of(failure, spec), stream)


def in_words_of(message: str, params: Mapping[str, str], stream: Stream) -> str:
    """The same of a message id and its parameters."""
    told = explain(message, params, connector_of(stream.tenant).sentences)
    return f"{told.cause} {told.remedy.replace(BY_ITSELF, 'Look again later.')}"
