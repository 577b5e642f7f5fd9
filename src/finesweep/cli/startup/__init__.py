"""Start-up of a command: quiet libraries, paused garbage collection, a template for workers."""
