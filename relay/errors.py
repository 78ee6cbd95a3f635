"""All of our errors, by what the code that catches them must do.

    RelayError
    ├── SettingsError           exit 2: could not run; carries findings
    ├── Rejected                an endpoint's refusal: status, code, sentence, details
    ├── StoreUnavailable        503: nothing was committed
    └── DeliveryFailed          one outbound call failed
        ├── Transient           certainly not done: retry later
        │   └── Unreachable     the vendor's host cannot be reached at all
        ├── RateLimited         certainly not done: wait; uses up no attempt
        ├── Unsure              may have been done: look before retrying
        ├── OperatorNeeded      a person must change something: close the gate it concerns
        ├── ThreadGone          this thread accepts no more posts: open a new root
        ├── HistoryUnreadable   a look is not permitted here (missing scope)
        └── Permanent           this payload will never be accepted: degrade, then bury

Each class docstring is the default message.
"""

from __future__ import annotations

from typing import Any

from relay.vocabulary import GateScope, Vendor


class RelayError(Exception):
    """The relay could not do this."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (self.__doc__ or "").strip().splitlines()[0])


class SettingsError(RelayError):
    """The settings cannot be used."""

    def __init__(self, message: str = "", findings: list[Any] | None = None) -> None:
        """`findings` are `relay.findings.Finding`, one for every problem; without `message`, they are the text."""
        self.findings: list[Any] = list(findings or [])
        super().__init__(message or "\n".join(map(str, self.findings)))


class StoreUnavailable(RelayError):
    """The database cannot be reached or cannot commit; nothing was stored."""

    def __init__(self, message: str = "", *, code: str = "database_unavailable", hint: str = "") -> None:
        """`code` and `hint` belong to the finding that reports this error; none of the three contains a secret."""
        super().__init__(message)
        self.code = code
        self.hint = hint


class StoreBusy(StoreUnavailable):
    """Another transaction holds what this one needs: it was rolled back."""


class Rejected(RelayError):
    """The request was refused."""

    def __init__(self, status: int, code: str, message: str, details: list[dict[str, Any]] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.details = details or []


class DeliveryFailed(RelayError):
    """An outbound call failed."""

    def __init__(self, message: str = "", *, code: str = "") -> None:
        """`code` is the vendor's error code, safe to log; `message` never contains customer text."""
        super().__init__(message or code)
        self.code = code


class Transient(DeliveryFailed):
    """Not done; the same call may succeed later."""


class Unreachable(Transient):
    """Not done; the vendor's host cannot be reached."""

    def __init__(self, message: str = "", *, code: str = "", kind: str = "") -> None:
        """`kind` is the system's name for the error, such as "gaierror" for an unknown host name."""
        super().__init__(message, code=code)
        self.kind = kind


class RateLimited(DeliveryFailed):
    """Not done; the vendor's rate limit is used up."""

    def __init__(
        self, retry_after: float | None, *, method: str, vendor: Vendor = Vendor.SLACK, code: str = "ratelimited"
    ) -> None:
        """`retry_after` is seconds from now, at least 0; None if the vendor did not say or sent junk."""
        super().__init__(f"{vendor} limits {method}", code=code)
        self.retry_after = retry_after
        self.method = method
        self.vendor = vendor


class Unsure(DeliveryFailed):
    """It may or may not have been done."""

    def __init__(self, message: str = "", *, code: str = "", unknown_code: bool = False) -> None:
        """`unknown_code` is True for a refusal with an undocumented code."""
        super().__init__(message, code=code)
        self.unknown_code = unknown_code


class OperatorNeeded(DeliveryFailed):
    """A person must change something first."""

    def __init__(self, scope: GateScope, message: str = "", *, code: str = "", shared: bool = False) -> None:
        """`scope` is what is certainly affected; `shared`: possibly also the larger unit it belongs to, as other calls
        will show.
        """
        super().__init__(message, code=code)
        self.scope = scope
        self.shared = shared


class ThreadGone(DeliveryFailed):
    """This thread accepts no more posts."""


class HistoryUnreadable(DeliveryFailed):
    """This token may not read the channel's history."""


class Permanent(DeliveryFailed):
    """Refused for good."""

    def __init__(self, message: str = "", *, code: str = "", picture: bool = False) -> None:
        """`picture` is True if only an image was refused and the rest may still be accepted."""
        super().__init__(message, code=code)
        self.picture = picture
