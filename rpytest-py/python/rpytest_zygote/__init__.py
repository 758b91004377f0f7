"""What runs inside the user's interpreter: a warm process per context, and the forks of it that become runs.

Standard library and pytest only. Read `start` first (how an interpreter becomes a zygote), then `zygote` (the loop that
serves runs), `session` (what a fork puts right), and `shelf` (how warm modules reach the run that imports them).
"""
