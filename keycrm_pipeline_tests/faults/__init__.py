"""Faults that must cost nothing: killed processes, broken answers, moving lists, full disks, held files."""
