"""The report on runs: what it says (`content`), and how it is written (`as_html`, `as_markdown`)."""
