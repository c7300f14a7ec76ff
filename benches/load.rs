//! Loads a file of events and prints the seconds of each run:
//! `cargo bench -p rec-core --bench load -- FILE [RUNS]`. Compare `benches/peers/load.py`.

use std::time::Instant;

use rec_core::data::read::{ReadOptions, read_interactions};

fn main() -> rec_core::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let Some(path) = args.first() else {
        println!("usage: load FILE [RUNS]");
        return Ok(());
    };
    let runs = args.get(1).and_then(|n| n.parse().ok()).unwrap_or(3);
    for run in 0..runs {
        let start = Instant::now();
        let (log, report) = read_interactions(path, &ReadOptions::default())?;
        println!("{:.3} s", start.elapsed().as_secs_f64());
        if run + 1 == runs {
            println!("{} bytes held\n{report}", log.memory());
        }
    }
    Ok(())
}
