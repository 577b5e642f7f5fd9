"""Files and folders of any kind, and the Hub: what holds rows becomes tables."""
