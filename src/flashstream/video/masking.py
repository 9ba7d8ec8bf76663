"""What of an address may be shown: its secret references, and none of its credentials."""

import re
from urllib.parse import SplitResult, urlunsplit

from flashstream.video.secrets import REFERENCE, SecretReference

# Cameras also take secrets in the query or the path (…/user=admin_password=x_channel=1).
_SECRET = re.compile(
    r"((?:[\w.-]*(?:pass|pwd|token|secret|auth|key|sig|cred)[\w.-]*|user(?:name)?|usr))=([^&;/#]*)",
    re.IGNORECASE,
)
HIDDEN = "***"
# Stands for a secret reference, whose own "/" and ":" would divide the address. No address holds
# these characters.
MARK = re.compile("\x01([0-9]+)\x02")


def masked(url: str) -> tuple[str, list[SecretReference]]:
    """The address with marks in place of its secret references, and these by their number."""
    references: list[SecretReference] = []

    def mark(found: re.Match[str]) -> str:
        references.append(SecretReference(found[1], found[2]))
        return f"\x01{len(references) - 1}\x02"

    return REFERENCE.sub(mark, url), references


def unmasked(text: str, references: list[SecretReference]) -> str:
    """The text with the references in place of their marks."""
    return MARK.sub(lambda mark: str(references[int(mark[1])]), text)


def redacted(parts: SplitResult) -> str:
    """The URL for people: user name, password, fragment and secret-looking values hidden."""
    user, at, place = parts.netloc.rpartition("@")
    netloc = f"{_hide_user(user)}@{place}" if at else place
    return urlunsplit((parts.scheme.lower(), netloc, _hide(parts.path), _hide(parts.query), ""))


def _hide_user(text: str) -> str:
    if not MARK.search(text):
        return HIDDEN
    return ":".join(_hide_value(part) for part in text.split(":", 1))


def _hide_value(text: str) -> str:
    return text if MARK.fullmatch(text) else HIDDEN


def _hide(text: str) -> str:
    return _SECRET.sub(lambda found: f"{found[1]}={_hide_value(found[2])}", text)
