"""A sweep's plan on screen: time by workers, memory, disk and warnings."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from finesweep.report.plan.records import Measured, Option, Plan
from finesweep.wording import counted, duration, gigabytes


def print_plan(console: Console, plan: Plan, *, command: str) -> None:
    """Prints the plan, and the command that runs the sweep."""
    configured = plan.configured
    confirmed = ""
    if plan.n_confirmations:
        confirmed = f" and {counted(plan.n_confirmations, 'confirmation')}"
    _say(console, f"plan of sweep {plan.sweep}, from a few training steps on {plan.device}")
    _say(
        console,
        f"{counted(configured.n_trials, 'trial')}{confirmed}; a trial takes"
        f" {duration(plan.trial_seconds)} on average; pruning is expected to leave"
        f" {_percent(plan.share_trained)} of the search's steps",
    )
    console.print()
    console.print(_options(plan))
    console.print()
    console.print(_measured(plan))
    console.print()
    parts = plan.disk
    _say(
        console,
        f"disk: {gigabytes(parts.needed)} of {gigabytes(parts.free)} free: weights"
        f" {gigabytes(parts.weights)}, checkpoints {gigabytes(parts.checkpoints)}, tokens"
        f" {gigabytes(parts.tokens)}, activations {gigabytes(parts.activations)}",
    )
    for note in plan.notes:
        _say(console, note)
    for warning in plan.warnings:
        _say(console, f"WARNING: {warning}")
    console.print("\nnext:")
    _say(console, f"  {command}")


def _options(plan: Plan) -> Table:
    """One row for each number of workers, the configured one marked."""
    headings = ["workers", "threads", "without pruning", "with pruning", "memory"]
    has_cost = any(each.cost is not None for each in plan.options)
    table = _table([*headings, "cost"] if has_cost else headings)
    for each in plan.options:
        mark = "*" if each.workers == plan.workers else ""
        cells = [
            f"{each.workers}{mark}",
            str(each.threads),
            duration(each.seconds),
            _range(each),
            _memory(each, plan),
        ]
        table.add_row(*cells, *([f"{each.cost:,.2f}"] if each.cost is not None else []))
    return table


def _measured(plan: Plan) -> Table:
    """One row for each measured configuration."""
    table = _table(["length", "frozen", "batch", "step", "memory", "largest batch"], "model")
    for each in plan.measured:
        table.add_row(each.model, *_cells(each))
    return table


def _cells(each: Measured) -> list[str]:
    return [
        str(each.max_length),
        str(each.frozen_layers),
        str(each.batch_size),
        f"{each.step_seconds:.2g} s",
        gigabytes(each.peak_bytes),
        f"{each.largest_batch:,}",
    ]


def _range(option: Option) -> str:
    low, high = map(duration, option.seconds_pruned)
    return low if low == high else f"{low} to {high}"


def _memory(option: Option, plan: Plan) -> str:
    too_much = option.memory_bytes > plan.memory_free_bytes
    return f"{gigabytes(option.memory_bytes)}{' too much' if too_much else ''}"


def _percent(share: tuple[float, float]) -> str:
    low, high = (f"{100 * each:.0f}" for each in share)
    return f"{low} %" if low == high else f"{low} to {high} %"


def _table(headings: list[str], first: str | None = None) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 1, 0, 0))
    if first is not None:
        table.add_column(first, no_wrap=True)
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _say(console: Console, line: str) -> None:
    console.print(line, soft_wrap=True)
