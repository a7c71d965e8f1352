"""The main job: plan, charge, fit, sample, audit, judge, release.

Each stage in a file of its own.
"""
