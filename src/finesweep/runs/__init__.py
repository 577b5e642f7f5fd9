"""One tracked run, which a sweep is made of: fine-tuning, adaptation, the test evaluation."""
