"""Which addresses a client may send to: https, or plain http to this machine, and one host only."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from dataclasses import dataclass

from urllib3.exceptions import LocationParseError
from urllib3.util import Url, parse_url

from samklang.errors import ConfigurationError

_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port: what a credential is good for."""

    scheme: str
    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        return _is_loopback(self.host)


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
    return url.strip().rstrip("/"), origin


def join(base_url: str, origin: Origin, path_or_url: str) -> str:
    """A URL under `base_url`; an absolute one must have the same origin.

    :raises ConfigurationError: it points to another host.
    """
    if "://" not in path_or_url:
        return f"{base_url}/{path_or_url.lstrip('/')}"
    if _origin(_parse(path_or_url)) != origin:
        raise ConfigurationError(f"A request to another host than {origin.host} was refused.")
    return path_or_url


def check_download(url: str, base: Origin, hosts: Collection[str]) -> None:
    """Refuse a file's URL unless it is https (http only where `base` is on this machine too) and on a known host.

    :param hosts: names, each standing for itself and its subdomains.
    :raises ConfigurationError: it is refused.
    """
    origin = _origin(_parse(url))
    if origin.is_loopback and base.is_loopback:
        return
    if origin.scheme != "https":
        raise ConfigurationError(f"A download over plain http from {origin.host} was refused.")
    if not any(origin.host == name or origin.host.endswith(f".{name}") for name in hosts):
        raise ConfigurationError(f"A download from the unknown host {origin.host} was refused.")


def _parse(url: str) -> Url:
    try:
        # the parser that sends the request, so that both agree on where the host ends
        return parse_url(url.strip())
    except LocationParseError:
        raise ConfigurationError("Not a URL.", remedy="Write it as https://host/path.") from None


def _origin(parsed: Url) -> Origin:
    if parsed.scheme not in _PORTS or not parsed.host:
        raise ConfigurationError("Not an http(s) URL.", remedy="Write it as https://host/path.")
    return Origin(parsed.scheme, parsed.host.strip("[]").lower(), parsed.port or _PORTS[parsed.scheme])


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
