"""What a run did, in words: for its log, and for the note that Airflow's UI shows beside it. Figures and ids only."""

from __future__ import annotations

from typing import Any

from samklang.airflow.links import console_url
from samklang.core.outcomes import found, left, written
from samklang.core.sides import title

_LENGTH = 1000
"""Characters that Airflow keeps of a note."""
_FOR_PEOPLE = ("conflicts", "ambiguous", "quarantined", "held")
_STATES = {
    "success": "in tune as far as the plan goes",
    "dry": "a dry run; nothing was written and nothing moved",
    "rejected": "the plan was rejected; nothing was written and nothing moved",
    "outdated": "the plan was overtaken by a newer one, or the mapping, the currency or the taxes have changed since "
    "(the loads' logs say which); what was open is planned anew",
    "failed": "failed",
}


def note(entity: str, summary: dict[str, Any], health: dict[str, int]) -> str:
    """A few lines of Markdown; the first one alone tells how the run ended."""
    lines = [f"{entity.capitalize()}: {headline(summary)}."]
    if summary["reads"]:
        reads = [
            f"{read['rows']} in {title(side)} ({'whole' if read['whole'] else 'changes'})"
            for side, read in summary["reads"].items()
        ]
        lines.append(f"- Read {', '.join(reads)}")
    reports = {side: report["outcomes"] for side, report in summary["loads"].items() if report}
    if not any(reports.values()):
        lines.append("- Wrote nothing")
    lines += [f"- {_load(title(side), outcomes)}" for side, outcomes in reports.items() if outcomes]
    waiting = {name: health[name] for name in _FOR_PEOPLE if health[name]}
    if waiting:
        lines.append(f"- To look at: {_counts(waiting)}")
    lines += [f"- {warning}" for warning in summary["warnings"][:1]]
    if summary["plan"] is not None:
        lines.append(f"- [Plan {summary['plan']}]({console_url(entity, 'plans', summary['plan'])})")
    return "\n".join(lines)[:_LENGTH]


def headline(summary: dict[str, Any]) -> str:
    """How a run ended, in one line: what failed, or who rejected the plan and why."""
    if summary["failed"]:
        return f"{', '.join(summary['failed'])} failed"
    review = summary["review"]
    if summary["state"] == "rejected" and review:
        why = f" ({review['reason']})" if review["reason"] else ", who gave no reason"
        return f"the plan was rejected by {review['by']}{why}; nothing was written and nothing moved"
    return _STATES[summary["state"]]


def in_words(entity: str, summary: dict[str, Any], health: dict[str, int], expired: int) -> str:
    """The whole summary, for the log."""
    lines = [f"{entity}: {headline(summary)}"]
    for side, read in summary["reads"].items():
        lines.append(f"  read {read['rows']} records in {side}{'' if read['whole'] else ' (changes)'}")
    for side, report in summary["loads"].items():
        lines.append(f"  {_load(side, report['outcomes'] if report else {}, first='wrote')}")
    for side, count in summary["gone"].items():
        lines.append(f"  {count} records are gone in {side}; their twins are untouched")
    lines += [f"  {warning}" for warning in summary["warnings"]]
    for side, names in summary["denied"].items():
        lines.append(f"  {side} does not let us read {', '.join(names)}; these fields are left alone")
    for one in summary["held"]["records"]:
        what = f"{one['side']}:{one['id']}" + (f" {one['field']}" if one["field"] else "")
        lines.append(f"  {one['state']} towards {one['towards']}: {what} ({one['reason'].replace('_', ' ')})")
    if summary["held"]["more"]:
        lines.append(f"  and {summary['held']['more']} more held or quarantined")
    lines.append("  " + ", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in health.items()))
    if doubtful := (summary["counts"] or {}).get("doubtful_reasons"):
        lines.append(f"  to look at, since it may not fit what was written: {_counts(doubtful)}")
    if summary["lag"]:
        lag = summary["lag"]
        lines.append(f"  edits got across in {lag['p50']:.0f} s (half of them), {lag['p95']:.0f} s (95 of 100)")
    if expired:
        lines.append(f"  removed the staged files of {expired} old runs")
    return "\n".join(lines)


def _load(side: str, outcomes: dict[str, int], *, first: str = "Wrote") -> str:
    """Writes as writes, and what was left apart from them."""
    done = written(outcomes)
    told = [f"{first} to {side}: {_counts(done)}" if done else f"{first} nothing to {side}"]
    told += [f"Found: {_counts(one)}" for one in [found(outcomes)] if one]
    told += [f"Left: {_counts(one)}" for one in [left(outcomes)] if one]
    return ". ".join(told)


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items()) or "nothing"
