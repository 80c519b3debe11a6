"""Contagion: whose losses become whose."""
