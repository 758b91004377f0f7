"""The harness of `cargo xtask verify`: pytest's own test suite, with its inner runs going through a command.

`outer` is the plugin of the outer run, `recorder` that of some inner runs. See docs/design/verify.md.
"""
