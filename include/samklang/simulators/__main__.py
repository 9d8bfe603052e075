"""`python -m samklang.simulators powerofficego|shopify --port N`: one system, alone, over HTTP on this machine."""

from __future__ import annotations

import argparse
from typing import Any

import orjson

from samklang.simulators.control import Controlled
from samklang.simulators.http import serve

SYSTEMS = ("powerofficego", "shopify")


def main(arguments: list[str] | None = None) -> None:
    """Parse the arguments and serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m samklang.simulators", description=__doc__)
    parser.add_argument("system", choices=SYSTEMS)
    parser.add_argument("--port", type=int, required=True, help="0 takes a free one")
    parser.add_argument("--records", type=int, default=2_000, help="customers, and products, to begin with")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same data")
    parser.add_argument("--overlap", type=float, default=0.6, help="part of the records that both systems have")
    parser.add_argument(
        "--switch", action="append", default=[], metavar="NAME=VALUE", help="see GET /_control/switches"
    )
    options = parser.parse_args(arguments)
    try:
        simulator = _simulator(options)
    except ValueError as error:
        parser.error(str(error))
    serve(simulator, port=options.port, ready=lambda url: print(f"{options.system} at {url}", flush=True))  # noqa: T201


def _simulator(options: argparse.Namespace) -> Controlled:
    switches = dict(_switch(text) for text in options.switch)
    kind: Any
    if options.system == "powerofficego":
        from samklang.simulators.powerofficego import PowerOfficeGoSimulator as kind  # noqa: N813
    else:
        from samklang.simulators.shopify import ShopifySimulator as kind  # noqa: N813
    simulator: Controlled = kind(options.records, options.seed, options.overlap, switches=switches)
    return simulator


def _switch(text: str) -> tuple[str, Any]:
    """`name=value`; the value is JSON where it reads as such, else text."""
    name, separator, value = text.partition("=")
    if not separator:
        raise ValueError(f"--switch takes NAME=VALUE, not {text}")
    try:
        return name, orjson.loads(value)
    except orjson.JSONDecodeError:
        return name, value


if __name__ == "__main__":
    main()
