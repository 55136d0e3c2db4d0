"""What can go wrong with captions, split by what the caller does next.

    CaptionerError
      RoomUnavailable       cannot reach or stay in the room   → check the address; join again
      NotAllowed            the server or the room says no     → another key, token or right
      InvalidRequest        a control's request is no good     → mend the request; code 1
      ConfigurationError    settings, files, ports             → mend what the message names

Every message says what to do, and none carries what people said.
"""


class CaptionerError(Exception):
    """Base of everything that this package raises on purpose."""


class RoomUnavailable(CaptionerError):
    """The room cannot be reached, or is gone."""


class NotAllowed(CaptionerError):
    """The server or the room refuses."""


class InvalidRequest(CaptionerError):
    """A control's request that cannot be understood."""


class ConfigurationError(CaptionerError):
    """Something on this machine must be mended first."""
