//! Divides tests among machines: reads `SECONDS NODEID` lines from stdin and prints the shard that is asked for.
//!
//! `printf '3 test_a.py::test_x\n- test_b.py::test_y\n' | cargo run --example shard -- 1/2`; `-` for a test that has
//! never run.

use std::error::Error;
use std::io::{self, Write};
use std::time::Duration;

use rpytest_core::NodeId;
use rpytest_sched::{KeepTogether, ShardChoice, TimedTest, shards};

fn main() -> Result<(), Box<dyn Error>> {
    let choice: ShardChoice = std::env::args().nth(1).unwrap_or_default().parse()?;
    let tests = io::stdin().lines().map(|line| parse(&line?)).collect::<Result<Vec<_>, Box<dyn Error>>>()?;
    let shard = choice.pick(shards(tests, choice.count(), KeepTogether::Files)).unwrap_or_default();
    let mut stdout = io::stdout().lock();
    for nodeid in &shard.tests {
        writeln!(stdout, "{nodeid}")?;
    }
    writeln!(stdout, "# shard {choice}: {} tests, {:?}", shard.tests.len(), shard.duration)?;
    Ok(())
}

fn parse(line: &str) -> Result<TimedTest, Box<dyn Error>> {
    let (seconds, nodeid) = line.split_once(' ').ok_or("expected SECONDS NODEID")?;
    let duration = match seconds {
        "-" => None,
        seconds => Some(Duration::try_from_secs_f64(seconds.parse()?)?),
    };
    Ok(TimedTest { nodeid: NodeId::new(nodeid), duration })
}
