"""Labels as people write them: from columns of a table to the names and numbers of classes."""
