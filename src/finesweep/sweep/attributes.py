"""Names under which studies, trials and their runs carry what is ours."""

# Of a study.
SWEEP = "sweep"
UID = "uid"
DEFINITION = "definition"
N_TRIALS = "n_trials"
PARENT_RUN_ID = "parent_run_id"
FINALIST = "finalist"
REGISTERED = "registered"
BASELINE = "baseline"
COMPARISONS = "comparisons"
"""Of the best of each model with the best of each other one."""

OVERRIDES = "overrides"
"""Hydra overrides of the latest sweep command, with which every worker composes."""
GIVEN = "given"
"""Those of them that were typed."""
FILES = "files"
"""The user's own YAML files, so that a worker elsewhere composes the same."""
LAUNCHED = "launched"
"""When the latest sweep command began, as ISO time: failures before it are forgiven."""
STOP = "stop"
"""Why all workers are to finish their slot and leave; empty while they are wanted."""

PRECISION = "precision"
"""What training.precision=auto was on the machine that made the study."""

LEASE_SECONDS = "lease_seconds"
BEST_RUN = "best_run"
"""{"trial": number, "run_id": …} of the best trial whose run is known."""

CONFIRMATION = "confirmation"
"""Name of the study in which the best are trained again, once it was made."""

# Of the study that confirms.
PAIRS = "pairs"
"""Slot → [trial of the search, seed]."""
CANDIDATES = "candidates"
"""Trials of the search that are confirmed, best first."""

# Of a trial.
SLOT = "slot"
ATTEMPT = "attempt"
MODEL = "model"
VALUES = "values"
"""Plain path → value, recipe and suggestions together: what compose_trial takes."""
DATA_FINGERPRINT = "data_fingerprint"
CHECKPOINT = "checkpoint"
REASON = "reason"
COMMITTED = "committed"
"""Optimizer steps in the latest checkpoint that the attempt committed."""
WORKER = "worker"
LEDGER = "ledger"
"""Part → seconds of the attempt, with what it saved, and overhead_seconds since the last tell."""
FAILURE = "failure"
"""The class of a failure, from failures.py."""
RETRY = "retry"
"""Set on a failed trial whose slot is to be tried again, because nothing was wrong with it."""

# Tags of a run.
TRIAL_STATE = "finesweep.trial_state"
REASON_TAG = "finesweep.reason"
