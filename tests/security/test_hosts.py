"""Keys and requests go to the systems they belong to, and nowhere else."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import pytest
import requests
from wire import answer, wire

from samklang.errors import ConfigurationError, SamklangError, TemporaryError, UnclearError
from samklang.systems.powerofficego import PowerOfficeGoClient, PowerOfficeGoConfig
from samklang.systems.shopify import ShopifyClient, ShopifyConfig
from samklang.systems.transport import Transport
from samklang.systems.webhook import post

KEYS = ("Canary-login", "Canary-password", {"subscription_key": "Canary-subscription"})


def powerofficego(host: str | None, token_url: str | None = None) -> PowerOfficeGoConfig:
    login, password, extra = KEYS
    return PowerOfficeGoConfig.from_connection(host, login, password, {**extra, "token_url": token_url})


def shopify(host: str) -> ShopifyConfig:
    return ShopifyConfig.from_connection(host, "Canary-login", "Canary-password", {"grant_type": "client_credentials"})


# --- which hosts may have the keys


@pytest.mark.parametrize(
    ("host", "token_url"),
    [
        (None, None),
        ("https://goapi.poweroffice.net/Demo/v2", None),
        ("goapi.poweroffice.net/v2", None),
        ("https://GOAPI.PowerOffice.net/v2", "https://goapi.poweroffice.net/OAuth/Token"),
        ("http://127.0.0.1:9101/v2", "http://localhost:9101/OAuth/Token"),
    ],
)
def test_powerofficego_and_this_machine_are_the_places_for_its_keys(host: str | None, token_url: str | None) -> None:
    assert powerofficego(host, token_url).host


@pytest.mark.parametrize(
    "url",
    [
        "https://goapi.example/v2",
        "https://poweroffice.net.example/v2",
        "https://evilpoweroffice.net/v2",
        "https://goapi.poweroffice.net.example/v2",
        "https://goapi.poweroffice.net@evil.example/v2",
        "https://evil.example\\@goapi.poweroffice.net/v2",
        "https://evil.example#@goapi.poweroffice.net/v2",
        "https://evil.example?goapi.poweroffice.net/v2",
        "http://goapi.poweroffice.net/v2",
        "https://169.254.169.254/latest",
        "https://10.0.0.7/v2",
        "https://0.0.0.0/v2",
        "https://[::ffff:10.0.0.7]/v2",
        "https://[::1%25.poweroffice.net]/v2",  # a zone, which may be any text
        "https://goapi.powerofﬁce.net/v2",
        "https://goap\u0131.poweroffice.net/v2",
        "https://goapi.poweroffice.net./v2",
        "https://goapi.poweroffice\uff0enet/v2",
        "https://\uff47oapi.poweroffice.net/v2",
        "https://goapi.poweroffice.net:8443/v2",
        "https://goapi.poweroffice.net:0/v2",
        "https://goapi.poweroffice.net:99999/v2",
        "https://user@goapi.poweroffice.net/v2",
        "https://goapi.poweroffice.net\\.evil.example/v2",
        "https://goapi.power\noffice.net/v2",
        "https://evil.example%2f.poweroffice.net/v2",
        "https://evil_.poweroffice.net/v2",
        "https://.poweroffice.net/v2",
        "https://poweroffice.net/v2",
        "https://-.poweroffice.net/v2",
    ],
)
def test_no_other_host_gets_the_keys_of_powerofficego(url: str) -> None:
    for host, token_url in ((url, None), (None, url), ("http://127.0.0.1:9101/v2", url)):
        with pytest.raises(ConfigurationError) as caught:
            powerofficego(host, token_url)
        assert "Canary" not in str(caught.value)


@pytest.mark.parametrize("host", ["https://fjord.myshopify.com", "fjord-2.myshopify.com", "http://[::1]:9102"])
def test_a_shop_and_this_machine_are_the_places_for_its_keys(host: str) -> None:
    assert shopify(host).host


@pytest.mark.parametrize(
    "host",
    [
        "https://myshopify.com",
        "https://.myshopify.com",
        "https://-fjord.myshopify.com",
        "https://fjord.myshopify.com.example",
        "https://a.b.myshopify.com",
        "https://fjord.example",
        "https://evilmyshopify.com",
        "https://fjord.myshopify.com@evil.example",
        "https://evil.example\\@fjord.myshopify.com",
        "https://evil.example#.myshopify.com",
        "https://evil.example/.myshopify.com",
        "https://fjord.myshopify.com:8443",
        "https://fjord.myshopify.com/admin",
        "http://fjord.myshopify.com",
        "https://fjord.myshopify.com\n.evil.example",
        "https://169.254.169.254",
        "https://[::1%25fjord.myshopify.com]",
        "http://[::1%eth0]:9102",
        "https://fjord.myshop\u0131fy.com",  # a dotless i, which passed for an i: the keys went to xn--…
        "https://fjord.MYSHOP\u0130FY.com",
        "https://fjor\u212a.myshopify.com",  # Kelvin
        "https://fjord.my\u017fhopify.com",  # long s
        "https://fjord.\uff4dyshopify.com",
        "https://fjord\u3002myshopify.com",
        "https://fjord.myshopify.com.",
        "https://user@fjord.myshopify.com",
        "https://user:pass@fjord.myshopify.com",
        "https://fjord.myshopify.com\\",
        "https://fjord.myshopify.com:0",
        "https://fjord.myshopify.com:65536",
        "https://fjord.my\u00adshopify.com",
        "https://xn--myshopfy-q0a.com",
    ],
)
def test_no_other_host_gets_the_keys_of_a_shop(host: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        shopify(host)
    assert "Canary" not in str(caught.value)


@pytest.mark.parametrize("host", ["https://FJORD.MyShopify.com/", "https://fjord.myshopify.com:443"])
def test_the_address_that_is_used_is_the_one_that_was_checked(host: str) -> None:
    assert shopify(host).host == "https://fjord.myshopify.com"


def test_a_next_page_on_the_same_host_as_somebody_else_is_refused() -> None:
    transport = Transport("http://127.0.0.1:9", system="Example")
    with pytest.raises(ConfigurationError):
        transport.send("GET", "http://user:pass@127.0.0.1:9/Customers", safe=True)


# --- redirects, followed by nobody


def to_powerofficego(base: str) -> None:
    PowerOfficeGoClient(powerofficego(f"{base}/v2"), sleep=lambda _: None).get("/Customers")


def to_the_token_of_powerofficego(base: str) -> None:
    PowerOfficeGoClient(powerofficego(None, f"{base}/OAuth/Token"), sleep=lambda _: None).sign_in()


def to_shopify(base: str) -> None:
    client = ShopifyClient(ShopifyConfig(base, token="Canary-password"), sleep=lambda _: None)
    client.execute("{ shop { id } }", operation="Describe", safe=True)


def to_the_token_of_shopify(base: str) -> None:
    ShopifyClient(shopify(base), sleep=lambda _: None).sign_in()


def to_a_file(base: str) -> None:
    list(ShopifyClient(ShopifyConfig(base, token="Canary-password"), sleep=lambda _: None).download(f"{base}/bulk/1"))


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
@pytest.mark.parametrize(
    "request_to", [to_powerofficego, to_the_token_of_powerofficego, to_shopify, to_the_token_of_shopify, to_a_file]
)
def test_whoever_a_redirect_points_to_hears_nothing(status: str, request_to: Callable[[str], None]) -> None:
    with wire(answer(b'{"access_token": "x"}')) as elsewhere:
        target = f"Location: http://127.0.0.1:{elsewhere.port}/latest/meta-data?Canary-query"

        def redirect(connection: socket.socket) -> None:
            answer(b"", status, target)(connection)

        with wire(redirect) as server, pytest.raises(SamklangError) as caught:
            request_to(f"http://127.0.0.1:{server.port}")
    assert elsewhere.requests == []
    assert len(server.requests) == 1
    assert "Canary" not in str(caught.value)


def to_a_webhook(base: str) -> None:
    post(requests.Session(), f"{base}/hook", {"text": "x"}, longest=10)


@pytest.mark.parametrize("request_to", [to_powerofficego, to_shopify, to_a_file, to_a_webhook])
def test_the_body_of_a_redirect_is_read_by_nobody(
    request_to: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """1,254 bytes of it were unpacked to 1.4 GB, before anything counted them."""
    read: list[requests.Response] = []

    def unpack(self: requests.Response, *_arguments: object) -> Iterator[bytes]:
        if self.status_code == 302:
            read.append(self)
        yield b'{"access_token": "x", "expires_in": 1200}'

    monkeypatch.setattr(requests.Response, "iter_content", unpack)

    def either(connection: socket.socket) -> None:
        if b"/OAuth/Token" in server.requests[-1].split(b"\r\n")[0]:
            answer(b'{"access_token": "x", "expires_in": 1200}')(connection)
        else:
            answer(b"x" * 100, "302 Found", "Location: https://elsewhere.example/")(connection)

    with wire(either) as server, pytest.raises(SamklangError, match=r"redirects|302"):
        request_to(f"http://127.0.0.1:{server.port}")
    assert read == []


def test_a_webhook_on_this_machine_is_told_to_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with wire(answer()) as proxy, wire(answer()) as server:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.delenv("no_proxy", raising=False)
        to_a_webhook(f"http://127.0.0.1:{server.port}")
    assert (len(proxy.requests), len(server.requests)) == (0, 1)


@pytest.mark.parametrize("safe", [True, False])
def test_a_chunk_whose_size_is_below_zero_is_a_broken_connection(safe: bool) -> None:
    def chunked(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nx")

    with wire(chunked) as server:
        transport = Transport(f"http://127.0.0.1:{server.port}", system="Example", sleep=lambda _: None)
        with pytest.raises(TemporaryError if safe else UnclearError, match="the connection broke"):
            transport.send("POST", "/Customers", safe=safe, json={})


def test_a_token_that_was_fetched_is_not_taken_elsewhere_by_a_redirect_of_the_api() -> None:
    with wire(answer()) as elsewhere:

        def either(connection: socket.socket) -> None:
            if b"/OAuth/Token" in server.requests[-1].split(b"\r\n")[0]:
                answer(b'{"access_token": "Canary-token", "expires_in": 1200}')(connection)
            else:
                answer(b"", "302 Found", f"Location: http://127.0.0.1:{elsewhere.port}/")(connection)

        with wire(either) as server, pytest.raises(ConfigurationError, match="redirects"):
            to_powerofficego(f"http://127.0.0.1:{server.port}")
    assert elsewhere.requests == []
    assert len(server.requests) == 2


# --- files


@pytest.mark.parametrize(
    "url",
    [
        "https://files.example/bulk.jsonl",
        "https://storage.googleapis.com.example/bulk.jsonl",
        "https://evilstorage.googleapis.com/bulk.jsonl",
        "https://storage.googleapis.com@evil.example/bulk.jsonl",
        "https://169.254.169.254/latest/meta-data",
        "http://storage.googleapis.com/bulk.jsonl",
        "http://127.0.0.1:9102/bulk.jsonl",
        "file:///etc/passwd",
        "ftp://storage.googleapis.com/bulk.jsonl",
        "https://storage.googleap\u0131s.com/bulk.jsonl",
        "https://storage.googleapis.com./bulk.jsonl",
        "https://user@storage.googleapis.com/bulk.jsonl",
        "https://storage.googleapis.com:8443/bulk.jsonl",
        "https://storage.googleapis.com\\@evil.example/bulk.jsonl",
    ],
)
def test_a_bulk_file_of_a_real_shop_comes_from_its_storage_or_not_at_all(url: str) -> None:
    client = ShopifyClient(shopify("https://fjord.myshopify.com"), sleep=lambda _: None)
    with pytest.raises(ConfigurationError):
        list(client.download(url))


def test_a_bulk_file_is_fetched_without_any_key() -> None:
    with wire(answer()) as api, wire(answer(b'{"id": 1}\n')) as storage:
        client = ShopifyClient(ShopifyConfig(f"http://127.0.0.1:{api.port}", token="Canary-password"))
        assert list(client.download(f"http://127.0.0.1:{storage.port}/bulk?signature=1")) == [b'{"id": 1}\n']
    (request,) = storage.requests
    assert b"Canary" not in request
    names = {line.split(b":")[0].lower() for line in request.split(b"\r\n")[1:] if line}
    assert names.isdisjoint({b"x-shopify-access-token", b"authorization", b"cookie", b"referer"})
    assert api.requests == []


# --- proxies


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
def test_keys_for_this_machine_do_not_travel_to_a_proxy(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for other in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(other, raising=False)
    with wire(answer()) as proxy, wire(answer()) as server:
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        transport = Transport(f"http://127.0.0.1:{server.port}", system="Example")
        assert transport.send("GET", "/", safe=True, headers={"Authorization": "Canary"}).status == 200
    assert proxy.requests == []
    assert len(server.requests) == 1
