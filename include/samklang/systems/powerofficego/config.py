"""What the client has to know about one PowerOffice Go client (company), as the Airflow connection names it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from samklang import __version__
from samklang.errors import ConfigurationError
from samklang.systems.origin import parse_base_url

HOSTS = {
    "production": "https://goapi.poweroffice.net/v2",
    "demo": "https://goapi.poweroffice.net/Demo/v2",
}
_DOMAIN = "poweroffice.net"
_LONGEST_CONTACT = 100


@dataclass(frozen=True, slots=True)
class PowerOfficeGoConfig:
    """Where and as whom. Application, client and subscription key all belong to one environment (sheet: 1).

    :param requests_per_second: the subscription key's share that this installation may use; the limit is 10.
    :param contact: whom PowerOffice may write to about the traffic: an e-mail address, or where else to turn.
    """

    host: str
    token_url: str
    application_key: str = field(repr=False)
    client_key: str = field(repr=False)
    subscription_key: str = field(repr=False)
    environment: str = "production"
    requests_per_second: float = 10.0
    contact: str = ""

    @property
    def user_agent(self) -> str:
        """PowerOffice asks for the application's name and an e-mail address in it (sheet: 10)."""
        return f"Samklang/{__version__}" + (f" ({self.contact})" if self.contact else "")

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never appear in a log."""
        return (self.application_key, self.client_key, self.subscription_key)

    @property
    def pace(self) -> float:
        """Requests per second that are sent: a tenth less, since they do not arrive as evenly as they leave."""
        return 0.9 * self.requests_per_second

    @property
    def pacing_key(self) -> str:
        """Names the shared limit without naming the subscription key."""
        return hashlib.sha256(self.subscription_key.encode()).hexdigest()[:16]

    @classmethod
    def from_connection(
        cls, host: str | None, login: str | None, password: str | None, extra: Mapping[str, Any]
    ) -> PowerOfficeGoConfig:
        """:raises ConfigurationError: something is missing or wrong; it names the field and where to get it."""
        environment = _environment(host, extra)
        root = _address(_with_scheme(host) if host else HOSTS[environment], "host")
        token_url = _address(extra.get("token_url") or f"{_gateway(root)}/OAuth/Token", "extra token_url")
        return cls(
            host=root,
            token_url=token_url,
            application_key=_key(login, "login (application key)", "PowerOffice gives it to the integration."),
            client_key=_key(
                password,
                "password (client key)",
                "It is shown in PowerOffice Go when the integration is activated: Settings, Extensions.",
            ),
            subscription_key=_key(
                extra.get("subscription_key"),
                "extra subscription_key",
                "It stands on the profile page of the PowerOffice developer portal.",
            ),
            environment=environment,
            requests_per_second=_rate(extra.get("requests_per_second", 10)),
            contact=_contact(extra.get("contact")),
        )


def _environment(host: str | None, extra: Mapping[str, Any]) -> str:
    """What `environment` says, else what the host says; both must agree."""
    named = str(extra.get("environment") or "").strip().lower()
    if named and named not in HOSTS:
        raise ConfigurationError(
            "The PowerOffice Go connection's extra environment is not known.", remedy="Use production or demo."
        )
    host_is_demo = bool(host) and "/demo/" in f"{host}/".lower()
    host_is_production = bool(host) and not host_is_demo and "goapi.poweroffice.net" in str(host).lower()
    if (named == "production" and host_is_demo) or (named == "demo" and host_is_production):
        raise ConfigurationError(
            f"The PowerOffice Go connection says environment {named}, and its host is of the other one.",
            remedy="Leave host empty, or make both name the same environment.",
        )
    return named or ("demo" if host_is_demo else "production")


def _gateway(root: str) -> str:
    """The part of the API root before its version: the token endpoint stands beside the version."""
    head, _, last = root.rpartition("/")
    return head if last.lower() == "v2" else root


def _address(url: object, name: str) -> str:
    """An address that keys may be sent to: PowerOffice's own, or one on this machine."""
    root, origin = parse_base_url(str(url))
    if not origin.is_loopback and (origin.host == _DOMAIN or not origin.is_under(_DOMAIN)):
        raise ConfigurationError(
            f"The PowerOffice Go connection's {name} leads to {origin.host}, which is not PowerOffice's.",
            remedy=f"Leave it out; keys are sent to *.{_DOMAIN} only, on the usual port.",
        )
    return root


def _with_scheme(host: str) -> str:
    host = host.strip()
    return host if "://" in host else f"https://{host}"


def _key(value: object, name: str, where: str) -> str:
    text = str(value or "").strip()
    if not text:
        raise ConfigurationError(f"The PowerOffice Go connection has no {name}.", remedy=where)
    if not (text.isascii() and text.isprintable()) or ":" in text:
        raise ConfigurationError(
            f"The PowerOffice Go connection's {name} has characters that no key has.", remedy="Copy it again."
        )
    return text


def _contact(value: object) -> str:
    text = str(value or "").strip()
    if len(text) > _LONGEST_CONTACT or not text.isascii() or not text.isprintable() or set(text) & set("()"):
        raise ConfigurationError(
            "The PowerOffice Go connection's extra contact cannot stand in a request's header.",
            remedy=f"Use an e-mail address of at most {_LONGEST_CONTACT} plain characters.",
        )
    return text


def _rate(value: object) -> float:
    try:
        rate = float(str(value))
    except ValueError:
        rate = 0.0
    if not 0 < rate <= 1000:
        raise ConfigurationError(
            "The PowerOffice Go connection's extra requests_per_second is not a positive number.",
            remedy="Leave it out for 10, the limit of a subscription key.",
        )
    return rate
