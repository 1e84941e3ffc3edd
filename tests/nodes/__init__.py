"""Several processes on several stores: replicas behind the proxy, a standby that takes over."""
