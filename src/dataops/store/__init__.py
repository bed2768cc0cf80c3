"""What the S3 remote holds, and the embedded server that stands in for it until the team has a bucket."""
