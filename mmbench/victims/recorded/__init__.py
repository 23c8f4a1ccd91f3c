"""Victims recorded from real programs, one .victim file each, and the script that recorded them."""
