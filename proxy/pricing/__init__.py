"""From usage to money: the catalogue of prices, what a request cost, and tokens by estimate."""
