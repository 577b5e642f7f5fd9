"""Names of the user attributes of studies and trials, and of the studies of confirmations."""

# User attributes of a study.
SWEEP = "sweep"
UID = "uid"
DEFINITION = "definition"
N_TRIALS = "n_trials"
"""Number of slots; in a sweep by time, those begun so far and, while time is left, some more."""
TIME_BUDGET = "time_budget"
"""Time of the latest sweep command, a TimeBudget; none without sweep.timeout_minutes."""
PARENT_RUN_ID = "parent_run_id"
FINALIST = "finalist"
REGISTERED = "registered"
COMBINATION = "combination"
"""What was tried with the winner's seeds on validation, and what is best, a Combination."""
BASELINE = "baseline"
COMPARISONS = "comparisons"
"""Pairwise comparisons of the models' best trials."""
COMPARED = "compared"
"""Numbers of the trials that COMPARISONS are of, or that could not be compared."""
OMISSIONS = "omissions"
"""Comparison that failed → reason."""
DATA_NOTES = "data_notes/"
"""Prefix of a dataset's fingerprint: sentences on dropped rows, derived splits and cut texts."""

TEACHERS = "teachers"
"""training.teacher as given → the record of the version that it meant when the study began."""
GRID = "grid"
"""Of an exhaustive sampler: {"n_points": …, "beside": slots whose trials are beside the grid}."""
PORTFOLIO = "portfolio"
"""Params of the first trials from the portfolio, by plain path, and a note for the user."""
PAST_STUDIES = "past_studies"
"""Names of the studies whose trials the sampler learns from."""
OVERRIDES = "overrides"
"""Hydra overrides of the latest sweep command; every worker composes with them."""
GIVEN = "given"
"""The overrides among them that were typed."""
FILES = "files"
"""The user's YAML files, so that workers on other machines compose the same config."""
LAUNCHED = "launched"
"""Start of the latest sweep command, ISO time; earlier failures no longer count."""
STOP = "stop"
"""Reason why all workers finish their slot and exit; empty while the sweep runs."""

PRECISION = "precision"
"""Precision that training.precision=auto selected on the machine that created the study."""

LEASE_SECONDS = "lease_seconds"
BEST_RUN = "best_run"
"""{"trial": number, "run_id": …} of the best trial, once its run is delivered."""

CONFIRMATION = "confirmation"
"""Name of the confirmation study, once it is created."""

# User attributes of the confirmation study.
SEED_RUNS = "pairs"
"""Slot → [trial of the search, seed]."""
CANDIDATES = "candidates"
"""Numbers of the search's trials that are confirmed, best first."""

RACED_ANEW = "raced_anew"
"""True if who was raced out is decided anew from the results so far; without it, in a confirmation
that an earlier version began and nothing was added to since, who was raced out stays so."""

RACED, UNWANTED = "raced", "unwanted"
"""Why a seed is not run: its configuration can no longer win, or confirm's top_k or seeds, or a
better candidate, left it out."""

# User attributes of a trial.
SLOT = "slot"
ATTEMPT = "attempt"
MODEL = "model"
TOTAL = "total"
"""Training examples in the trial's whole schedule: the step of its last evaluation."""
VALUES = "values"
"""Plain path → value, enqueued params and suggestions together, as compose_trial takes them."""
ORIGIN = "origin"
"""Who chose the trial's params: enqueued, portfolio or sampler."""
DATA_FINGERPRINT = "data_fingerprint"
CHECKPOINT = "checkpoint"
REASON = "reason"
SKIPPED = "skipped"
"""Of a seed that was not run: RACED or UNWANTED; older studies did not say which."""
PRUNE_AUDIT = "prune_audit"
"""Of a trial that the pruner would have stopped and that runs on: the step at which it would have
been stopped, the seconds until then, and the best complete value of its model at that time."""
COMMITTED = "committed"
"""Optimizer steps at the attempt's latest committed checkpoint."""
WORKER = "worker"
LEDGER = "ledger"
"""`seconds/part` and `seconds_saved/by` of the attempt, and overhead_seconds since the worker's
previous trial."""
FAILURE = "failure"
"""Failure class, from failures.py."""
RETRY = "retry"
"""True on a failed trial whose slot is retried, because the trial itself was not at fault."""

# Of sweeps with several objectives.
LATENCY = "latency/"
"""Prefix, of a study: latencies of one architecture, length and machine, as in latencies.py."""
LATENCY_MACHINE = "latency_machine"
"""Of a study: the machine whose latencies are compared."""
OBJECTIVES = "objectives"
"""Of a trial: metric → value of each objective, in their order."""
LATENCY_KEY = "latency_key"
"""Of a trial: what its latency depends on besides the machine: architecture, length and data."""

CONFIRMATION_SUFFIX = "+confirmation"
"""Follows the sweep's study in the name of its confirmation's."""


def is_confirmation(study_name: str) -> bool:
    """Whether it names a confirmation's study; no sweep's study may be named so."""
    return study_name.endswith(CONFIRMATION_SUFFIX)
