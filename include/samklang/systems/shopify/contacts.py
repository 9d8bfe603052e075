"""May we ask a shop which of its customers buy for companies (B2B)?

Most shops have no access to B2B, and the list is one that cannot be null: refused within a read, it would take the
customer with it, or the whole answer. So it is asked for alone, on one customer, and the answer is remembered. (sheet:
Shopify, found since; what a refusal takes along is a guess)
"""

from __future__ import annotations

from samklang.errors import AccessError, RejectedError, TemporaryError
from samklang.systems.base import Memory
from samklang.systems.shopify import documents
from samklang.systems.shopify.client import ShopifyClient
from samklang.systems.shopify.values import dig

_NAME = "shopify.company_contacts"
_YES, _NO = "yes", "no"


def may_ask(client: ShopifyClient, memory: Memory) -> bool:
    """What is remembered; where nothing is, what the shop says.

    :raises RemoteError: the shop cannot be asked anything.
    """
    known = memory.get(_NAME)
    if known is None:
        known = _ask(client)
        if known:
            memory[_NAME] = known
    return known == _YES


def forget(memory: Memory) -> None:
    """Ask anew: a shop may change its plan."""
    memory.pop(_NAME, None)


def _ask(client: ShopifyClient) -> str:
    """`yes`, `no`, or nothing where this one customer tells neither."""
    try:
        answer = client.run([documents.contacts_of_one()], operation="ProbeCompanyContacts")
    except (AccessError, RejectedError) as error:
        if error.status is not None:
            raise  # it is not about this field
        return _NO
    except TemporaryError as error:
        if not error.is_server_fault:
            raise
        return ""  # the shop may fail over this one record
    if answer.denied:
        return _NO
    return _YES if dig(answer.call(0), ("nodes",)) else ""
