"""The properties of PowerOffice Go's customers and products that a mapping may name (sheet: 2 and 3)."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pycountry

from samklang.core.rules import Accepts
from samklang.errors import ConfigurationError

ADDRESS = "MailAddress"
_ANYTHING = Accepts()


@dataclass(frozen=True, slots=True)
class Property:
    """:param type: `text`, `number`, `integer`, `boolean`, `date` or `timestamp`.

    :param writable: whether both POST and PATCH take it.
    """

    type: str = "text"
    accepts: Accepts = _ANYTHING

    @property
    def writable(self) -> bool:
        return self.accepts.writable


def _text(max_length: int | None = None, *, clearable: bool = True, unique: bool = False) -> Property:
    return Property("text", Accepts(max_length=max_length, clearable=clearable, unique=unique))


def _shown(kind: str = "text") -> Property:
    return Property(kind, Accepts(writable=False))


_TEXT, _NUMBER, _INTEGER, _BOOLEAN, _DATE = (
    Property(kind) for kind in ("text", "number", "integer", "boolean", "date")
)
# null means "from the product group"; so there is no emptying one
_MONEY = Property("number", Accepts(form="money", inherits=True, clearable=False))
_COUNTRY = Property(
    "text", Accepts(form="country", choices=frozenset(c.alpha_2 for c in pycountry.countries), default="NO")
)

# Left out: lists, `MailAddress` as a whole, and `NationalIdNumber`, which reads back as the word "hidden".
CUSTOMER: Mapping[str, Property] = {
    "Allowance": _NUMBER,
    "BillableRate": _NUMBER,
    "ContactCreatedDateTimeOffset": _shown("timestamp"),
    "CreatedFromImportJournalId": _shown(),
    "CurrencyCode": _TEXT,
    "CustomerCreatedDateTimeOffset": _shown("timestamp"),
    "CustomerSince": _DATE,
    "DateOfBirth": _DATE,
    "DeliveryTerm": _shown(),
    "DeliveryTermId": _INTEGER,
    "DepartmentCode": _shown(),
    "DepartmentId": _INTEGER,
    "DoNotAddLatePaymentFees": _BOOLEAN,
    "DoNotAddLatePaymentInterest": _BOOLEAN,
    "DoNotAutomatePaymentNotifications": _BOOLEAN,
    "EmailAddress": _TEXT,
    "ExternalImportReference": _shown(),  # patchable, but it is where our key stands
    "ExternalNumber": Property("integer", Accepts(unique=True)),
    "FirstName": _text(clearable=False),
    "Id": _shown("integer"),
    "InvoiceBrandingThemeCode": _shown(),
    "InvoiceBrandingThemeId": _INTEGER,
    "InvoiceDeliveryType": _TEXT,
    "InvoiceEmailAddress": _TEXT,
    "InvoiceEmailAddressCC": _text(2000),
    "IsActive": _shown("boolean"),
    "IsArchived": _BOOLEAN,
    "IsPerson": _BOOLEAN,
    "IsVatFree": _BOOLEAN,
    "LastChangedDateTimeOffset": _shown("timestamp"),
    "LastName": _text(clearable=False),
    "LegalName": _TEXT,
    "MailAddress.AddressLine1": _text(200),
    "MailAddress.AddressLine2": _text(200),
    "MailAddress.City": _text(100),
    "MailAddress.CountryCode": _COUNTRY,
    "MailAddress.ExternalCode": _text(50),
    "MailAddress.Id": _shown("integer"),
    "MailAddress.LastChangedDateTimeOffset": _shown("timestamp"),
    "MailAddress.ZipCode": _text(50),
    "Name": _TEXT,
    "NoticeOfDebtCollectionDeliveryType": _TEXT,
    "Number": _INTEGER,
    "OrganizationNumber": _TEXT,
    "PaymentReminderEmailAddress": _TEXT,
    "PaymentTerm": _shown("integer"),
    "PaymentTermId": _INTEGER,
    "PhoneNumber": _TEXT,
    "ReminderDeliveryType": _TEXT,
    "SalesPersonEmployeeId": _INTEGER,
    "SalesPersonEmployeeNumber": _shown("integer"),
    "SendPaymentReminders": _BOOLEAN,
    "SubledgerAccountId": _shown("integer"),
    "TransferToDebtCollectionAgency": _BOOLEAN,
    "UseInvoiceFee": _BOOLEAN,
    "WebsiteUrl": _TEXT,
}

# POST takes a few more (account numbers, `ProductGroupCode`), PATCH does not: those are only shown.
PRODUCT: Mapping[str, Property] = {
    "Code": _text(100, clearable=False, unique=True),  # not stated; the safer guess
    "CreatedDateTimeOffset": _shown("timestamp"),
    "CreatedFromImportJournalId": _shown(),
    "Description": _TEXT,
    "Gtin": _TEXT,
    "Id": _shown("integer"),
    "IsArchived": _BOOLEAN,
    "IsStockItem": _BOOLEAN,
    "LastChangedDateTimeOffset": _shown("timestamp"),
    "Name": _text(400, clearable=False),
    "OptionalSalesAccount": _shown("integer"),
    "OptionalSalesAccountAgricultureDepartment": _shown(),
    "OptionalSalesAccountId": _INTEGER,
    "ProductGroupCode": _shown(),
    "ProductGroupId": _INTEGER,
    "ProductType": _TEXT,
    "StandardSalesAccount": _shown("integer"),
    "StandardSalesAccountAgricultureDepartment": _shown(),
    "StandardSalesAccountId": _INTEGER,
    "StockAvailable": _shown("number"),
    "StockOnHand": _NUMBER,
    "StockOnHandLastChangedDatetimeOffset": _shown("timestamp"),
    "UnitCost": _MONEY,
    "UnitOfMeasureCode": _TEXT,
    "UnitPrice": _MONEY,
}


def select(schema: Mapping[str, Property], fields: Iterable[str], entity: str) -> dict[str, Property]:
    """The properties that a mapping names.

    :raises ConfigurationError: there is no such property, or it cannot be synchronised.
    """
    chosen: dict[str, Property] = {}
    for name in fields:
        if name not in schema:
            near = difflib.get_close_matches(name, schema, n=1, cutoff=0.0)[0]
            raise ConfigurationError(
                f"PowerOffice Go {entity} have no property {name} that can be synchronised.",
                remedy=f"The nearest name is {near}.",
            )
        chosen[name] = schema[name]
    return chosen
