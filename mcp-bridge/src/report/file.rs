//! Writing a file all or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A place for a file, looked at before the work begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// Standard output.
    Output,
    /// A file, perhaps in the place of one that is there; links are followed.
    File(PathBuf),
}

impl Target {
    /// The target of that name; `-` is standard output.
    ///
    /// # Errors
    /// When there is no such folder, or something there that is no file.
    pub(crate) fn new(path: &Path) -> io::Result<Self> {
        if path == Path::new("-") {
            return Ok(Self::Output);
        }
        // A link to nothing is written through as well: where it leads is where the file is wanted.
        let path = match fs::symlink_metadata(path) {
            Ok(found) if found.is_symlink() => fs::canonicalize(path)?,
            _ => path.to_path_buf(),
        };
        match fs::metadata(&path) {
            Ok(found) if found.is_file() => {}
            Ok(_) => {
                let message = "is no regular file; write to - for standard output";
                return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        if path.file_name().is_none() || !fs::metadata(folder(&path))?.is_dir() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "is in no folder"));
        }
        Ok(Self::File(path))
    }

    /// Writes everything, or leaves what was there.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn write(&self, text: &str, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Output => {
                out.write_all(text.as_bytes())?;
                out.flush()
            }
            Self::File(path) => replace(path, text),
        }
    }
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Puts a file in the place of another in one step.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let unfinished = Unfinished::new(path)?;
    let mut file = &unfinished.file;
    file.write_all(text.as_bytes())?;
    // Who may read the file is not changed by writing it again.
    if let Ok(before) = fs::metadata(path) {
        file.set_permissions(before.permissions())?;
    }
    file.sync_all()?;
    fs::rename(&unfinished.path, path)
}

/// A file that is removed unless it is given its name.
#[derive(Debug)]
struct Unfinished {
    path: PathBuf,
    file: File,
}

impl Unfinished {
    fn new(path: &Path) -> io::Result<Self> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let own = folder(path).join(format!(".{name}.{}.tmp", std::process::id()));
        let file = OpenOptions::new().write(true).create_new(true).open(&own)?;
        Ok(Self { path: own, file })
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // Gone already when it has its name; and a second failure would tell nobody more.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    /// A folder that is removed at the end.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path =
                std::env::temp_dir().join(format!("mcp-bridge-{name}-{}", std::process::id()));
            fs::create_dir(&path).unwrap();
            Self(path)
        }

        fn names(&self) -> Vec<String> {
            let entries = fs::read_dir(&self.0).unwrap();
            let mut names: Vec<String> = entries
                .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
                .collect();
            names.sort();
            names
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_file_is_replaced_and_keeps_its_permissions() {
        let folder = Folder::new("replace");
        let path = folder.0.join("a.html");
        let target = Target::new(&path).unwrap();
        target.write("one", &mut Vec::new()).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        Target::new(&path).unwrap().write("two", &mut Vec::new()).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(folder.names(), ["a.html"]);
    }

    #[test]
    fn a_link_stays_a_link() {
        let folder = Folder::new("link");
        let (file, link) = (folder.0.join("file"), folder.0.join("link"));
        fs::write(&file, "old").unwrap();
        symlink(&file, &link).unwrap();
        Target::new(&link).unwrap().write("new", &mut Vec::new()).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }

    #[test]
    fn what_is_no_file_is_left_alone() {
        let folder = Folder::new("none");
        let dangling = folder.0.join("dangling");
        symlink(folder.0.join("nothing"), &dangling).unwrap();
        for path in [Path::new("/dev/null"), &folder.0, &dangling, &folder.0.join("no/a.html")] {
            assert!(Target::new(path).is_err(), "{}", path.display());
        }
        assert_eq!(folder.names(), ["dangling"]);
    }

    #[test]
    fn a_failure_leaves_nothing() {
        let folder = Folder::new("failure");
        let path = folder.0.join("a.html");
        let target = Target::new(&path).unwrap();
        // In the meantime somebody makes a folder of that name.
        fs::create_dir(&path).unwrap();
        assert!(target.write("x", &mut Vec::new()).is_err());
        assert_eq!(folder.names(), ["a.html"]);
    }

    #[test]
    fn a_bar_is_standard_output() {
        let mut out = Vec::new();
        Target::new(Path::new("-")).unwrap().write("x", &mut out).unwrap();
        assert_eq!(out, b"x");
    }
}
