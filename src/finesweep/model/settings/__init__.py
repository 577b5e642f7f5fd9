"""Settings of a run that change a loaded model: dropout, pooling and low-rank adapters."""
