"""From the last trial to the registered version: confirmation, comparison, the final evaluation."""
