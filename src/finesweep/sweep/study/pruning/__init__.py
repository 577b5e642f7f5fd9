"""What pruners see and how they are configured: trials of one model, at shares of a schedule."""
