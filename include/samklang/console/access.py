"""Who may look, and who may act: Airflow's own users and permissions on the DAG of an entity.

A page needs view access to the DAG, an action edit access. An action must also come from one of our pages: browsers
send the session cookie with requests that any other site makes, but not the header that ours carry.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import get_user
from airflow.models.dag import DagModel
from fastapi import Depends, HTTPException, Request

HEADER = "X-Samklang-Console"
User = Annotated[Any, Depends(get_user)]
"""Whoever is signed in to Airflow, by its cookie or a bearer token; 401 for nobody."""


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


def reader(entity: Entity, user: User) -> Visitor:
    """Whoever may see the DAG of the entity.

    :raises HTTPException: 401 for nobody, 403 for somebody who may not.
    """
    if not may_look(user, entity):
        raise HTTPException(403, f"This page needs view access to the DAG {entity.dag_id}.")
    name = str(user.get_name() or user.get_id())
    return Visitor(name, _may("PUT", entity, user), _may("POST", entity, user, DagAccessEntity.RUN))


def asker(request: Request, visitor: Annotated[Visitor, Depends(reader)]) -> Visitor:
    """Whoever may see the DAG of the entity, from one of our pages: for a POST that only asks.

    :raises HTTPException: 403.
    """
    if request.headers.get(HEADER) is None or _is_foreign(request):
        raise HTTPException(403, "This did not come from a page of the console. Reload the page, and try again.")
    return visitor


def actor(entity: Entity, visitor: Annotated[Visitor, Depends(asker)]) -> Visitor:
    """Whoever may edit the DAG of the entity, from one of our pages. :raises HTTPException: 403."""
    if not visitor.may_act:
        raise HTTPException(403, f"You may look, but not change anything: that needs edit access to {entity.dag_id}.")
    return visitor


def may_look(user: Any, entity: Entity) -> bool:
    return _may("GET", entity, user)


def _is_foreign(request: Request) -> bool:
    """Whether a browser says that a page elsewhere made it send this; what no browser sent says nothing."""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site is not None:
        return site != "same-origin"
    return origin is not None and urlsplit(origin).netloc != request.headers.get("Host")


def _may(
    method: Literal["GET", "POST", "PUT"], entity: Entity, user: Any, access_entity: DagAccessEntity | None = None
) -> bool:
    details = DagDetails(id=entity.dag_id, team_name=DagModel.get_team_name(entity.dag_id))
    return bool(
        get_auth_manager().is_authorized_dag(method=method, access_entity=access_entity, details=details, user=user)
    )


Reader = Annotated[Visitor, Depends(reader)]
Asker = Annotated[Visitor, Depends(asker)]
Actor = Annotated[Visitor, Depends(actor)]
