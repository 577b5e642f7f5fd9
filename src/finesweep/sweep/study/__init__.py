"""The Optuna study and its database: slots, leases, search space, definition."""
