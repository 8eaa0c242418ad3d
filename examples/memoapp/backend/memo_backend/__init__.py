"""The sample backend: memos in PostgreSQL, a short-lived list in Redis, and a health answer."""
