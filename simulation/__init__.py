"""Where and when things happen: the market, its calendar and its institutions."""
