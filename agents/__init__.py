"""Who decides: councils, suppliers, partnerships and government."""
