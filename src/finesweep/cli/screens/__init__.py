"""What commands print: tables, reports and progress."""
