"""Shopify: its client, and its customers and products as systems."""

from samklang.systems.shopify.client import ShopifyClient
from samklang.systems.shopify.config import ShopifyConfig
from samklang.systems.shopify.customers import ShopifyCustomers
from samklang.systems.shopify.products import ShopifyProducts

__all__ = ["ShopifyClient", "ShopifyConfig", "ShopifyCustomers", "ShopifyProducts"]
