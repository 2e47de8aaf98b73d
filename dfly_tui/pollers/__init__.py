"""From a fetch to what a screen subscribes to: poll, feed, hub, time series, recorder."""
