"""Opening the two systems from the connections of this machine's Airflow."""

from __future__ import annotations

from collections.abc import Mapping

from samklang.airflow.hooks import address
from samklang.cli.environment import find_connection
from samklang.connections import DEFAULT_CONNECTIONS, Fields
from samklang.errors import ConfigurationError


def fields_of(side: str, environ: Mapping[str, str]) -> Fields:
    """What the connection of a side holds.

    :raises ConfigurationError: there is none, or it cannot be read.
    """
    conn_id = DEFAULT_CONNECTIONS[side]
    connection = find_connection(conn_id, environ)
    if connection is None:
        raise ConfigurationError(
            f"There is no connection {conn_id}.",
            remedy=f"Add it in Airflow under Admin, Connections, or as the environment variable "
            f"AIRFLOW_CONN_{conn_id.upper()}; the README lists its fields.",
        )
    return Fields(address(connection), connection.login, connection.password, connection.extra_dejson)
