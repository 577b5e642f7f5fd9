"""One tracked run: fine-tuning, adaptation, test evaluation."""
