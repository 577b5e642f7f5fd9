"""Names under which a study and its trials carry what is ours, in Optuna's user_attrs."""

# Of a study.
SWEEP = "sweep"
UID = "uid"
DEFINITION = "definition"
N_TRIALS = "n_trials"
PARENT_RUN_ID = "parent_run_id"
FINALIST = "finalist"
REGISTERED = "registered"

# Of a trial.
SLOT = "slot"
ATTEMPT = "attempt"
MODEL = "model"
VALUES = "values"
"""Plain path → value, recipe and suggestions together: what compose_trial takes."""
RUN_ID = "run_id"
DATA_FINGERPRINT = "data_fingerprint"
CHECKPOINT = "checkpoint"
REASON = "reason"
RETRY = "retry"
"""Set on a failed trial whose slot is to be tried again, because nothing was wrong with it."""
