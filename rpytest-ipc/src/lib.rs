//! Every message between rpytest's processes, and what carries it.
