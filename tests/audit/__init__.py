"""`make audit`: looks for known vulnerabilities in everything on the image, and in all locked libraries."""
