//! The program that mcp-bridge replaces: Postgres MCP Pro, as `tests/bin/reference.sh` installs it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where it is, or why it is not there.
#[derive(Debug)]
pub(super) struct Reference {
    program: Result<PathBuf, String>,
    version: String,
}

impl Reference {
    /// Looks where the script puts it.
    pub(super) fn find() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/reference");
        let note = |name: &str| fs::read_to_string(folder.join(name)).map(|text| text.trim().to_owned());
        let program = folder.join("venv/bin/postgres-mcp");
        let program = if program.is_file() {
            Ok(program)
        } else {
            Err(note("absent").unwrap_or_else(|_| "run tests/bin/reference.sh".to_owned()))
        };
        Self { program, version: note("version").unwrap_or_default() }
    }

    /// Name and version, for the head of a column.
    pub(super) fn title(&self) -> String {
        format!("postgres-mcp {}", self.version).trim_end().to_owned()
    }

    /// A command for it, in the access mode that is the bridge's default.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) fn command(&self) -> Result<Command, String> {
        let mut command = Command::new(self.program.as_ref().map_err(Clone::clone)?);
        command.arg("--access-mode=restricted");
        Ok(command)
    }
}
