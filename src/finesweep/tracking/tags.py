"""Tags of runs that several packages write or read."""

TRIAL_STATE = "finesweep.trial_state"
ORIGIN_TAG = "finesweep.origin"
"""Who chose a trial's params: enqueued, portfolio or sampler."""
REASON_TAG = "finesweep.reason"
DATA_NOTES_TAG = "finesweep.data_notes"
"""How the data were read, and what was left out, one sentence per line."""
