"""Every error of ours, by what whoever catches it must do.

    RelayError
    ├── SettingsError           exit 2: could not run; carries findings
    ├── Rejected                an endpoint's refusal: status, code, sentence, details
    ├── StoreUnavailable        503: nothing was committed
    └── DeliveryFailed          one outbound call did not do what was asked
        ├── Transient           certainly not done: try the same again later
        │   └── Unreachable     the vendor's host cannot be reached at all
        ├── RateLimited         certainly not done: wait, uses up no attempt
        ├── Unsure              may have been done: look before trying again
        ├── OperatorNeeded      a person must change something: close the gate it concerns
        ├── ThreadGone          this thread takes no more posts: open a new root
        ├── HistoryUnreadable   a look is not permitted here (missing scope)
        └── Permanent           this payload will never be taken: degrade, then bury

The class docstring is the default sentence.
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
        """`findings` are `relay.findings.Finding`, every problem there is; without `message` they are the text."""
        self.findings: list[Any] = list(findings or [])
        super().__init__(message or "\n".join(map(str, self.findings)))


class StoreUnavailable(RelayError):
    """The database cannot be reached or cannot commit; nothing was stored."""

    def __init__(self, message: str = "", *, code: str = "database_unavailable", hint: str = "") -> None:
        """`code` and `hint` are those of the finding that tells people of it; none of the three holds a secret."""
        super().__init__(message)
        self.code = code
        self.hint = hint


class StoreBusy(StoreUnavailable):
    """Somebody else holds what a transaction needs: it was rolled back."""


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
        """`code` is the vendor's own word for it, safe to log; `message` never holds customer text."""
        super().__init__(message or code)
        self.code = code


class Transient(DeliveryFailed):
    """Not done; the same call may succeed later."""


class Unreachable(Transient):
    """Not done; the vendor's host cannot be reached."""

    def __init__(self, message: str = "", *, code: str = "", kind: str = "") -> None:
        """`kind` is what the system calls it, such as "gaierror" for a name that nobody knows."""
        super().__init__(message, code=code)
        self.kind = kind


class RateLimited(DeliveryFailed):
    """Not done; the vendor asks for patience."""

    def __init__(
        self, retry_after: float | None, *, method: str, vendor: Vendor = Vendor.SLACK, code: str = "ratelimited"
    ) -> None:
        """`retry_after` is seconds from now, at least 0; None where the vendor did not say or said junk."""
        super().__init__(f"{vendor} limits {method}", code=code)
        self.retry_after = retry_after
        self.method = method
        self.vendor = vendor


class Unsure(DeliveryFailed):
    """It may or may not have been done."""

    def __init__(self, message: str = "", *, code: str = "", unknown_code: bool = False) -> None:
        """`unknown_code` is True for a refusal in a word that the vendor does not document."""
        super().__init__(message, code=code)
        self.unknown_code = unknown_code


class OperatorNeeded(DeliveryFailed):
    """A person must change something first."""

    def __init__(self, scope: GateScope, message: str = "", *, code: str = "", shared: bool = False) -> None:
        """`scope` is what is certainly concerned; `shared`: perhaps all it is a part of, which others will tell."""
        super().__init__(message, code=code)
        self.scope = scope
        self.shared = shared


class ThreadGone(DeliveryFailed):
    """This thread takes no more posts."""


class HistoryUnreadable(DeliveryFailed):
    """The channel's history may not be read with this token."""


class Permanent(DeliveryFailed):
    """Refused for good."""

    def __init__(self, message: str = "", *, code: str = "", picture: bool = False) -> None:
        """`picture` is True when it was an image that was refused and the rest may still be taken."""
        super().__init__(message, code=code)
        self.picture = picture
