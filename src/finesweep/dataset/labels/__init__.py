"""Label encoding: from columns of a table to class names and ids."""
