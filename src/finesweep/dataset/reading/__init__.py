"""Readers of tables: from files and folders of any format, and from the Hub."""
