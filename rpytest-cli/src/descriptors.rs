//! The descriptors that this command inherited, which its session is to have under the same numbers.
//!
//! See `docs/design/run.md`.

use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd};

use rustix::io::FdFlags;

#[cfg(target_os = "linux")]
const LISTING: &str = "/proc/self/fd";
#[cfg(not(target_os = "linux"))]
const LISTING: &str = "/dev/fd";

/// Numbers that were open when this command began, and stay open for as long as it lives.
#[derive(Debug)]
pub(crate) struct Inherited {
    numbers: Vec<RawFd>,
}

impl Inherited {
    /// Those that a program started now would inherit. Call it before anything is opened.
    pub(crate) fn find() -> Self {
        let listed = std::fs::read_dir(LISTING).into_iter().flatten().flatten();
        let mut numbers: Vec<RawFd> = listed
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter(|number| passes_on(*number))
            .collect();
        numbers.sort_unstable();
        Self { numbers }
    }

    /// The numbers, in order.
    pub(crate) fn numbers(&self) -> &[RawFd] {
        &self.numbers
    }

    /// The descriptors, in the same order.
    pub(crate) fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        self.numbers.iter().map(|number| borrow(*number)).collect()
    }

    /// Keep programs that are started from now on from inheriting them, or let them again.
    pub(crate) fn keep_to_ourselves(&self, keep: bool) {
        let flags = if keep { FdFlags::CLOEXEC } else { FdFlags::empty() };
        for descriptor in self.descriptors() {
            // It is open, so this does not fail; if it did, the daemon would hold the descriptor, which it closes itself.
            let _ = rustix::io::fcntl_setfd(descriptor, flags);
        }
    }
}

/// A descriptor that was passed on to this program as its own. None: it is not open. Call it before anything is opened.
pub(crate) fn take(number: RawFd) -> Option<OwnedFd> {
    rustix::io::fcntl_setfd(borrow(number), FdFlags::CLOEXEC).ok()?;
    #[expect(unsafe_code, reason = "a descriptor that was passed on is known by its number alone")]
    // SAFETY: it is open, and nothing has been opened here yet, so nothing else owns it.
    Some(unsafe { OwnedFd::from_raw_fd(number) })
}

fn passes_on(number: RawFd) -> bool {
    rustix::io::fcntl_getfd(borrow(number)).is_ok_and(|flags| !flags.contains(FdFlags::CLOEXEC))
}

#[expect(unsafe_code, reason = "an inherited descriptor is known by its number alone")]
fn borrow(number: RawFd) -> BorrowedFd<'static> {
    // SAFETY: nothing here closes what it did not open, so an inherited descriptor stays open until the process ends;
    // one that is not open at all only makes the calls that use it fail.
    unsafe { BorrowedFd::borrow_raw(number) }
}
