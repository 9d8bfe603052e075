"""Names that the parts of a sync in Airflow know each other by."""

TRANSFORM, REVIEW, SETTLE = "transform", "review", "settle"
EXTRACTS = {"powerofficego": "extract_powerofficego", "shopify": "extract_shopify"}
LOADS = {"powerofficego": "load_powerofficego", "shopify": "load_shopify"}
"""Task ids, by side: how the steps of one run find each other's references."""

NOTE = "samklang_note"
"""The XCom key under which `settle` leaves the run's note."""
