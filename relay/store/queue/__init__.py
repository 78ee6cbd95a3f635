"""What the delivery engine needs: lanes and their leases, what can be taken, gates, sends and their parts."""
