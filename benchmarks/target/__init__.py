"""Parts of `time_to_target.py`: rows, search space, peers, results, report and picture."""
