"""The properties of each resource: which exist, which may be posted, which may be patched (sheet 2 and 3, tables)."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Resource:
    """:param properties: kind by name: `text`, `number`, `integer`, `flag`, `date`, `enum`, `list` (of ids), `address`,
    and `time`, which is always read-only. :param limits: greatest length by name. :param filters: by query name in
    lower case, how it filters and by which property.
    """

    name: str
    path: str
    properties: dict[str, str]
    post: frozenset[str]
    patch: frozenset[str]
    limits: dict[str, int]
    created: str
    created_status: int
    filters: dict[str, str]
    newer_filters: dict[str, str] = field(default_factory=dict)
    by_lower: dict[str, str] = field(init=False)
    dates: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_lower", {name.lower(): name for name in self.properties})
        object.__setattr__(self, "dates", tuple(name for name, kind in self.properties.items() if kind == "date"))


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _kinds(**groups: str) -> dict[str, str]:
    return {name: kind for kind, names in groups.items() for name in names.split()}


_AGRICULTURE = _words("None Finance Farming Forestry FurAnimals OtherIndustries Private")
_UNITS = _words(
    "BX MTR KMT KGM EA LTR HUR DAY MTK MTQ TNE MON ANN QAN NL XRO XBA XPL XPC PR XCI XBG SET XTY XOF FTK KWH MWH LBR "
    "CMT DMT LM XPK GRM HGM XFL XBE E54 MMT DAA H18 MLT HLT DLT AK XCR E14 MJ J57 XJG XCT XSA XTU WEE XCA XCN NAR M4 "
    "XVQ P1 MFU KMK LM3 FOT FM3 E34 E35"
)
ENUMS = {
    "InvoiceDeliveryType": ("PdfByEmail", "Print", "EHF", "AvtaleGiro", "External", "Efaktura", "Factoring"),
    "NoticeOfDebtCollectionDeliveryType": ("PdfByEmail", "Print"),
    "ReminderDeliveryType": ("PdfByEmail", "Print"),
    "OptionalSalesAccountAgricultureDepartment": _AGRICULTURE,
    "StandardSalesAccountAgricultureDepartment": _AGRICULTURE,
    "ProductType": ("Product", "Service"),
    "UnitOfMeasureCode": _UNITS,
}

ADDRESS = _kinds(
    text="AddressLine1 AddressLine2 City CountryCode ExternalCode ZipCode", integer="Id",
    time="LastChangedDateTimeOffset",
)  # fmt: skip
ADDRESS_LIMITS = {"AddressLine1": 200, "AddressLine2": 200, "City": 100, "ExternalCode": 50, "ZipCode": 50}
ADDRESS_READ_ONLY = frozenset({"Id", "LastChangedDateTimeOffset"})

_CUSTOMER = _kinds(
    number="Allowance BillableRate",
    time="ContactCreatedDateTimeOffset CustomerCreatedDateTimeOffset LastChangedDateTimeOffset",
    list="ContactGroupIds",
    text="CreatedFromImportJournalId CurrencyCode DeliveryTerm DepartmentCode EmailAddress ExternalImportReference "
    "FirstName InvoiceBrandingThemeCode InvoiceEmailAddress InvoiceEmailAddressCC LastName LegalName Name "
    "NationalIdNumber OrganizationNumber PaymentReminderEmailAddress PhoneNumber WebsiteUrl",
    enum="InvoiceDeliveryType NoticeOfDebtCollectionDeliveryType ReminderDeliveryType",
    date="CustomerSince DateOfBirth",
    integer="DeliveryTermId DepartmentId ExternalNumber Id InvoiceBrandingThemeId Number PaymentTerm PaymentTermId "
    "SalesPersonEmployeeId SalesPersonEmployeeNumber SubledgerAccountId",
    flag="DoNotAddLatePaymentFees DoNotAddLatePaymentInterest DoNotAutomatePaymentNotifications IsActive IsArchived "
    "IsPerson IsVatFree SendPaymentReminders TransferToDebtCollectionAgency UseInvoiceFee",
    address="MailAddress",
)
_CUSTOMER_READ_ONLY = _names(
    "ContactCreatedDateTimeOffset CreatedFromImportJournalId CustomerCreatedDateTimeOffset Id IsActive "
    "LastChangedDateTimeOffset SubledgerAccountId"
)
_CUSTOMER_POST_ONLY = _names(
    "DeliveryTerm DepartmentCode InvoiceBrandingThemeCode PaymentTerm SalesPersonEmployeeNumber"
)
CUSTOMERS = Resource(
    name="Customer",
    path="customers",
    properties=_CUSTOMER,
    post=frozenset(_CUSTOMER) - _CUSTOMER_READ_ONLY | {"SubLedgerNumberSeriesId"},
    patch=frozenset(_CUSTOMER) - _CUSTOMER_READ_ONLY - _CUSTOMER_POST_ONLY,
    limits={"ExternalImportReference": 50, "InvoiceEmailAddressCC": 2000},
    created="CustomerCreatedDateTimeOffset",
    created_status=201,
    filters={
        "contactgroupids": "groups ContactGroupIds",
        "customercreateddatetimeoffsetgreaterthan": "later CustomerCreatedDateTimeOffset",
        "customernos": "ranges Number",
        "externalimportreference": "equal ExternalImportReference",
        "externalnos": "ranges ExternalNumber",
        "lastchangeddatetimeoffsetgreaterthan": "later LastChangedDateTimeOffset",
    },
    newer_filters={
        "organizationnumbers": "one_of OrganizationNumber",
        "phonenumbers": "one_of PhoneNumber",
        "emailaddresses": "one_of EmailAddress",
    },
)

_PRODUCT = _kinds(
    text="Code CreatedFromImportJournalId Description Gtin Name ProductGroupCode",
    enum="OptionalSalesAccountAgricultureDepartment ProductType StandardSalesAccountAgricultureDepartment "
    "UnitOfMeasureCode",
    time="CreatedDateTimeOffset LastChangedDateTimeOffset StockOnHandLastChangedDatetimeOffset",
    integer="Id OptionalSalesAccount OptionalSalesAccountId ProductGroupId StandardSalesAccount StandardSalesAccountId",
    flag="IsArchived IsStockItem",
    number="StockAvailable StockOnHand UnitCost UnitPrice",
)
_PRODUCT_READ_ONLY = _names(
    "CreatedDateTimeOffset CreatedFromImportJournalId Id LastChangedDateTimeOffset StockAvailable "
    "StockOnHandLastChangedDatetimeOffset"
)
PRODUCTS = Resource(
    name="Product",
    path="products",
    properties=_PRODUCT,
    post=frozenset(_PRODUCT) - _PRODUCT_READ_ONLY,
    patch=_names(
        "Code Description Gtin IsArchived IsStockItem Name OptionalSalesAccountId ProductGroupId ProductType "
        "StandardSalesAccountId StockOnHand UnitCost UnitOfMeasureCode UnitPrice"
    ),
    limits={"Code": 100, "Name": 400},
    created="CreatedDateTimeOffset",
    created_status=200,  # spec: 200, where customers and groups answer 201
    filters={
        "codes": "one_of Code",
        "names": "one_of Name",
        "productgroupcodes": "one_of ProductGroupCode",
        "type": "choice ProductType",
        "isarchived": "flag IsArchived",
        "createddatetimeoffsetgreaterthan": "later CreatedDateTimeOffset",
        "lastchangeddatetimeoffsetgreaterthan": "later LastChangedDateTimeOffset",
        "stockonhandlastchangeddatetimeoffsetgreaterthan": "later StockOnHandLastChangedDatetimeOffset",
    },
)

_GROUP = _kinds(
    text="Code CreatedFromImportJournalId Description Name",
    enum="OptionalSalesAccountAgricultureDepartment ProductType StandardSalesAccountAgricultureDepartment "
    "UnitOfMeasureCode",
    time="CreatedDateTimeOffset LastChangedDateTimeOffset",
    integer="Id OptionalSalesAccount OptionalSalesAccountId StandardSalesAccount StandardSalesAccountId",
    flag="IsArchived",
    number="UnitCost UnitPrice",
)
_GROUP_READ_ONLY = _names("CreatedDateTimeOffset CreatedFromImportJournalId Id LastChangedDateTimeOffset")
PRODUCT_GROUPS = Resource(
    name="ProductGroup",
    path="productgroups",
    properties=_GROUP,
    post=frozenset(_GROUP) - _GROUP_READ_ONLY,
    patch=_names(
        "Code Description IsArchived Name OptionalSalesAccountId ProductType StandardSalesAccountId UnitCost "
        "UnitOfMeasureCode UnitPrice"
    ),
    limits={"Code": 200, "Name": 400},
    created="CreatedDateTimeOffset",
    created_status=201,
    filters={
        "codes": "one_of Code",
        "names": "one_of Name",
        "type": "choice ProductType",
        "isarchived": "flag IsArchived",
        "createddatetimeoffsetgreaterthan": "later CreatedDateTimeOffset",
        "lastchangeddatetimeoffsetgreaterthan": "later LastChangedDateTimeOffset",
    },
)

RESOURCES = {resource.path: resource for resource in (CUSTOMERS, PRODUCTS, PRODUCT_GROUPS)}
