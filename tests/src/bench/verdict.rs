//! Targets, and what was seen.

use crate::program::Table;

/// The last table of the benchmark.
#[derive(Debug, Default)]
pub(super) struct Verdicts {
    rows: Vec<[String; 4]>,
}

impl Verdicts {
    /// Notes one target.
    pub(super) fn add(&mut self, what: &str, target: &str, seen: &str, met: bool) {
        let met = if met { "met" } else { "MISSED" };
        self.rows.push([what, target, seen, met].map(str::to_owned));
    }

    /// Notes a target that this run says nothing about.
    pub(super) fn not_measured(&mut self, what: &str, target: &str, why: &str) {
        self.rows.push([what, target, why, "not measured"].map(str::to_owned));
    }

    /// Prints the table.
    pub(super) fn print(&self) {
        let mut table = Table::new(&["what", "target", "seen", "met"]);
        for row in &self.rows {
            table.row(row);
        }
        super::print(&table);
        let met = self.rows.iter().filter(|row| row[3] == "met").count();
        println!("\n{met} of {} targets met", self.rows.len());
    }
}
