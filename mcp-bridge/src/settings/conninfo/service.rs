//! Service files: named groups of connection settings, `~/.pg_service.conf` and the machine's.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::params::{Origin, Params};
use crate::settings::{Environment, SettingsError};

/// The settings of a service. `file` is the user's own file, if one is named.
pub(super) fn load(
    name: &str,
    file: Option<&str>,
    env: &Environment,
) -> Result<Params, SettingsError> {
    let own = match file {
        Some(file) => Some(PathBuf::from(file)),
        None => env.in_home(".pg_service.conf"),
    };
    let mut read = Vec::new();
    for path in own.into_iter().chain(env.service_files()) {
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => {
                let path = path.display();
                return Err(SettingsError::new(format!("cannot read {path}: {error}")));
            }
        };
        if let Some(params) = parse(&text, name, &path)? {
            return Ok(params);
        }
        read.push(path.display().to_string());
    }
    let error = SettingsError::new(format!("no service is named {name:?}"));
    Err(error.with_hint(if read.is_empty() {
        "There is no service file: ~/.pg_service.conf, or the one in PGSERVICEFILE.".to_owned()
    } else {
        format!("Looked for a section [{name}] in {}.", read.join(" and "))
    }))
}

/// The settings of the section `name`, if there is one.
fn parse(text: &str, name: &str, path: &Path) -> Result<Option<Params>, SettingsError> {
    let mut params = None;
    for (number, line) in text.lines().enumerate() {
        let wrong = |problem: &str| {
            SettingsError::new(format!("{}, line {}: {problem}", path.display(), number + 1))
        };
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(section) = line.strip_prefix('[') {
            if params.is_some() {
                break;
            }
            if section.split_once(']').is_some_and(|(section, _)| section == name) {
                params = Some(Params::default());
            }
            continue;
        }
        let Some(params) = params.as_mut() else { continue };
        if line.starts_with("ldap") {
            return Err(wrong("services in an LDAP directory are not supported"));
        }
        let (key, value) = line.split_once('=').ok_or_else(|| wrong("there is no = in it"))?;
        let (key, value) = (key.trim(), value.trim());
        if ["service", "servicefile"].contains(&key) {
            return Err(wrong("a service cannot name another one"));
        }
        params
            .set(key, value.to_owned(), Origin::Service, true)
            .map_err(|error| error.within(&format!("{}, line {}", path.display(), number + 1)))?;
    }
    Ok(params)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
# comment
[other]
host=elsewhere

[shop]
host=db1
  # comment
port = 5433
password=S3 CRET = x
[shop]
host=second
";

    fn parsed(text: &str, name: &str) -> Result<Option<Params>, SettingsError> {
        parse(text, name, Path::new("services"))
    }

    #[test]
    fn the_first_section_of_the_name_counts() {
        let params = parsed(FILE, "shop").unwrap().unwrap();
        assert_eq!(params.get("host"), Some("db1"));
        assert_eq!(params.get("port"), Some("5433"));
        assert_eq!(params.get("password"), Some("S3 CRET = x"));
        assert_eq!(params.get("dbname"), None);
        assert!(parsed(FILE, "nothing").unwrap().is_none());
        assert!(parsed("", "").unwrap().is_none());
    }

    #[test]
    fn what_is_wrong_has_its_line_and_no_value() {
        for (line, message) in [
            ("S3CRET", "services, line 2: there is no ="),
            ("service=S3CRET", "services, line 2: a service cannot name another one"),
            ("ldap://S3CRET", "services, line 2: services in an LDAP"),
            ("shoe=S3CRET", "services, line 2: unknown connection setting \"shoe\""),
        ] {
            let error = parsed(&format!("[a]\n{line}"), "a").unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
            assert!(!error.contains("S3CRET"), "{error}");
        }
    }

    #[test]
    fn a_service_that_is_nowhere_is_an_error() {
        let error = load("shop", None, &Environment::default()).unwrap_err();
        assert_eq!(error.message(), "no service is named \"shop\"");
    }
}
