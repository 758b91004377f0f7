//! Passes on those node ids from standard input that an expression of `-k` selects.
//!
//! `python -m pytest --collect-only -q | cargo run --example select -- 'cart and not slow'`

use std::error::Error;
use std::io::{self, Write};

use rpytest_core::{Grammar, NodeId, Selection, TestItem};

fn main() -> Result<(), Box<dyn Error>> {
    let expression = std::env::args().nth(1).ok_or("usage: select EXPRESSION")?;
    let selection = Selection::default().with_keyword(&expression, Grammar::Calls);
    let lines = io::stdin().lines().collect::<Result<Vec<_>, _>>()?;
    let nodeids = lines.into_iter().filter(|line| line.contains("::")).map(NodeId::new);
    let items: Vec<_> = nodeids.map(TestItem::from_nodeid).collect();
    let mut stdout = io::stdout().lock();
    for item in selection.select(&items)? {
        writeln!(stdout, "{}", item.nodeid)?;
    }
    Ok(())
}
