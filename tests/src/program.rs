//! What the programs `demo` and `bench` share: arguments, progress, tables.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

/// Smallest and largest scale factor that make sense here: below, tables are nearly empty; above,
/// the data do not fit a developer's machine.
const SCALES: std::ops::RangeInclusive<f64> = 0.01..=10.0;

/// Reads the only argument there is, `--scale X`.
///
/// # Errors
/// When there is another argument, or the scale is no number from 0.01 to 10.
pub fn scale_argument(default: f64) -> Result<f64> {
    let mut arguments = std::env::args().skip(1);
    let mut scale = default;
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--scale" => {
                let text = arguments.next().context("--scale needs a number")?;
                scale = text.parse().with_context(|| format!("\"{text}\" is no number"))?;
            }
            _ => bail!("unknown argument \"{argument}\"; usage: [--scale 0.01..10]"),
        }
    }
    ensure!(SCALES.contains(&scale), "the scale must be from 0.01 to 10, not {scale}");
    Ok(scale)
}

/// Prints the error, if any, as one line: a backtrace is no use to who runs the program.
pub fn finish(result: Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Prints lines with the time since the start in front.
#[derive(Debug)]
pub struct Progress {
    begin: Instant,
}

impl Default for Progress {
    fn default() -> Self {
        Self { begin: Instant::now() }
    }
}

impl Progress {
    /// Prints the headline of a new part.
    pub fn part(&self, text: &str) {
        println!("\n[{:7.1} s] {text}", self.begin.elapsed().as_secs_f64());
    }

    /// Prints one line below the headline.
    pub fn line(&self, text: &str) {
        println!("[{:7.1} s]   {text}", self.begin.elapsed().as_secs_f64());
    }
}

/// `12.3 ms` or `4.56 s`.
#[must_use]
pub fn duration(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 1.0 { format!("{:.1} ms", seconds * 1e3) } else { format!("{seconds:.2} s") }
}

/// Bytes in megabytes (2^20), as `pg_size_pretty` counts.
#[must_use]
pub fn megabytes(bytes: f64) -> String {
    format!("{:.1} MB", bytes / f64::from(1 << 20))
}

/// A table in Markdown that is also aligned for a terminal: it can go into the README as it is.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these column heads.
    #[must_use]
    pub fn new(heads: &[&str]) -> Self {
        Self { rows: vec![heads.iter().map(ToString::to_string).collect()] }
    }

    /// Adds a row; it must have as many cells as the head.
    pub fn row(&mut self, cells: &[String]) {
        self.rows.push(cells.to_vec());
    }

    /// Prints the table: first column to the left, the others to the right.
    pub fn print(&self) {
        let columns = self.rows.first().map_or(0, Vec::len);
        let width = |column: usize| {
            self.rows
                .iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .max()
        };
        let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
        for (number, row) in self.rows.iter().enumerate() {
            let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| {
                if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
            });
            println!("| {} |", cells.collect::<Vec<_>>().join(" | "));
            if number == 0 {
                let rule = widths.iter().enumerate().map(|(column, &width)| {
                    if column == 0 {
                        "-".repeat(width + 2)
                    } else {
                        format!("{}:", "-".repeat(width + 1))
                    }
                });
                println!("|{}|", rule.collect::<Vec<_>>().join("|"));
            }
        }
    }
}
