//! The operating system user that the server runs as: PostgreSQL refuses to run as root.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

/// The account that the server packages create.
const SERVER_ACCOUNT: &str = "postgres";

/// Ourselves, or, when we are root, the server's account.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owner {
    /// User and group to change to; none when we stay who we are.
    ids: Option<(u32, u32)>,
}

impl Owner {
    /// # Errors
    /// When we are root and there is no account for the server.
    pub(super) fn find() -> Result<Self> {
        let effective_uid = fs::metadata("/proc/self")?.uid();
        if effective_uid != 0 {
            return Ok(Self { ids: None });
        }
        let accounts = fs::read_to_string("/etc/passwd")?;
        let ids = accounts.lines().find_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            let uid = fields.nth(1)?.parse().ok()?;
            let gid = fields.next()?.parse().ok()?;
            (name == SERVER_ACCOUNT).then_some((uid, gid))
        });
        let ids =
            ids.context("running as root, and there is no account \"postgres\" to change to")?;
        Ok(Self { ids: Some(ids) })
    }

    /// Lets `command` run as this user.
    pub(super) fn run_as<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        if let Some((uid, gid)) = self.ids {
            command.uid(uid).gid(gid);
        }
        command
    }

    /// Creates a folder that this user owns and only it (and root) can enter.
    pub(super) fn create_dir(&self, path: &Path) -> Result<()> {
        let describe = || format!("create {}", path.display());
        DirBuilder::new().mode(0o700).create(path).with_context(describe)?;
        if let Some((uid, gid)) = self.ids {
            chown(path, Some(uid), Some(gid)).with_context(describe)?;
        }
        Ok(())
    }

    /// Creates `path` below `root`, with all folders between them.
    pub(super) fn create_dirs(&self, root: &Path, path: &Path) -> Result<()> {
        let mut current = root.to_path_buf();
        for part in path.strip_prefix(root)?.components() {
            current.push(part);
            if !current.is_dir() {
                self.create_dir(&current)?;
            }
        }
        Ok(())
    }
}
