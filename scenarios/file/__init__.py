"""File: what a scenario may say, and how it is read, checked and found."""
