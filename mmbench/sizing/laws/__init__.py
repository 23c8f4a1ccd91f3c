"""Who dies and when: the laws that people write, and the draws that they mean."""
