"""What a deployed function needs: its settings, its clients, its handler."""
