//! Work on many things by a few threads, which are gone when it is done: whoever asks may go on to fork or to handle
//! signals, for which a pool that stays would be in the way.

use std::num::NonZero;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{iter, thread};

/// With fewer looks at a file for each, a thread costs more than it saves.
const LEAST: usize = 500;
/// More threads only wait for the file system and for memory.
const MOST: usize = 4;

/// What `work` makes of so many things by their numbers, some at once, in their order. `weight` is how many looks at a file
/// one of them is worth, about: some may take much longer than others.
pub(crate) fn map_chunks<R: Send>(
    length: usize,
    at_once: usize,
    weight: usize,
    work: impl Fn(Range<usize>) -> R + Sync,
) -> Vec<R> {
    let chunks = length.div_ceil(at_once);
    let most = MOST.min(length * weight / LEAST).min(chunks);
    let threads = if most < 2 { 1 } else { thread::available_parallelism().map_or(1, NonZero::get).min(most) };
    let next = AtomicUsize::new(0);
    let take = || {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let start = number * at_once;
        (number < chunks).then(|| (number, work(start..length.min(start + at_once))))
    };
    let take_all = || iter::from_fn(take).collect::<Vec<_>>();
    let mut made = thread::scope(|scope| {
        // There may be no more threads for us: then there are fewer.
        let start = |_| thread::Builder::new().spawn_scoped(scope, take_all).ok();
        let others: Vec<_> = (1..threads).map_while(start).collect();
        let mut made = take_all();
        for other in others {
            made.append(&mut other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        made
    });
    made.sort_unstable_by_key(|(number, _)| *number);
    made.into_iter().map(|(_, made)| made).collect()
}

#[cfg(test)]
mod tests {
    use super::map_chunks;

    #[test]
    fn chunks_come_in_their_order() {
        for (length, at_once, weight) in [(0, 1, 1), (1, 9, 1), (7, 3, 1), (5000, 64, 1), (5001, 7, 3), (3, 1, 9999)] {
            let chunks = map_chunks(length, at_once, weight, Iterator::collect::<Vec<_>>);
            assert!(chunks.iter().all(|chunk| chunk.len() <= at_once));
            assert_eq!(chunks.concat(), (0..length).collect::<Vec<_>>());
        }
    }
}
