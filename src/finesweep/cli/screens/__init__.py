"""Output of commands: tables and reports."""
