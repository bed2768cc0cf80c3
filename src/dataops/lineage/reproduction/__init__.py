"""A version's pipeline run again in a worktree of its own, and what comes out beside what was recorded."""
