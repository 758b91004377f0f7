//! Work on many things by a few threads, which are gone when it is done: whoever asks may go on to fork or to handle
//! signals, for which a pool that stays would be in the way.

use std::num::NonZero;
use std::thread;

/// With fewer things for each, a thread costs more than it saves.
const LEAST: usize = 1000;
/// More threads only wait for the file system and for memory.
const MOST: usize = 4;

/// What `work` makes of these things, in their order, a part for each thread. `weight` is how many small pieces of work
/// one of them is.
pub(crate) fn map_parts<T: Sync, R: Send>(things: &[T], weight: usize, work: impl Fn(&[T]) -> R + Sync) -> Vec<R> {
    let most = MOST.min(things.len() * weight / LEAST);
    let threads = if most < 2 { 1 } else { thread::available_parallelism().map_or(1, NonZero::get).min(most) };
    if threads < 2 {
        return vec![work(things)];
    }
    let mut parts = things.chunks(things.len().div_ceil(threads));
    let own = parts.next().unwrap_or_default();
    let work = &work;
    thread::scope(|scope| {
        let start = |part| {
            let started = thread::Builder::new().spawn_scoped(scope, move || work(part));
            started.map_err(|_| part) // there may be no more threads for us: then it is done here
        };
        let others: Vec<_> = parts.map(start).collect();
        let mut made = vec![work(own)];
        made.extend(others.into_iter().map(|other| match other {
            Ok(other) => other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            Err(part) => work(part),
        }));
        made
    })
}

#[cfg(test)]
mod tests {
    use super::map_parts;

    #[test]
    fn parts_come_in_their_order() {
        for (length, weight) in [(0, 1), (1, 1), (7, 1), (5000, 1), (5001, 3), (3, 100_000)] {
            let things: Vec<usize> = (0..length).collect();
            assert_eq!(map_parts(&things, weight, <[usize]>::to_vec).concat(), things);
        }
    }
}
