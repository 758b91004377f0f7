//! How long it takes to divide tests among machines.

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use rpytest_core::NodeId;
use rpytest_sched::{KeepTogether, TimedTest, shards};

/// 25 tests in a file; one in ten was never timed.
fn test(number: usize) -> TimedTest {
    let duration = Duration::from_millis((number as u64).wrapping_mul(7919) % 1000);
    TimedTest {
        nodeid: NodeId::new(format!("tests/test_module_{}.py::test_feature_{number}", number / 25)),
        duration: (!number.is_multiple_of(10)).then_some(duration),
    }
}

fn divide(criterion: &mut Criterion) {
    let count = NonZeroUsize::new(20).expect("it is not 0");
    for tests in [10_000, 100_000] {
        let all: Vec<TimedTest> = (0..tests).map(test).collect();
        for (name, keep) in [("tests", KeepTogether::Nothing), ("files", KeepTogether::Files)] {
            criterion.bench_with_input(BenchmarkId::new(name, tests), &all, |bencher, all| {
                bencher.iter(|| black_box(shards(all.clone(), count, keep)));
            });
        }
    }
}

criterion_group!(benches, divide);
criterion_main!(benches);
