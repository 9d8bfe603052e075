"""Lists for people who look at a store: small pages, each by an index and from where the last one ended.

A page far down a list of a million links costs what the first one does. Rows carry ids, names and values of records:
they are shown to those who may see them, and go into no log.
"""

from samklang.store.lists.ambiguous import Ambiguous, ambiguous
from samklang.store.lists.conflicts import Conflict, conflicts
from samklang.store.lists.holds import Hold, Refusal, hold_reasons, holds, refusals
from samklang.store.lists.matches import Alone, Pair, excluded, excluded_reasons, linked, only_here
from samklang.store.lists.pages import PAGE, Page
from samklang.store.lists.records import Record, Shown, shown
from samklang.store.lists.runs import Plan, Run, newest_plan, plan, run, runs

__all__ = [
    "PAGE",
    "Alone",
    "Ambiguous",
    "Conflict",
    "Hold",
    "Page",
    "Pair",
    "Plan",
    "Record",
    "Refusal",
    "Run",
    "Shown",
    "ambiguous",
    "conflicts",
    "excluded",
    "excluded_reasons",
    "hold_reasons",
    "holds",
    "linked",
    "newest_plan",
    "only_here",
    "plan",
    "refusals",
    "run",
    "runs",
    "shown",
]
