"""What can be set. Where the sheet ends and guesses begin, the guess is the default and its opposite can be had."""

from __future__ import annotations

from samklang.simulators.control import Switch

CLIENT_ID = "8f3c1f60-6f2b-4a33-9d6e-2b1a7c5d9e10"
CLIENT_NAME = "Fjordbutikken AS"
ALL_PRIVILEGES = ["Customer_Full", "Product_Full"]

SETTINGS = {
    # sheet 1: a token for two keys, and a subscription key with every call
    "application_key": Switch("app"),
    "client_key": Switch("client"),
    "subscription_key": Switch("sub"),
    "token_seconds": Switch(1200),  # docs, sheet 1
    "requests_per_second": Switch(10),  # per subscription key (docs, sheet 4). 0: unlimited
    "privileges": Switch(ALL_PRIVILEGES),  # spec, sheet 1
    # lists and single GETs are answered from a replica, up to two seconds behind (docs, sheet 10)
    "replica_lag_seconds": Switch(0.0),
}

GUESSES = {
    # sheet 4: larger than MaxPageSize is "not allowed"; whether clamped or refused is unknown
    "page_size_above_maximum": Switch("clamped", ("clamped", "refused")),
    # sheet 4: seen by clients, in no document
    "pagination_header": Switch("present", ("present", "absent")),
    # sheet 4: 204 or []
    "page_past_the_end": Switch("no_content", ("no_content", "empty_array")),
    # sheet 4: absent is a guess
    "unselected_fields": Switch("absent", ("absent", "null")),
    # sheet 4: plain names work (verified on demo); of parts of an address nothing is known
    "nested_fields": Switch("refused", ("refused", "accepted")),
    # sheet 4: `$…` is refused (verified on demo); other unknown names are not known
    "unknown_parameters": Switch("ignored", ("ignored", "refused")),
    # sheet 4: seen by a client; about 2000 characters
    "long_urls": Switch("not_found", ("not_found", "accepted")),
    # sheet 2: seen in newer clients, not in the document
    "newer_filters": Switch("present", ("present", "absent")),
    # sheet 4: unspecified without OrderBy
    "default_order": Switch("by_id", ("by_id", "newest_first")),
    # sheet 5: the schema says PascalCase, every example is lower case
    "error_names": Switch("lower", ("lower", "pascal")),
    # sheet 8: a fault worth having
    "problem_details": Switch("present", ("present", "absent")),
    # sheet 4: read by clients, in no document
    "retry_after": Switch("present", ("present", "absent")),
    # sheet 6: shown in the spec's examples; that the server carries it out is not verified
    "test_operation": Switch("enforced", ("enforced", "ignored")),
    # sheet 2, PATCH: the spec has one, clients send another
    "patch_content_type": Switch("lenient", ("lenient", "strict")),
    # sheet 2, PATCH: mixed in the spec's examples; one client saw camelCase passed over silently
    "patch_path_case": Switch("insensitive", ("insensitive", "ignored_unless_pascal")),
    # sheet 3: whether codes must be unique is not stated
    "product_code": Switch("unique", ("unique", "free")),
    # sheet 7: some dates come with a time
    "dates": Switch("date", ("date", "date_time")),
    # sheet 2: default NO on a new address (spec); when it is filled in is not stated
    "address_country": Switch("defaulted", ("defaulted", "empty")),
}
