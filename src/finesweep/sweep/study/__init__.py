"""What Optuna and its database hold: slots, leases, the search space, the definition."""
