"""The tables of the link store, the same for SQLite and PostgreSQL.

Text in JSON columns is canonical (sorted keys), so that equal content is equal text and a change is found by comparing
columns. Times are text as `core.clocks` writes it. Maps of fields use the mapping's name of a field, on both sides.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Sequence,
    String,
    Table,
    Text,
    text,
)

from samklang.store.types import AnyText

metadata = MetaData()

meta = Table(
    "meta",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("value", AnyText, nullable=False),
)

tickets = Sequence("tickets", metadata=metadata)  # PostgreSQL; SQLite, with one writer at a time, counts in a row

counters = Table(
    "counters",
    metadata,
    Column("name", String(50), primary_key=True),
    Column("value", Integer, nullable=False),
)

pacing = Table(
    "pacing",
    metadata,
    Column("name", String(64), primary_key=True),  # a hash of the subscription key, never the key
    Column("next_at", Float, nullable=False),
)

reads = Table(
    "reads",
    metadata,
    Column("ticket", Integer, primary_key=True, autoincrement=False),
    Column("entity", String(20), nullable=False),
    Column("side", String(20), nullable=False),
    Column("run_id", String(250), nullable=False),
    Column("whole", Boolean, nullable=False),
    Column("started_at", String(40), nullable=False),
    Column("max_clock", String(40), nullable=False),
    Column("rows", Integer, nullable=False),
    Column("taken_in", Boolean, nullable=False, default=False),
    Column("other_clock", String(40)),  # how far the other side had been read before it, in that system's own clock
)

seen = Table(
    "seen",
    metadata,
    Column("entity", String(20), primary_key=True),
    Column("side", String(20), primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("raw", Text, nullable=False),
    Column("normal", Text, nullable=False),
    Column("form", Text, nullable=False),
    Column("facts", Text, nullable=False),
    Column("scope", String(10), nullable=False),
    Column("created", String(40), nullable=False),
    Column("clock", String(40), nullable=False),  # the system's own, when a read first saw these raw values
    Column("group_clocks", Text, nullable=False),
    Column("our_key", String(200)),
    Column("ticket", Integer, nullable=False),  # of the read or write that these values come from
    Column("changed_after", String(40)),  # the `other_clock` of the last read that still had the values before these
    Column("missing", Integer, nullable=False, default=0),  # whole reads in a row without it
    Column("latest", Text),  # the newest of each of its clocks that was ever told, by group; "" is the record's own
    Column("latest_at", String(40)),  # our time of that
    Column("linked", Boolean),  # true: it has a link; null: it may have none, which only `link_sides` can tell
    Index("seen_our_key", "entity", "side", "our_key"),
    Index(
        "seen_without_link",
        "entity",
        "side",
        "scope",
        "id",
        sqlite_where=text("linked IS NULL"),
        postgresql_where=text("linked IS NULL"),
    ),
    Index("seen_scope", "entity", "scope", "side", "id"),
)

seen_keys = Table(
    "seen_keys",
    metadata,
    Column("entity", String(20), primary_key=True),
    Column("side", String(20), primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("field", String(100), primary_key=True),
    Column("value", String(400), nullable=False),
    Index("seen_keys_value", "entity", "field", "value"),
)

links = Table(
    "links",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("entity", String(20), nullable=False),
    Column("state", String(10), nullable=False),  # linked | excluded: one or both are kept apart | ended: has no sides
    Column("origin", String(10), nullable=False),  # matched | created | relinked
    Column("run_id", String(250), nullable=False),
    Column("created_at", String(40), nullable=False),
    Index("links_entity", "entity", "state", "id"),
    Index("links_run", "entity", "run_id"),
)

link_sides = Table(
    "link_sides",
    metadata,
    Column("link_id", Integer, ForeignKey("links.id", ondelete="CASCADE"), primary_key=True),
    Column("side", String(20), primary_key=True),
    Column("entity", String(20), nullable=False),
    Column("record_id", String(64), nullable=False),
    Column("raw", Text, nullable=False),  # the base: what was last synchronised, by field
    Column("normal", Text, nullable=False),
    Column("form", Text, nullable=False),
    Column("revision", Integer, nullable=False, default=0),  # counts writes; a plan is refused where it has moved
    Column("shelf", Text),  # bases of fields that are not in the mapping at present, for when they come back
    Index("one_link_per_record_and_side", "entity", "side", "record_id", unique=True),
)

intents = Table(
    "intents",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("entity", String(20), nullable=False),
    Column("side", String(20), nullable=False),
    Column("key", String(200), nullable=False),
    Column("source_id", String(64), nullable=False),
    Column("state", String(10), nullable=False),  # open | done | failed | parked | wanted: a person said so, no key yet
    Column("run_id", String(250), nullable=False),
    Column("plan_id", Integer, nullable=False),
    Column("created_at", String(40), nullable=False),
    Column("closed_at", String(40)),
    Column("note", Text),
    Index(
        "one_open_intent_per_key",
        "entity",
        "side",
        "key",
        unique=True,
        sqlite_where=text("state = 'open'"),
        postgresql_where=text("state = 'open'"),
    ),
    Index("intents_of_record", "entity", "side", "source_id"),
)

plans = Table(
    "plans",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("entity", String(20), nullable=False),
    Column("run_id", String(250), nullable=False),
    Column("state", String(10), nullable=False),  # dry | proposed | approved | rejected
    Column("folder", Text, nullable=False),
    Column("counts", Text, nullable=False),
    Column("adopted", Boolean, nullable=False, default=False),
    Column("created_at", String(40), nullable=False),
    Column("decided_at", String(40)),
    Column("decided_by", String(200)),
    Column("reason", String(200)),  # what the person who decided wrote about it
    Index("plans_of_run", "entity", "run_id", "id"),
    Index("plans_newest", "entity", "id"),
)

plan_results = Table(
    "plan_results",
    metadata,
    Column("plan_id", Integer, ForeignKey("plans.id", ondelete="CASCADE"), primary_key=True),
    Column("side", String(20), primary_key=True),
    Column("row", Integer, primary_key=True),
    Column("outcome", String(12), nullable=False),
    Column("reason", Text),
    Column("at", String(40), nullable=False),
    Index("plan_results_by_outcome", "plan_id", "outcome", "row"),
)

conflicts = Table(
    "conflicts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("entity", String(20), nullable=False),
    Column("record_ids", Text, nullable=False),
    Column("field", String(100), nullable=False),
    Column("kind", String(6), nullable=False),  # edit | link
    Column("raw", Text, nullable=False),  # both values, by side
    Column("base", Text),  # both values as last synchronised; null: there was none
    Column("clocks", Text, nullable=False),
    Column("certain", Boolean, nullable=False),
    Column("rule", String(20), nullable=False),
    Column("winner", String(20)),
    Column("state", String(8), nullable=False),  # decided | open
    Column("run_id", String(250), nullable=False),
    Column("plan_id", Integer, nullable=False),
    Column("at", String(40), nullable=False),
    Column("reviewed_by", String(200)),  # who has seen how it was decided, and lets it stand
    Column("reviewed_at", String(40)),
    Index("conflicts_entity", "entity", "state"),
    Index("conflicts_newest", "entity", "state", "id"),
    Index("conflicts_of_records", "entity", "record_ids"),
)

holds = Table(
    "holds",
    metadata,
    Column("entity", String(20), primary_key=True),
    Column("side", String(20), primary_key=True),  # where the value cannot go
    Column("source_id", String(64), primary_key=True),  # the record on the other side that has it
    Column("field", String(100), primary_key=True),  # empty: the whole record, that is quarantine
    Column("reason", String(100), nullable=False),
    Column("remedy", Text, nullable=False),
    Column("by_system", Boolean, nullable=False),  # refused by the system; else found by the planner
    Column("fingerprint", String(64)),  # of the refused content, to try again as soon as it changes
    Column("attempts", Integer, nullable=False, default=0),
    Column("retry_at", String(40)),  # null: not by the time; of a refusal that means skipped
    Column("run_id", String(250), nullable=False),
    Column("since", String(40), nullable=False),
    Column("named", String(100)),  # of a whole record: the field that the system named, if it did
    Column("last_edits", Text),  # of both records when it was refused: with another one it is tried again
    Column("said", Text),  # the system's own words, which may quote the record
    Column("holder", String(64)),  # of a taken value: who was seen to have it, on the side where it cannot go
    Column("holder_edits", Text),  # of the holder and its twin by then
    Index("holds_by_reason", "entity", "reason", "side", "source_id", "field"),
)

freezes = Table(
    "freezes",
    metadata,
    Column("link_id", Integer, ForeignKey("links.id", ondelete="CASCADE"), primary_key=True),
    Column("field", String(100), primary_key=True),
    Column("entity", String(20), nullable=False),
    Column("normal", Text, nullable=False),  # both values, by side, in normal form
    Column("flips", Integer, nullable=False),
    Column("run_id", String(250), nullable=False),
    Column("since", String(40), nullable=False),
    Column("released_at", String(40)),  # what was written before that is forgiven
    Column("person", String(200)),  # who froze it, until somebody lets it go; null: found by a plan
)

verdicts = Table(
    "verdicts",
    metadata,
    Column("entity", String(20), primary_key=True),
    Column("side", String(20), primary_key=True),
    Column("record_id", String(64), primary_key=True),
    Column("verdict", String(12), nullable=False),  # ambiguous | excluded | twin_gone | twin_erased
    Column("reason", String(100), nullable=False),
    Column("candidates", Text, nullable=False),
    Column("run_id", String(250), nullable=False),
    Index("verdicts_by_reason", "entity", "verdict", "reason", "side", "record_id"),
)

refusals = Table(  # what a hold was refused for, one row per attempt
    "refusals",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("entity", String(20), nullable=False),
    Column("side", String(20), nullable=False),
    Column("source_id", String(64), nullable=False),
    Column("field", String(100), nullable=False),
    Column("reason", String(100), nullable=False),
    Column("named", String(100)),
    Column("run_id", String(250), nullable=False),
    Column("at", String(40), nullable=False),
    Column("said", Text),
    Index("refusals_of_record", "entity", "side", "source_id"),
)

history = Table(
    "history",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("entity", String(20), nullable=False),
    Column("link_id", Integer, nullable=False),
    Column("side", String(20), nullable=False),
    Column("record_id", String(64), nullable=False),
    Column("op", String(10), nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("run_id", String(250), nullable=False),
    Column("plan_id", Integer, nullable=False),
    Column("at", String(40), nullable=False),
    Column("lag", Float),  # seconds from the edit that a write carried on, by its system's clock; null: none did
    Index("history_link", "link_id"),
    Index("history_run", "entity", "run_id"),
    Index("history_record", "entity", "side", "record_id"),
)

actions = Table(  # what people did, by whom
    "actions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("entity", String(20), nullable=False),
    Column("name", String(200), nullable=False, unique=True),  # what history and orders name as their run
    Column("what", String(20), nullable=False),
    Column("person", String(200), nullable=False),
    Column("via", String(10), nullable=False),  # console | cli
    Column("at", String(40), nullable=False),
    Column("records", Text, nullable=False),  # as `side:id`
    Column("detail", Text, nullable=False),  # ids, field names and counts, no values
    Index("actions_entity", "entity", "id"),
)

orders = Table(  # values that a person has put back; the next plan writes them
    "orders",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("entity", String(20), nullable=False),
    Column("link_id", Integer, ForeignKey("links.id", ondelete="CASCADE"), nullable=False),
    Column("side", String(20), nullable=False),
    Column("record_id", String(64), nullable=False),
    Column("field", String(100), nullable=False),
    Column("kind", String(10), nullable=False),  # undo: held where it is | part: … of a pair kept apart | take: an edit
    Column("value", AnyText),  # raw, as are the three below
    Column("expected", AnyText),  # what must still stand there
    Column("other", AnyText),  # what must still stand on the other side
    Column("stored", AnyText),  # of an undo that stands: what the system made of the value
    Column("action", String(200), nullable=False),
    Column("of_run", String(250)),
    Column("state", String(10), nullable=False),  # wanted | standing | done | moved | refused | released
    Column("at", String(40), nullable=False),
    Column("closed_at", String(40)),
    Index("orders_entity", "entity", "state"),
    Index("orders_link", "link_id"),
    Index("orders_of_run", "entity", "of_run"),
)

tombstones = Table(  # who was forgotten: keyed digests of ids and match keys, so that nobody can be read from it
    "tombstones",
    metadata,
    Column("entity", String(20), primary_key=True),
    Column("side", String(20), primary_key=True),
    Column("digest", String(64), primary_key=True),
    Column("action", String(200), nullable=False),
)

revisit = Table(
    "revisit",
    metadata,
    Column("entity", String(20), primary_key=True),
    Column("side", String(20), primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("reason", String(40), nullable=False),
)

watermarks = Table(
    "watermarks",
    metadata,
    Column("entity", String(20), primary_key=True),
    Column("side", String(20), primary_key=True),
    Column("clock", String(40), nullable=False),
    Column("whole_at", String(40)),  # our time of the last whole read
    Column("fields", Text, nullable=False),  # which fields that read had
    Column("first_created", String(40)),  # the newest record at the first run: what is older was there before us
)

runs = Table(
    "runs",
    metadata,
    Column("entity", String(20), primary_key=True),
    Column("run_id", String(250), primary_key=True),
    Column("kind", String(40), nullable=False),  # as Airflow calls it: scheduled, manual, backfill, …
    Column("state", String(10), nullable=False),
    Column("summary", Text, nullable=False),
    Column("started_at", String(40), nullable=False),
    Column("finished_at", String(40)),
    Index("runs_newest", "entity", "started_at", "run_id"),
)
