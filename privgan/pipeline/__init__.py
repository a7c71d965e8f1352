"""The main job: plan, charge, fit, sample, audit, judge, release; each stage in a file of its own."""
