"""A page over which the shop fails, whenever one record is on it: read by ids, in halves, without that record."""

from __future__ import annotations

from collections.abc import Mapping

from samklang.errors import TemporaryError
from samklang.systems.shopify import documents
from samklang.systems.shopify.answers import Json, objects
from samklang.systems.shopify.client import ShopifyClient
from samklang.systems.shopify.documents import Call
from samklang.systems.shopify.paging import Denied, Rows, read_connection
from samklang.systems.shopify.values import number_of

MOST_UNREAD = 20
"""Records of one page over which the shop may fail; with more of them it is the shop."""
READ_AT_ONCE = 50


class PageParts:
    """:param selection: what is read of each record; :param fragments: that it spreads."""

    def __init__(self, client: ShopifyClient, operation: str, selection: str, fragments: Mapping[str, str]) -> None:
        self._client = client
        self._operation = f"{operation}Apart"
        self._selection = selection
        self._fragments = fragments
        self._nodes: list[Json] = []
        self._unread: list[str] = []
        self._denied: Denied = frozenset()

    def read(self, ids_only: Call, failure: TemporaryError) -> Rows:
        """The page in its order. :param ids_only: the page with nothing but ids.

        :param failure: raised where it is the shop, and no single record.
        """
        answer = self._client.run([ids_only], operation=f"{self._operation}Ids")
        page = read_connection(answer.call(0), ids_only.root)
        gids = [str(node.get("id")) for node in page.nodes]
        for start in range(0, len(gids), READ_AT_ONCE):
            self._read(gids[start : start + READ_AT_ONCE], failure)
        if gids and not self._nodes and len(self._unread) > 1:
            raise failure
        return Rows(self._nodes, page.cursor, self._denied, tuple(self._unread))

    def _read(self, gids: list[str], failure: TemporaryError) -> None:
        call = documents.nodes(gids, self._selection)
        try:
            answer = self._client.run([call], operation=self._operation, fragments=self._fragments)
        except TemporaryError as error:
            if not error.is_server_fault:
                raise
            if len(gids) == 1:
                self._unread.append(number_of(gids[0]))
                if len(self._unread) > MOST_UNREAD:
                    raise failure from None
                return
            middle = len(gids) // 2
            self._read(gids[:middle], failure)
            self._read(gids[middle:], failure)
            return
        self._denied |= answer.denied
        known = [node for node in answer.call(0) or () if node is not None]  # the others were deleted a moment ago
        self._nodes += objects(known, self._operation)
