"""Which addresses a client may send to: https, or plain http to this machine, and one host only."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass

from urllib3.exceptions import LocationParseError
from urllib3.util import Url, parse_url

from samklang.errors import ConfigurationError

_PORTS = {"https": 443, "http": 80}
_NAME = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port: what a credential is good for."""

    scheme: str
    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        return _is_loopback(self.host)

    @property
    def url(self) -> str:
        """As requests are sent to it; without the port that the scheme implies."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.port == _PORTS[self.scheme] else f":{self.port}")

    def is_under(self, domain: str) -> bool:
        """Whether keys for a domain, or its files, may go here: it or a subdomain, https, on the usual port."""
        is_named = self.host == domain or self.host.endswith(f".{domain}")
        return is_named and bool(_NAME.fullmatch(self.host)) and (self.scheme, self.port) == ("https", 443)


def parse_base_url(url: str) -> tuple[str, Origin]:
    """An API root, without the slash at its end, and its origin.

    :raises ConfigurationError: not a URL, not https (plain http passes for loopback hosts), with a user name, a query
        or a fragment.
    """
    parsed = _parse(url)
    origin = _origin(parsed)
    if parsed.auth or parsed.query or parsed.fragment:
        raise ConfigurationError(
            f"The URL for {origin.host} carries more than a host and a path.",
            remedy="Put keys into the connection's login, password and extra; end the host field after the path.",
        )
    if origin.scheme != "https" and not origin.is_loopback:
        raise ConfigurationError(
            f"Plain http is refused for {origin.host}: keys would travel unencrypted.", remedy="Use https://."
        )
    # put together from what was checked, not from what was typed
    return origin.url + (parsed.path or "").rstrip("/"), origin


def check_webhook(url: str) -> None:
    """Refuse the address of a webhook unless it is https, or plain http to this machine.

    :raises ConfigurationError: it is refused; nothing of it is told, since such addresses are secrets.
    """
    try:
        parsed = _parse(url)
        origin = _origin(parsed)
    except ConfigurationError:
        raise ConfigurationError("The webhook's address is not an https URL.", remedy=_WEBHOOK) from None
    if parsed.auth or (origin.scheme != "https" and not origin.is_loopback):
        raise ConfigurationError("The webhook's address is not an https URL, or names a user.", remedy=_WEBHOOK)


_WEBHOOK = "Put the whole address, beginning with https://, into the host of its connection."


def join(base_url: str, origin: Origin, path_or_url: str) -> str:
    """A URL under `base_url`; an absolute one must have the same origin.

    :raises ConfigurationError: it points to another host.
    """
    if "://" not in path_or_url:
        return f"{base_url}/{path_or_url.lstrip('/')}"
    parsed = _parse(path_or_url)
    if parsed.auth or _origin(parsed) != origin:
        raise ConfigurationError(f"A request to another host than {origin.host} was refused.")
    return path_or_url


def check_download(url: str, base: Origin, hosts: Collection[str]) -> None:
    """Refuse a file's URL unless it is https (http only where `base` is on this machine too) and on a known host.

    :param hosts: names, each standing for itself and its subdomains.
    :raises ConfigurationError: it is refused.
    """
    parsed = _parse(url)
    origin = _origin(parsed)
    if parsed.auth:
        raise ConfigurationError(f"A download from {origin.host} as a named user was refused.")
    if origin.is_loopback and base.is_loopback:
        return
    if origin.scheme != "https":
        raise ConfigurationError(f"A download over plain http from {origin.host} was refused.")
    if not any(origin.is_under(name) for name in hosts):
        raise ConfigurationError(f"A download from the unknown host {origin.host} was refused.")


def _parse(url: str) -> Url:
    """:raises ConfigurationError: it is none, or has signs that another reader of it may take for others."""
    url = url.strip()
    # letters beyond ASCII (a dotless i, a Kelvin sign, full width) are folded differently by each library
    if not (url.isascii() and url.isprintable()) or set(url) & set(" \\"):
        raise ConfigurationError(
            "The URL has characters other than plain letters, digits and signs.",
            remedy="Write it as https://host/path.",
        )
    try:
        # the parser that sends the request, so that both agree on where the host ends
        return parse_url(url)
    except LocationParseError:
        raise ConfigurationError("Not a URL.", remedy="Write it as https://host/path.") from None


def _origin(parsed: Url) -> Origin:
    if parsed.scheme not in _PORTS or not parsed.host:
        raise ConfigurationError("Not an http(s) URL.", remedy="Write it as https://host/path.")
    host = parsed.host.strip("[]").lower()
    if not _NAME.fullmatch(host) and not _is_ipv6(host):
        raise ConfigurationError("The host of the URL is no name of one.", remedy="Write it as https://host/path.")
    return Origin(parsed.scheme, host, _PORTS[parsed.scheme] if parsed.port is None else parsed.port)


def _is_ipv6(host: str) -> bool:
    """Without a zone: that is any text, on which readers of addresses differ."""
    try:
        return ipaddress.IPv6Address(host).scope_id is None
    except ValueError:
        return False


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
