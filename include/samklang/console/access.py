"""Who may look, and who may act: Airflow's own users and permissions on the DAG of an entity.

A page needs view access to the DAG, an action edit access. An action must also come from one of our pages: browsers
send the session cookie with requests that any other site makes, but not the header that ours carry.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import get_user
from fastapi import Depends, HTTPException, Request

HEADER = "X-Samklang-Console"
_SAME_ORIGIN = (None, "same-origin", "none")


class Entity(StrEnum):
    CUSTOMERS = "customers"
    PRODUCTS = "products"

    @property
    def dag_id(self) -> str:
        return f"sync_{self.value}"


@dataclass(frozen=True, slots=True)
class Visitor:
    """:param name: kept with what they do. :param may_act: has edit access. :param may_run: may trigger the DAG."""

    name: str
    may_act: bool
    may_run: bool


def reader(entity: Entity, user: Annotated[Any, Depends(get_user)]) -> Visitor:
    """Whoever may see the DAG of the entity.

    :raises HTTPException: 401 for nobody, 403 for somebody who may not.
    """
    if not _may("GET", entity, user):
        raise HTTPException(403, f"You may not see the DAG {entity.dag_id}.")
    return Visitor(user.get_name(), _may("PUT", entity, user), _may("POST", entity, user, DagAccessEntity.RUN))


def actor(request: Request, visitor: Annotated[Visitor, Depends(reader)]) -> Visitor:
    """Whoever may edit the DAG of the entity, from one of our pages. :raises HTTPException: 403."""
    if request.headers.get(HEADER) is None or request.headers.get("Sec-Fetch-Site") not in _SAME_ORIGIN:
        raise HTTPException(403, "This did not come from a page of the console.")
    if not visitor.may_act:
        raise HTTPException(403, "You may look, but not change anything: that needs edit access to the DAG.")
    return visitor


def _may(
    method: Literal["GET", "POST", "PUT"], entity: Entity, user: Any, access_entity: DagAccessEntity | None = None
) -> bool:
    return bool(
        get_auth_manager().is_authorized_dag(
            method=method, access_entity=access_entity, details=DagDetails(id=entity.dag_id), user=user
        )
    )


Reader = Annotated[Visitor, Depends(reader)]
Actor = Annotated[Visitor, Depends(actor)]
