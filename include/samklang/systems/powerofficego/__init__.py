"""PowerOffice Go: its client, and its customers and products as systems."""

from samklang.systems.powerofficego.client import PowerOfficeGoClient
from samklang.systems.powerofficego.config import PowerOfficeGoConfig
from samklang.systems.powerofficego.customers import PowerOfficeGoCustomers
from samklang.systems.powerofficego.products import PowerOfficeGoProducts

__all__ = ["PowerOfficeGoClient", "PowerOfficeGoConfig", "PowerOfficeGoCustomers", "PowerOfficeGoProducts"]
