"""The only network client: the native and the httpx transport behind one seam."""
