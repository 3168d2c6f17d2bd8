//! Memory of processes.

use std::fs;

use anyhow::{Context, Result};

use crate::bench::backend;

/// Sum of the peaks of the resident memory of a process and of the processes below it that live.
///
/// Pages that they share count for each; the peaks need not have been at the same time.
pub(super) fn peak_memory(pid: u32) -> Result<u64> {
    let mut peak = 0;
    for pid in with_descendants(pid)? {
        let path = format!("/proc/{pid}/status");
        let status = fs::read_to_string(&path).with_context(|| format!("read {path}"))?;
        peak += backend::field(&status, "VmHWM").with_context(|| format!("{path}: no VmHWM"))?;
    }
    Ok(peak)
}

fn with_descendants(pid: u32) -> Result<Vec<u32>> {
    let mut parents = Vec::new();
    for entry in fs::read_dir("/proc").context("read /proc")? {
        let name = entry?.file_name();
        let Some(child) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // A process may end while this goes on.
        let Ok(stat) = fs::read_to_string(format!("/proc/{child}/stat")) else { continue };
        parents.extend(parent(&stat).map(|parent| (child, parent)));
    }
    Ok(family(pid, &parents))
}

/// The parent in a line of `/proc/PID/stat`. The name before it may hold anything.
fn parent(stat: &str) -> Option<u32> {
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(1)?.parse().ok()
}

/// A process and all below it, given pairs of child and parent.
fn family(pid: u32, parents: &[(u32, u32)]) -> Vec<u32> {
    let mut family = vec![pid];
    let mut next = 0;
    while let Some(&pid) = family.get(next) {
        family.extend(parents.iter().filter(|(_, parent)| *parent == pid).map(|(child, _)| child));
        next += 1;
    }
    family
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grandchildren_belong_to_the_family() {
        assert_eq!(family(10, &[(12, 11), (11, 10), (13, 1), (14, 10)]), [10, 11, 14, 12]);
    }

    #[test]
    fn names_with_brackets_do_not_hide_the_parent() {
        assert_eq!(parent("7 (a) b) S 42 7 7"), Some(42));
        assert_eq!(parent("7 (a"), None);
    }

    #[test]
    fn this_process_takes_memory() {
        assert!(peak_memory(std::process::id()).unwrap() > 0);
    }
}
