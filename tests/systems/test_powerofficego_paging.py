"""A list is read to its end or not at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from go import Go, problem
from scripted import Answer

from samklang.errors import ProtocolError, RejectedError
from samklang.simulators.http import Request
from samklang.systems.powerofficego.paging import ListReader

FIELDS = ("Id", "Name")


def row(number: int, **more: Any) -> dict[str, Any]:
    return {"Id": number, "Name": f"n{number}", **more}


def header(total: int | None = None, has_next: bool | None = None) -> dict[str, str]:
    value: dict[str, Any] = {} if total is None else {"totalCount": total}
    if has_next is not None:
        value["nextPageLink"] = "https://internal.example/v2/Customers?PageNumber=2" if has_next else ""
    return {"X-Pagination": orjson.dumps(value).decode()}


def page(*numbers: int, total: int | None = None, has_next: bool | None = None) -> Answer:
    return Answer(200, [row(n) for n in numbers], header(total, has_next))


def make(*pages: Answer | Callable[[], Answer], memory: dict[str, str] | None = None) -> tuple[ListReader, Go]:
    """The pages in the order in which they are asked for."""
    left = list(pages)

    def answer(_: Request) -> Answer:
        following = left.pop(0)
        return following if isinstance(following, Answer) else following()

    go = Go(answer)
    return ListReader(go.client, "/Customers", FIELDS, {} if memory is None else memory), go


def read(reader: ListReader, filters: dict[str, str] | None = None) -> list[int]:
    return [r["Id"] for part in reader.read(filters) for r in part.rows]


def numbers(go: Go) -> list[str]:
    return [r.query["PageNumber"][0] for r in go.sent]


def test_a_page_is_asked_for_in_a_fixed_order_with_what_is_needed() -> None:
    reader, go = make(Answer(204))
    read(reader, {"isArchived": "false"})
    assert go.sent[0].query == {
        "isArchived": ["false"],
        "OrderBy": ["Id"],
        "PageSize": ["20000"],
        "Fields": ["Id,Name"],
        "PageNumber": ["1"],
    }


def test_a_read_ends_where_the_server_says_there_is_no_next_page() -> None:
    reader, go = make(page(1, 2, total=3, has_next=True), page(3, total=3, has_next=False))
    assert read(reader) == [1, 2, 3]
    assert numbers(go) == ["1", "2"]


@pytest.mark.parametrize("last", [Answer(204), Answer(200, [])])
def test_without_such_a_word_it_ends_at_an_empty_page_and_never_at_a_short_one(last: Answer) -> None:
    reader, go = make(Answer(200, [row(1), row(2)]), Answer(200, [row(3)]), Answer(200, [row(4)]), last)
    assert read(reader) == [1, 2, 3, 4]
    assert numbers(go) == ["1", "2", "3", "4"]


def test_names_in_the_paging_header_are_read_in_either_case() -> None:
    reader, _ = make(Answer(200, [row(1)], {"X-Pagination": '{"TotalCount": 1, "NextPageLink": null}'}))
    assert [(len(p.rows), p.total) for p in reader.read()] == [(1, 1)]


@pytest.mark.parametrize("text", ["", "no json", "[]", '{"totalCount": "many"}', '{"totalCount": -1}'])
def test_a_paging_header_that_cannot_be_read_is_as_good_as_none(text: str) -> None:
    reader, go = make(Answer(200, [row(1)], {"X-Pagination": text}), Answer(204))
    assert [p.total for p in reader.read()] == [None]
    assert numbers(go) == ["1", "2"]


def test_an_empty_list_is_one_empty_page() -> None:
    reader, _ = make(Answer(204))
    assert [p.rows for p in reader.read()] == [()]


@pytest.mark.parametrize(
    "pages",
    [
        [Answer(204, None, header(total=5))],
        [page(1, 2, total=5), Answer(204)],
        [page(1, 2, total=5, has_next=False), Answer(204)],
        [page(1, 2, has_next=True), Answer(204), page(1, 2, has_next=True), Answer(204)] * 6,
        [page(1, 2), page(1, 2)],
        [page(2, 1)],
        [page(1, 5), page(3)],
        [Answer(200, {"value": []})],
        [Answer(200, [1, 2])],
        [Answer(200, [row(1), {"Name": "x"}])],
        [Answer(200, [{"Id": "1", "Name": "x"}])],
        [Answer(200, b"")],
        [Answer(200, b'[{"Id": 1, "Na')],
        [page(1, 2), Answer(200, b"")],
    ],
    ids=[
        "empty, though a total is named",
        "short of its total",
        "last page, short of its total",
        "a next page is named and never comes",
        "the same page again",
        "out of order",
        "out of order over two pages",
        "no list",
        "no objects",
        "no id",
        "an id that is text",
        "an empty body",
        "a cut body",
        "an empty body later",
    ],
)
def test_a_page_that_cannot_be_right_is_an_error_and_not_an_end(pages: list[Answer]) -> None:
    reader, _ = make(*pages)
    with pytest.raises(ProtocolError):
        read(reader)


@pytest.mark.parametrize("status", [400, 404])
def test_a_later_page_that_is_refused_is_an_error(status: int) -> None:
    reader, _ = make(page(1), problem("No.", status=status))
    with pytest.raises(RejectedError):
        read(reader)


def test_rows_that_were_seen_already_are_dropped() -> None:
    reader, _ = make(page(1, 2), page(2, 3), page(3, 4), Answer(204))
    assert read(reader) == [1, 2, 3, 4]


def test_a_row_that_moved_up_while_others_were_deleted_is_not_missed() -> None:
    # 2 is deleted after the first page, so 4 stands on the first page now
    reader, go = make(
        page(1, 2, 3, total=6, has_next=True),
        page(5, 6, total=5, has_next=False),
        page(1, 3, 4, total=5, has_next=True),
        page(5, 6, total=5, has_next=False),
    )
    assert read(reader) == [1, 2, 3, 4, 5, 6]
    assert numbers(go) == ["1", "2", "1", "2"]


def test_a_last_page_that_vanished_through_a_deletion_is_no_error() -> None:
    reader, _ = make(page(1, 2, has_next=True), Answer(204), page(1, 3, has_next=False))
    assert read(reader) == [1, 2, 3]


def test_a_smaller_page_than_asked_for_changes_nothing() -> None:
    reader, go = make(page(1, total=3), page(2, total=3), page(3, total=3), Answer(204))
    assert read(reader) == [1, 2, 3]
    assert numbers(go) == ["1", "2", "3", "4"]


def test_the_link_to_the_next_page_is_not_followed() -> None:
    reader, go = make(page(1, total=2, has_next=True), page(2, total=2, has_next=False))
    read(reader)
    assert {r.base_url for r in go.sent} == {"https://goapi.poweroffice.net"}


def test_a_page_size_that_is_refused_is_remembered() -> None:
    memory: dict[str, str] = {}
    refusal = problem("PageSize is too large.", "Invalid resourceParameter")
    reader, go = make(refusal, page(1, total=1, has_next=False), page(1, total=1, has_next=False), memory=memory)
    assert read(reader) == [1]
    assert read(reader) == [1]
    assert [r.query["PageSize"][0] for r in go.sent] == ["20000", "5000", "5000"]


def test_a_field_list_that_is_refused_is_remembered_for_these_fields() -> None:
    memory: dict[str, str] = {}
    answers = [*[problem("Fields property is not formatted correct.")] * 4, Answer(204), Answer(204)]
    reader, go = make(*answers, memory=memory)
    read(reader)
    read(reader)
    assert ["Fields" in r.query for r in go.sent] == [True] * 4 + [False, False]
    other = ListReader(go.client, "/Customers", ("Id", "Code"), memory)
    go.handler = lambda _: Answer(204)
    read(other)
    assert go.sent[-1].query["Fields"] == ["Id,Code"]


def test_a_field_list_that_leaves_out_what_it_names_is_not_used() -> None:
    memory: dict[str, str] = {}
    thin = Answer(200, [{"Id": 1}], header(1, False))
    reader, go = make(thin, page(1, total=1, has_next=False), page(1, total=1, has_next=False), memory=memory)
    assert [r for p in reader.read() for r in p.rows] == [row(1)]
    assert read(reader) == [1]
    assert ["Fields" in r.query for r in go.sent] == [True, False, False]


def test_a_first_page_that_is_refused_in_every_form_tells_why() -> None:
    reader, go = make(*[problem("since is no date.")] * 8)
    with pytest.raises(RejectedError, match="HTTP 400"):
        read(reader)
    assert len(go.sent) == 8


def test_page_sizes_step_down_until_the_server_takes_one_and_at_last_none_is_named() -> None:
    memory: dict[str, str] = {}
    refusal = problem("PageSize is not allowed.", "Invalid resourceParameter")
    reader, go = make(*[refusal] * 3, *[page(1, total=1, has_next=False)] * 2, memory=memory)
    assert read(reader) == read(reader) == [1]
    assert [r.query.get("PageSize") for r in go.sent] == [["20000"], ["5000"], ["1000"], None, None]
