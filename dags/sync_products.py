"""PowerOffice Go products and Shopify products, kept in tune."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "include"))  # where samklang is not installed

from samklang.airflow.dag import build_dag

dag = build_dag("products")
