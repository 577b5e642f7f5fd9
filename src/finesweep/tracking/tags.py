"""Tags of runs that more than one package writes or reads."""

TRIAL_STATE = "finesweep.trial_state"
REASON_TAG = "finesweep.reason"
