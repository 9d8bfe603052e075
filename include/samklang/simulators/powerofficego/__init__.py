"""PowerOffice Go API v2 as far as Samklang uses it: customers, products, product groups."""

from samklang.simulators.powerofficego.simulator import PowerOfficeGoSimulator

__all__ = ["PowerOfficeGoSimulator"]
