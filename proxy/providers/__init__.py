"""Vendor kinds as table rows, what their errors mean, and how a request for one of them is built. Pure."""
