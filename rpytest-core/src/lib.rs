//! The words that all rpytest crates share: node ids, outcomes, events, exit codes.
