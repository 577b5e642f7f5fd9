"""What happens before a command's own work: quiet libraries, the resting collector, warm forks."""
