"""Tags of runs that more than one package writes or reads."""

TRIAL_STATE = "finesweep.trial_state"
REASON_TAG = "finesweep.reason"
DATA_NOTES_TAG = "finesweep.data_notes"
"""What was found by looking at the data, and what was left out of them, one sentence a line."""
