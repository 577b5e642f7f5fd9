"""A sweep's plan: the time, memory and disk it will take, before it is run."""
