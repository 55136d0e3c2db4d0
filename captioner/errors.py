"""Errors of captions, distinguished by what the caller does next.

    CaptionerError
      RoomUnavailable       cannot reach or stay in the room   → check the address; join again
      NotAllowed            the server or the room says no     → another key, token or right
      InvalidRequest        a control's request is refused     → what its code says
      ConfigurationError    settings, files, ports             → fix what the message names
      StateError            the state store fails              → fix its folder
        StateDamaged        what it has cannot be understood   → go on without

Every message says what to do, and none contains speech.
"""

from enum import IntEnum


class RequestCode(IntEnum):
    """The code of a refused request, which pages translate. LiveKit uses 1001 to 1999."""

    BAD_REQUEST = 1
    NOT_ALLOWED = 2
    UNKNOWN_VERSION = 3
    TOO_MANY_REQUESTS = 4
    TOO_LARGE = 5
    NO_SUCH_CHOICE = 6
    NOT_STORED = 7
    NOT_AVAILABLE = 8


class CaptionerError(Exception):
    """Base of all exceptions that this package raises deliberately."""


class RoomUnavailable(CaptionerError):
    """The room cannot be reached, or is gone."""


class NotAllowed(CaptionerError):
    """The server or the room refuses access."""


class InvalidRequest(CaptionerError):
    """A refused request of a page. data: what would be possible, for the page to show."""

    def __init__(
        self, message: str, *, code: RequestCode = RequestCode.BAD_REQUEST, data: str = ""
    ) -> None:
        super().__init__(message)
        self.code = code
        self.data = data


class ConfigurationError(CaptionerError):
    """Something on this machine must be fixed first."""


class StateError(CaptionerError):
    """The decisions of a room cannot be read or stored."""


class StateDamaged(StateError):
    """The stored decisions of a room cannot be decoded."""
