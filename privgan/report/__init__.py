"""Render reports in HTML, PDF, Markdown and JSON: a shareable and an internal one."""
