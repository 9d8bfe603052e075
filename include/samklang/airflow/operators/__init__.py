"""The tasks of a sync, one operator each."""

from samklang.airflow.operators.review import ReviewOperator
from samklang.airflow.operators.settle import SettleOperator
from samklang.airflow.operators.steps import (
    ExtractPowerOfficeGoOperator,
    ExtractShopifyOperator,
    LoadPowerOfficeGoOperator,
    LoadShopifyOperator,
    TransformOperator,
)

__all__ = [
    "ExtractPowerOfficeGoOperator",
    "ExtractShopifyOperator",
    "LoadPowerOfficeGoOperator",
    "LoadShopifyOperator",
    "ReviewOperator",
    "SettleOperator",
    "TransformOperator",
]
