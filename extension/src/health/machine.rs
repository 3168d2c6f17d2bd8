//! What the server's machine has, as one of the server's own processes sees it.
//!
//! Read from /proc and /sys, so Linux only; where they say nothing, nothing is known. A client
//! cannot know this: it sees its own machine.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;

/// The machine, as far as this process may use it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Machine {
    /// Bytes: of the machine, or the limit of a control group where that is lower.
    pub(crate) ram: f64,
    /// Whether a control group limits it.
    pub(crate) limited: bool,
    /// Processors that the server may run on.
    pub(crate) cores: usize,
    /// Whether the disk of the data directory says that it turns.
    pub(crate) rotational: Option<bool>,
}

impl Machine {
    /// The machine of this process. A server process runs in the data directory.
    pub(crate) fn read() -> Option<Self> {
        let device = fs::metadata(".").ok().map(|folder| folder.dev());
        let cores = available_parallelism().map_or(1, usize::from);
        Self::read_below(Path::new("/"), device, cores)
    }

    /// The same where /proc and /sys are below `root`.
    pub(crate) fn read_below(root: &Path, device: Option<u64>, cores: usize) -> Option<Self> {
        let total = total_ram(&fs::read_to_string(root.join("proc/meminfo")).ok()?)?;
        let limit = group_limit(root).filter(|limit| *limit < total);
        Some(Self {
            ram: limit.unwrap_or(total),
            limited: limit.is_some(),
            cores,
            rotational: device.and_then(|device| rotational(root, device)),
        })
    }
}

/// `MemTotal:       16303408 kB`
fn total_ram(meminfo: &str) -> Option<f64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024.0)
}

/// The lowest memory limit of the control groups that this process is in. In a container their
/// paths may be those outside it; its own group is then at the top of what is mounted.
fn group_limit(root: &Path) -> Option<f64> {
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).ok()?;
    let mount = root.join("sys/fs/cgroup");
    let limits = groups.lines().filter_map(|line| {
        // Hierarchy, controllers, path. The unified hierarchy (v2) names no controller.
        let (_, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        if controllers.is_empty() {
            lowest(&mount, path, "memory.max")
        } else if controllers.split(',').any(|one| one == "memory") {
            lowest(&mount.join("memory"), path, "memory.limit_in_bytes")
        } else {
            None
        }
    });
    limits.reduce(f64::min)
}

/// The lowest number in a file of this name in a group's folder and those above it. What says
/// `max` has no limit.
fn lowest(mount: &Path, group: &str, file: &str) -> Option<f64> {
    let folder: PathBuf = mount.join(group.trim_start_matches('/'));
    let numbers = folder
        .ancestors()
        .take_while(|folder| folder.starts_with(mount))
        .filter_map(|folder| fs::read_to_string(folder.join(file)).ok()?.trim().parse().ok());
    numbers.reduce(f64::min)
}

/// What the block device says of itself. A partition's is at its disk; file systems without a
/// device of their own have none.
fn rotational(root: &Path, device: u64) -> Option<bool> {
    // As glibc's gnu_dev_major and gnu_dev_minor.
    let major = (device >> 8) & 0xfff | (device >> 32) & !0xfff;
    let minor = device & 0xff | (device >> 12) & !0xff;
    let device = fs::canonicalize(root.join(format!("sys/dev/block/{major}:{minor}"))).ok()?;
    let says = |folder: &Path| fs::read_to_string(folder.join("queue/rotational")).ok();
    let text = says(&device).or_else(|| device.parent().and_then(says))?;
    match text.trim() {
        "0" => Some(false),
        "1" => Some(true),
        _ => None,
    }
}
