//! The Python half of rpytest: the processes kept warm, their contexts, and the daemon that serves them.
