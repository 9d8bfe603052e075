"""A simulator of the Shopify Admin GraphQL API, version 2026-10, as far as customers and products need it."""

from samklang.simulators.shopify.simulator import ShopifySimulator

__all__ = ["ShopifySimulator"]
