"""What each vendor's errors mean, as rows, first match first. Tables only: `proxy.providers.signals` reads them."""
