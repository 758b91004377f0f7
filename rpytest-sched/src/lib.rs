//! Who runs which test next: pure scheduling of tests over workers and shards.
