//! An installation tree that is the machine's own, plus the extension, in another place.
//!
//! A server finds its libraries and its share folder relative to its own executable. So copies of
//! the executables, with links to everything else beside them, are a complete installation, and
//! an extension can be added to it without touching the machine's.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::owner::Owner;

/// The executables that look for files relative to themselves; links would be resolved.
const COPIED_PROGRAMS: [&str; 2] = ["postgres", "initdb"];

/// Where the machine's PostgreSQL is.
#[derive(Debug)]
pub(super) struct Installation {
    programs: PathBuf,
    libraries: PathBuf,
    share: PathBuf,
    /// As in `server_version_num`.
    pub(super) version: u32,
}

impl Installation {
    /// Asks the `pg_config` in `ADVISOR_PG_CONFIG`, by default Debian's for PostgreSQL 15.
    pub(super) fn find() -> Result<Self> {
        let pg_config = std::env::var("ADVISOR_PG_CONFIG")
            .unwrap_or_else(|_| "/usr/lib/postgresql/15/bin/pg_config".to_owned());
        let output = Command::new(&pg_config)
            .output()
            .with_context(|| format!("run {pg_config} (make setup installs it)"))?;
        ensure!(output.status.success(), "{pg_config}: {}", output.status);
        let text = String::from_utf8(output.stdout)?;
        let values: BTreeMap<_, _> = text.lines().filter_map(|l| l.split_once(" = ")).collect();
        let path = |name| values.get(name).map(PathBuf::from).with_context(|| format!("no {name}"));
        Ok(Self {
            programs: path("BINDIR")?,
            libraries: path("PKGLIBDIR")?,
            share: path("SHAREDIR")?,
            version: version_num(values.get("VERSION").context("no VERSION")?)?,
        })
    }

    /// Where the tree below `root` has the control files and scripts of extensions.
    pub(super) fn extensions(&self, root: &Path) -> PathBuf {
        below(root, &self.share).join("extension")
    }

    /// An executable of the tree below `root`.
    pub(super) fn program(&self, root: &Path, name: &str) -> PathBuf {
        below(root, &self.programs).join(name)
    }

    /// A client program, which can run where it is installed.
    pub(super) fn client(&self, name: &str) -> PathBuf {
        self.programs.join(name)
    }

    /// Builds the tree below `root` and adds the files of `stage`.
    pub(super) fn relocate(&self, root: &Path, stage: &Path, owner: &Owner) -> Result<()> {
        let programs = below(root, &self.programs);
        owner.create_dirs(root, &programs)?;
        for name in COPIED_PROGRAMS {
            let copy = programs.join(name);
            fs::copy(self.programs.join(name), &copy).with_context(|| format!("copy {name}"))?;
        }
        let extensions = self.share.join("extension");
        for dir in [&self.libraries, &self.share, &extensions] {
            let mirror = below(root, dir);
            owner.create_dirs(root, &mirror)?;
            link_entries(dir, &mirror, &extensions)?;
        }
        for dir in [&self.libraries, &extensions] {
            copy_files(&below(stage, dir), &below(root, dir))?;
        }
        Ok(())
    }
}

/// What `PostgreSQL 15.18 (…)`, or `PostgreSQL 18rc1`, is as a number.
fn version_num(text: &str) -> Result<u32> {
    let word = text.split_whitespace().nth(1).with_context(|| text.to_owned())?;
    let mut numbers = word.split(|letter: char| !letter.is_ascii_digit()).map(str::parse::<u32>);
    let major = numbers.next().with_context(|| text.to_owned())??;
    // Before a release there is no minor version yet.
    let minor = if word.contains('.') { numbers.next().and_then(Result::ok) } else { None };
    Ok(major * 10_000 + minor.unwrap_or(0))
}

/// `path`, which is absolute, as if `root` were `/`.
fn below(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

/// Links every entry of `dir` in `mirror`, except `skipped`.
fn link_entries(dir: &Path, mirror: &Path, skipped: &Path) -> Result<()> {
    for entry in fs::read_dir(dir).with_context(|| format!("read {}", dir.display()))? {
        let entry = entry?;
        if entry.path() != skipped {
            symlink(entry.path(), mirror.join(entry.file_name()))?;
        }
    }
    Ok(())
}

/// Copies the files of `from` into `to`, in the place of what is there.
fn copy_files(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from).with_context(|| format!("read {}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        // A link to an installed version of the same file must not be followed.
        if target.symlink_metadata().is_ok() {
            fs::remove_file(&target)?;
        }
        fs::copy(entry.path(), &target)?;
    }
    Ok(())
}
