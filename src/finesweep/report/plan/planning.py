"""Plans a sweep: measures its models on this machine, and reckons what the whole will take."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch

from finesweep.config import Config, SweepPlan
from finesweep.disk import nearest_existing
from finesweep.report.plan.draws import Draw, drawn
from finesweep.report.plan.forecast import Machine, disk, doubts, option, workload
from finesweep.report.plan.pruning import share_trained
from finesweep.report.plan.records import Measured, Plan
from finesweep.report.plan.speeds import Speeds, measure
from finesweep.report.plan.warmup import WarmUp, warm_up
from finesweep.sweep.data import check_data
from finesweep.sweep.launchers.gpus import visible_gpus
from finesweep.sweep.launchers.local import usable_cores
from finesweep.sweep.notes import search_notes
from finesweep.sweep.rehearsal import rehearse
from finesweep.sweep.study.portfolio.first_trials import first_trials
from finesweep.sweep.study.sampling.known_slots import grid_of
from finesweep.sweep.study.search_space import check
from finesweep.sweep.time_budget import at_most
from finesweep.threads import given_threads

WORKERS = (1, 2, 4, 8)
"""Numbers of workers that every plan compares."""
ONE_DEVICE = (
    "times and memory were measured on one device; with launcher.devices_per_trial a trial's steps"
    " take less time, and no activations are cached"
)
TEACHER = "a teacher's one pass over the training rows is not counted"

Say = Callable[[str], None]


def plan_sweep(plan: SweepPlan, say: Say = lambda line: None) -> Plan:
    """The sweep's plan, from a few training steps for each model and max_length. Makes no study and
    no run; datasets are tokenized into the cache, where the sweep will find them.

    say is told what is measured. ConfigError when the sweep would be refused too.
    """
    check_data(plan, check(plan))
    rehearse(plan)
    plan = _within_grid(plan)
    config, draws = plan.base.config, drawn(plan)
    options = sorted({*WORKERS, config.workers})
    threads = {n: _threads(plan, n) for n in options}
    every = (*draws.first, *draws.others)
    with _torch_threads(threads[config.workers]):
        speeds = _speeds(every, say)
        slowest = max((each.longest for each in speeds.values()), key=lambda w: w.step_seconds)
        slowdown = _slowdown(slowest, threads[config.workers], threads.values(), say)
    n_trials = plan.settings.n_trials
    share = share_trained(
        plan, draws.others, n_trials or len(draws.others), train_rows=slowest.train.n_rows
    )
    is_gpu = torch.cuda.is_available()
    n_gpus = max(1, len(visible_gpus(os.environ))) if is_gpu else 0
    n_devices = config.launcher.devices_per_trial
    is_local = config.launcher.name == "local"
    machine = Machine(
        threads=threads,
        slowdown=slowdown,
        n_at_once=max(1, (n_gpus or usable_cores()) // n_devices) if is_local else None,
        n_gpus=n_gpus // n_devices,
        price_per_hour=config.plan.price_per_hour,
    )
    work = workload(plan, draws, speeds, share)
    warm = [each for speed in speeds.values() for each in speed.all]
    peak = max(each.peak_bytes for each in warm)
    made = tuple(option(work, machine, n, peak_bytes=peak) for n in options)
    configured = next(each for each in made if each.workers == config.workers)
    written = disk(
        plan,
        draws,
        speeds,
        configured.n_trials,
        trial_seconds=max(speeds[each.model].trial_seconds(each.config) for each in every),
        token_bytes=sum({each.token_key: each.token_bytes for each in warm}.values()),
        free_bytes=_free_bytes(config.storage.checkpoints),
    )
    measured = tuple(_measured(name, each) for name in speeds for each in speeds[name].all)
    usable = min(each.usable_bytes for each in warm)
    return Plan(
        sweep=plan.name,
        device=torch.cuda.get_device_name() if is_gpu else "cpu",
        n_confirmations=work.n_confirmations,
        trial_seconds=work.trial_seconds,
        share_trained=share,
        workers=config.workers,
        options=made,
        memory_free_bytes=usable,
        disk=written,
        measured=measured,
        notes=tuple(search_notes(plan)),
        warnings=(
            *doubts(plan, configured, written, free_bytes=usable, too_large=_too_large(speeds)),
            *uncounted([draw.config for draw in every]),
        ),
    )


def uncounted(configs: Iterable[Config]) -> list[str]:
    """What the plan leaves out of account for such trials, one sentence each."""
    configs = list(configs)
    on_several = any(config.launcher.devices_per_trial > 1 for config in configs)
    has_teacher = any(config.training.teacher is not None for config in configs)
    return [*([ONE_DEVICE] if on_several else []), *([TEACHER] if has_teacher else [])]


def _within_grid(plan: SweepPlan) -> SweepPlan:
    """The plan with no more trials than its grid has, if it has one."""
    portfolio = first_trials(plan).params if plan.is_exhaustive and plan.settings.portfolio else ()
    grid, settings = grid_of(plan, portfolio), plan.settings
    is_by_time = settings.n_trials is None and settings.timeout_minutes is not None
    if grid is None or is_by_time:
        return plan
    n_trials = at_most(settings.n_trials, grid.n_slots)
    return replace(plan, settings=replace(settings, n_trials=n_trials))


def _speeds(draws: Iterable[Draw], say: Say) -> dict[str, Speeds]:
    """Model → its speeds, measured one after the other."""
    by_model: dict[str, list[Draw]] = {}
    for draw in draws:
        by_model.setdefault(draw.model, []).append(draw)
    speeds = {}
    for model, own in by_model.items():
        say(f"measuring {model} …")
        speeds[model] = measure([draw.config for draw in own], warm_up)
    return speeds


def _slowdown(slowest: WarmUp, measured: int, threads: Iterable[int], say: Say) -> dict[int, float]:
    """Threads → training time over that with the measured number."""
    slowdown = {measured: 1.0}
    for n in sorted(set(threads) - {measured}):
        say(f"measuring with {n} thread{'s'[: n > 1]} …")
        with _torch_threads(n):
            again = warm_up(slowest.config)
        slowdown[n] = again.fastest_seconds_per_token / slowest.fastest_seconds_per_token
    return slowdown


def _threads(plan: SweepPlan, workers: int) -> int:
    """Threads of each device of a worker, as launchers set them."""
    if given := given_threads():
        return given
    launcher = plan.base.config.launcher
    n_cores = launcher.cpus_per_worker
    if launcher.name == "local":
        n_cores = usable_cores() // workers
    return max(1, n_cores // launcher.devices_per_trial)


@contextmanager
def _torch_threads(n: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _measured(model: str, warm: WarmUp) -> Measured:
    config, parameters = warm.config, warm.parameters
    return Measured(
        model=model,
        max_length=config.dataset.max_length,
        frozen_layers=warm.frozen_layers,
        batch_size=config.training.batch_size,
        step_seconds=warm.step_seconds,
        training_seconds_per_token=warm.training_seconds_per_token,
        evaluation_seconds_per_token=warm.evaluation_seconds_per_token,
        peak_bytes=warm.peak_bytes,
        row_bytes=warm.row_bytes,
        largest_batch=warm.largest_batch,
        parameters=parameters.trainable + parameters.frozen,
        trainable=parameters.trainable,
        activation_bytes=warm.activations.n_bytes if warm.activations.why_not is None else 0,
    )


def _too_large(speeds: Mapping[str, Speeds]) -> tuple[str, ...]:
    return tuple(
        f"{model} at {warm.config.dataset.max_length} tokens: training.batch_size="
        f"{warm.config.training.batch_size} is not expected to fit, at most {warm.largest_batch}"
        for model, each in speeds.items()
        for warm in each.all
        if warm.n_fitting < warm.config.training.batch_size
    )


def _free_bytes(folder: str) -> int:
    """Free space where the folder is, or will be."""
    return shutil.disk_usage(nearest_existing(Path(folder))).free
