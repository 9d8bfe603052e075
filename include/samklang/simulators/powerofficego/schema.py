"""The properties of each resource: which exist, which may be posted, which may be patched (sheet 2 and 3, tables)."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Resource:
    """:param properties: kind by name, in the order of the DTO: `text`, `number`, `integer`, `flag`, `date`, `list`,
    `address`, `time`. :param limits: greatest length by name.
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


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _kinds(**groups: str) -> dict[str, str]:
    return {name: kind for kind, names in groups.items() for name in names.split()}


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
    "FirstName InvoiceBrandingThemeCode InvoiceDeliveryType InvoiceEmailAddress InvoiceEmailAddressCC LastName "
    "LegalName Name NationalIdNumber NoticeOfDebtCollectionDeliveryType OrganizationNumber PaymentReminderEmailAddress "
    "PhoneNumber ReminderDeliveryType WebsiteUrl",
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
    limits={"ExternalImportReference": 50},
    created="CustomerCreatedDateTimeOffset",
    created_status=201,
    filters={
        "contactgroupids": "groups",
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
    text="Code Description Gtin Name OptionalSalesAccountAgricultureDepartment ProductGroupCode ProductType "
    "StandardSalesAccountAgricultureDepartment UnitOfMeasureCode",
    time="CreatedDateTimeOffset LastChangedDateTimeOffset StockOnHandLastChangedDatetimeOffset",
    integer="Id OptionalSalesAccount OptionalSalesAccountId ProductGroupId StandardSalesAccount StandardSalesAccountId",
    flag="IsArchived IsStockItem",
    number="StockAvailable StockOnHand UnitCost UnitPrice",
)
_PRODUCT_READ_ONLY = _names(
    "CreatedDateTimeOffset Id LastChangedDateTimeOffset StockAvailable StockOnHandLastChangedDatetimeOffset"
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
        "type": "one_of ProductType",
        "isarchived": "flag IsArchived",
        "createddatetimeoffsetgreaterthan": "later CreatedDateTimeOffset",
        "lastchangeddatetimeoffsetgreaterthan": "later LastChangedDateTimeOffset",
        "stockonhandlastchangeddatetimeoffsetgreaterthan": "later StockOnHandLastChangedDatetimeOffset",
    },
)

_GROUP = _kinds(
    text="Code CreatedFromImportJournalId Description Name OptionalSalesAccountAgricultureDepartment ProductType "
    "StandardSalesAccountAgricultureDepartment UnitOfMeasureCode",
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
        "type": "one_of ProductType",
        "isarchived": "flag IsArchived",
        "createddatetimeoffsetgreaterthan": "later CreatedDateTimeOffset",
        "lastchangeddatetimeoffsetgreaterthan": "later LastChangedDateTimeOffset",
    },
)

RESOURCES = {resource.path: resource for resource in (CUSTOMERS, PRODUCTS, PRODUCT_GROUPS)}
