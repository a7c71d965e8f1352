"""Run the main job: plan, charge, fit, sample, audit, judge, release."""
