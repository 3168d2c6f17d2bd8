//! What to do to have `pg_stat_statements`.

/// What there is of what it needs, by `setup.sql`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Setup {
    /// The database.
    pub database: String,
    /// Whether its files are on the server.
    pub available: bool,
    /// Whether the extension is created in this database.
    pub created: bool,
    /// Whether its library is loaded.
    pub loaded: bool,
    /// `shared_preload_libraries`, where the role may read it.
    pub libraries: Option<String>,
    /// Whether the configuration has another list, which a restart would put in force.
    pub restart_pending: bool,
    /// Whether statements get identifiers, without which nothing is recorded.
    pub identified: bool,
}

/// A step on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A statement for a superuser.
    Run(String),
    /// Something that is not done by a statement.
    Do(String),
}

const NAME: &str = "pg_stat_statements";

impl Setup {
    /// What is missing.
    #[must_use]
    pub fn message(&self) -> String {
        if self.created {
            format!("{NAME} is not loaded")
        } else {
            format!("{NAME} is not installed in database \"{}\"", self.database)
        }
    }

    /// What to do, in this order.
    #[must_use]
    pub fn steps(&self) -> Vec<Step> {
        let run = |text: &str| Step::Run(text.to_owned());
        let mut steps = Vec::new();
        if !self.available {
            steps.push(Step::Do(
                "install the contrib modules of PostgreSQL on the server (Debian: the package \
                 postgresql-contrib)"
                    .to_owned(),
            ));
        }
        if !self.loaded {
            steps.push(Step::Run(self.preload()));
        }
        if !self.identified {
            steps.push(run("ALTER SYSTEM SET compute_query_id = 'auto';"));
            if self.loaded {
                steps.push(run("SELECT pg_reload_conf();"));
            }
        }
        if !self.loaded {
            steps.push(Step::Do("restart the server".to_owned()));
        }
        if !self.created {
            steps.push(Step::Run(format!("CREATE EXTENSION {NAME};")));
        }
        steps
    }

    /// The statement that has the library loaded after what is loaded now.
    fn preload(&self) -> String {
        let mut names = self.libraries.as_deref().map(elements).unwrap_or_default();
        names.push(NAME.to_owned());
        // Each name has quotes of its own: one text with commas would be taken for one name.
        let names: Vec<String> =
            names.iter().map(|name| format!("'{}'", name.replace('\'', "''"))).collect();
        format!("ALTER SYSTEM SET shared_preload_libraries = {};", names.join(", "))
    }

    /// The steps as sentences.
    #[must_use]
    pub fn hint(&self) -> String {
        let mut hint = String::new();
        for step in self.steps() {
            let (verb, text) = match &step {
                Step::Run(text) => ("run: ", text),
                Step::Do(text) => ("", text),
            };
            let end = if matches!(step, Step::Do(_)) { "." } else { "" };
            let begin = if hint.is_empty() { "" } else { " Then " };
            let sentence = format!("{begin}{verb}{text}{end}");
            hint.push_str(&sentence);
        }
        if let Some(first) = hint.get(..1) {
            hint.replace_range(..1, &first.to_ascii_uppercase());
        }
        for caution in self.cautions() {
            hint.push(' ');
            hint.push_str(&caution);
        }
        hint
    }

    /// What to mind with it.
    #[must_use]
    pub fn cautions(&self) -> Vec<String> {
        let mut cautions = Vec::new();
        if self.loaded {
            cautions.push("No restart is needed: the library is loaded.".to_owned());
        } else if self.libraries.is_none() {
            cautions.push(
                "Put before it what SHOW shared_preload_libraries has, which only members of \
                 pg_read_all_settings may read."
                    .to_owned(),
            );
        } else if self.restart_pending {
            cautions.push(
                "The configuration has another list already, which a restart would put in force: \
                 look into it first."
                    .to_owned(),
            );
        }
        cautions
    }
}

/// The elements of a list of libraries as the server reads it: between commas, in double quotes
/// where need be, in which two stand for one.
fn elements(list: &str) -> Vec<String> {
    let mut elements = Vec::new();
    let mut element = String::new();
    let mut quoted = false;
    let mut characters = list.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.next_if_eq(&'"').is_some() => element.push('"'),
            '"' => quoted = !quoted,
            ',' if !quoted => elements.push(std::mem::take(&mut element).trim().to_owned()),
            other => element.push(other),
        }
    }
    elements.push(element.trim().to_owned());
    elements.retain(|element| !element.is_empty());
    elements
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bare() -> Setup {
        Setup {
            database: "shop".to_owned(),
            available: true,
            libraries: Some(String::new()),
            identified: true,
            ..Setup::default()
        }
    }

    #[test]
    fn libraries_keep_their_order_and_spelling() {
        assert_eq!(elements("a, b"), ["a", "b"]);
        assert_eq!(
            elements(r#""$libdir/with, comma" ,"x""y",'odd"#),
            ["$libdir/with, comma", "x\"y", "'odd"]
        );
        assert!(elements(" ").is_empty());
        let setup = Setup { libraries: Some("auto_explain, \"it's\"".to_owned()), ..bare() };
        assert_eq!(
            setup.preload(),
            "ALTER SYSTEM SET shared_preload_libraries = 'auto_explain', 'it''s', \
             'pg_stat_statements';"
        );
    }

    #[test]
    fn steps_are_what_is_missing() {
        assert_eq!(
            bare().hint(),
            "Run: ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'; Then restart \
             the server. Then run: CREATE EXTENSION pg_stat_statements;"
        );
        let loaded = Setup { loaded: true, ..bare() };
        assert_eq!(
            loaded.hint(),
            "Run: CREATE EXTENSION pg_stat_statements; No restart is needed: the library is loaded."
        );
        let created = Setup { created: true, ..bare() };
        assert!(!created.hint().contains("CREATE"), "{}", created.hint());
        assert_eq!(created.message(), "pg_stat_statements is not loaded");
        let absent = Setup { available: false, ..bare() };
        assert!(absent.hint().starts_with("Install the contrib"), "{}", absent.hint());
        let off = Setup { loaded: true, identified: false, ..bare() };
        assert!(
            off.hint().contains("'auto'; Then run: SELECT pg_reload_conf();"),
            "{}",
            off.hint()
        );
        let unseen = Setup { libraries: None, ..bare() };
        assert!(unseen.hint().contains("SHOW shared_preload_libraries"), "{}", unseen.hint());
        let pending = Setup { restart_pending: true, ..bare() };
        assert!(pending.hint().ends_with("look into it first."), "{}", pending.hint());
    }
}
