"""Samklang keeps PowerOffice Go and Shopify in tune, in both directions."""

__version__ = "0.1.0"
