"""Certificates are always checked, and old TLS is not spoken, whatever the environment or the connection says."""

from __future__ import annotations

import ssl
import warnings
from pathlib import Path
from typing import Any

import pytest
import trustme
from wire import answer, wire

from samklang.errors import ConfigurationError, SamklangError
from samklang.systems.powerofficego import PowerOfficeGoClient, PowerOfficeGoConfig
from samklang.systems.shopify import ShopifyClient, ShopifyConfig
from samklang.systems.transport import Transport

SWITCHES_OFF = ["verify", "verify_ssl", "ssl_verify", "check_response", "cert", "ssl"]


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(autouse=True)
def _no_bundle(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


def server_context(authority: trustme.CA, name: str = "127.0.0.1") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def ask(port: int) -> int:
    transport = Transport(f"https://127.0.0.1:{port}", system="Example", sleep=lambda _: None)
    return transport.send("GET", "/", safe=True, headers={"Authorization": "Bearer hemmelig"}).status


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"CURL_CA_BUNDLE": ""},
        {"REQUESTS_CA_BUNDLE": ""},
        {"REQUESTS_CA_BUNDLE": "", "CURL_CA_BUNDLE": ""},
        {"PYTHONHTTPSVERIFY": "0"},
        {"SSL_CERT_FILE": "authority.pem"},
    ],
    ids=str,
)
def test_a_certificate_that_nobody_vouches_for_is_refused_before_a_key_is_sent(
    environment: dict[str, str], authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.chdir(tmp_path)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with wire(answer(), server_context(authority)) as server, pytest.raises(ConfigurationError, match="certificate"):
        ask(server.port)
    assert server.requests == []
    assert server.failures == 1


def test_the_certificate_of_a_company_that_inspects_traffic_can_be_trusted(
    authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(bundle))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    with wire(answer(), server_context(authority)) as server:
        assert ask(server.port) == 200
    with (
        wire(answer(), server_context(authority, "another.example")) as server,
        pytest.raises(ConfigurationError, match="certificate"),
    ):
        ask(server.port)
    assert server.requests == []


def test_a_ca_file_that_is_not_there_is_named_and_nothing_is_sent(
    authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/authority.pem")
    with (
        wire(answer(), server_context(authority)) as server,
        pytest.raises(ConfigurationError, match="REQUESTS_CA_BUNDLE"),
    ):
        ask(server.port)
    assert server.requests == []


@pytest.mark.parametrize("value", [False, 0, "", "false", None])
def test_no_extra_of_a_connection_switches_the_check_off(value: Any, authority: trustme.CA) -> None:
    off = dict.fromkeys(SWITCHES_OFF, value)
    with wire(answer(), server_context(authority)) as server:
        host = f"https://127.0.0.1:{server.port}"
        go = PowerOfficeGoConfig.from_connection(f"{host}/v2", "app", "client", {"subscription_key": "sub", **off})
        shop = ShopifyConfig.from_connection(host, "id", "secret", {"grant_type": "client_credentials", **off})
        for client in (PowerOfficeGoClient(go, sleep=lambda _: None), ShopifyClient(shop, sleep=lambda _: None)):
            with pytest.raises(ConfigurationError, match="certificate"):
                client.sign_in()
    assert server.requests == []


def test_tls_before_1_2_is_not_spoken(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(bundle))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    old = server_context(authority)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
        old.set_ciphers("ALL:@SECLEVEL=0")
        client = ssl.create_default_context(cafile=str(bundle))
        client.minimum_version = ssl.TLSVersion.TLSv1
        client.set_ciphers("ALL:@SECLEVEL=0")
    with wire(answer(), old) as server:
        import socket

        try:
            with client.wrap_socket(socket.create_connection(("127.0.0.1", server.port)), server_hostname="127.0.0.1"):
                pass
        except OSError:
            pytest.skip("the OpenSSL of this machine speaks no TLS 1.1 at all")
        with pytest.raises(SamklangError):
            ask(server.port)
    assert server.requests == []
    assert server.failures > 0


def test_tls_1_2_is_the_least_that_the_http_library_offers() -> None:
    from urllib3.util.ssl_ import create_urllib3_context

    assert create_urllib3_context().minimum_version == ssl.TLSVersion.TLSv1_2
