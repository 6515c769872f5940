"""Who can be called, where, how to sign, which formats they speak. Declarations only."""
