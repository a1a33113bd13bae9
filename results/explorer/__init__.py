"""The explorer: a page on which levers are moved and the market answers."""
