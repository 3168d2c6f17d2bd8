//! The verdict on a function that the server has resolved.

use std::borrow::Cow;

use super::functions;

/// The extension whose functions look after themselves.
const OURS: &str = "mcp_advisor";

/// Where a function comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Home {
    /// The server itself.
    Core,
    /// A member of the extension of this name.
    Extension(String),
    /// Somebody who may create functions.
    User,
}

/// What the server knows of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// How many arguments it is declared with.
    pub arguments: usize,
    /// Where it comes from.
    pub home: Home,
    /// Its language.
    pub language: String,
    /// Whether the language keeps to what SQL may do.
    pub trusted: bool,
    /// Whether it is VOLATILE.
    pub volatile: bool,
    /// Whether it is SECURITY DEFINER.
    pub security_definer: bool,
    /// Whether it has a `search_path` of its own.
    pub pinned_path: bool,
    /// Whether it is an aggregate.
    pub aggregate: bool,
    /// Whether it takes an argument of type `internal`, so that only the server can call it.
    pub internal: bool,
    /// What stands in `prosrc`: of a function in language `internal`, the server's function.
    pub source: String,
}

/// What the server makes the constructors of every range type from.
const CONSTRUCTORS: [&str; 5] = [
    "range_constructor2",
    "range_constructor3",
    "multirange_constructor0",
    "multirange_constructor1",
    "multirange_constructor2",
];

/// When a function is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// In a statement that somebody sent, before it runs.
    Sent,
    /// When it is about to run, from whichever depth.
    Run,
    /// When the server looks it up by itself: support functions of types and access methods,
    /// handlers of foreign data and sampling. Those of the server and of extensions are often
    /// VOLATILE without changing anything.
    Support,
}

/// Why a function is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// One sentence.
    pub why: Cow<'static, str>,
    /// What to do instead, as one sentence.
    pub hint: Cow<'static, str>,
}

/// Functions that the database's owner lets pass: `schema.name`, with `*` at the end for any name
/// that begins so.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allowed(Vec<String>);

impl Allowed {
    /// Reads a comma-separated list.
    #[must_use]
    pub fn read(list: &str) -> Self {
        let names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
        Self(names.map(str::to_owned).collect())
    }

    /// Whether the function is on the list.
    #[must_use]
    pub fn has(&self, function: &Function) -> bool {
        let name = format!("{}.{}", function.schema, function.name);
        self.0.iter().any(|one| match one.strip_suffix('*') {
            Some(begin) => name.starts_with(begin),
            None => *one == name,
        })
    }
}

/// The groups of refused functions whose effect a session under the latch stands: what they change
/// is undone or bounded by other means, and the bridge and the extension need them.
/// What runs the texts of the last ones is watched as everything is.
const BOUNDED: [&str; 4] = ["set_config", "hypopg_", "query_to_xml", "ts_stat"];

/// Whether the function may run where nothing may be changed.
///
/// # Errors
/// Why not.
pub fn judge(function: &Function, moment: Moment, allowed: &Allowed) -> Result<(), Refused> {
    let bounded = || {
        function.home != Home::User && BOUNDED.iter().any(|name| function.name.starts_with(name))
    };
    if moment != Moment::Sent && (function.home == Home::Extension(OURS.to_owned()) || bounded()) {
        return Ok(());
    }
    if allowed.has(function) {
        return Ok(());
    }
    let name = [function.schema.as_str(), function.name.as_str()];
    match &function.home {
        Home::Core | Home::Extension(_) => {
            if let Some(group) = functions::refused(&name, Some(function.arguments)) {
                return Err(Refused { why: group.why.into(), hint: group.hint.into() });
            }
            if moment != Moment::Support
                && !function.internal
                && function.volatile
                && function.home != Home::Extension(OURS.to_owned())
                && !known(function)
            {
                return Err(unknown("It is volatile, and not known to have no effect."));
            }
            Ok(())
        }
        Home::User => user(function),
    }
}

/// Whether it is on the list of harmless functions. An extension may have one that the server has in
/// later versions.
fn known(function: &Function) -> bool {
    match function.home {
        Home::Core => functions::known(&["pg_catalog", function.name.as_str()]),
        Home::Extension(_) | Home::User => functions::known(&[function.name.as_str()]),
    }
}

fn user(function: &Function) -> Result<(), Refused> {
    // What an aggregate does, the functions that it is made of do.
    let constructor =
        function.language == "internal" && CONSTRUCTORS.contains(&function.source.as_str());
    if function.aggregate || constructor {
        return Ok(());
    }
    let why = if matches!(function.language.as_str(), "c" | "internal") {
        "It runs native code of the server under a name that somebody gave it."
    } else if !function.trusted {
        "Its language can do whatever the server's operating system user can."
    } else if function.volatile {
        "It is a user's function and VOLATILE, so it may change something."
    } else if function.security_definer && !function.pinned_path {
        "It is SECURITY DEFINER without a search_path of its own, so its caller can choose what it runs."
    } else {
        return Ok(());
    };
    Err(unknown(why))
}

fn unknown(why: &'static str) -> Refused {
    Refused {
        why: why.into(),
        hint: "If it only reads, its owner can declare it STABLE, or the server's administrator \
               can add it to mcp_advisor.guard_functions."
            .into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(schema: &str, name: &str, home: Home) -> Function {
        Function {
            schema: schema.to_owned(),
            name: name.to_owned(),
            arguments: 1,
            home,
            language: "internal".to_owned(),
            trusted: true,
            volatile: false,
            security_definer: false,
            pinned_path: false,
            aggregate: false,
            internal: false,
            source: String::new(),
        }
    }

    fn user() -> Function {
        let function = function("public", "f", Home::User);
        Function { language: "plpgsql".to_owned(), ..function }
    }

    fn passes(function: &Function) -> bool {
        judge(function, Moment::Sent, &Allowed::default()).is_ok()
    }

    #[test]
    fn core_is_judged_by_its_lists() {
        assert!(passes(&function("pg_catalog", "lower", Home::Core)));
        assert!(!passes(&function("pg_catalog", "pg_read_file", Home::Core)));
        let random = Function { volatile: true, ..function("pg_catalog", "random", Home::Core) };
        assert!(passes(&random));
        let new = Function { name: "touches_something".to_owned(), ..random };
        assert!(!passes(&new));
        assert!(judge(&new, Moment::Support, &Allowed::default()).is_ok());
        let user = Function { home: Home::User, ..new };
        assert!(judge(&user, Moment::Support, &Allowed::default()).is_err());
    }

    #[test]
    fn a_users_function_must_be_declared_to_read() {
        assert!(passes(&user()));
        assert!(!passes(&Function { volatile: true, ..user() }));
        assert!(!passes(&Function { language: "internal".to_owned(), ..user() }));
        assert!(!passes(&Function { trusted: false, ..user() }));
        let definer = Function { security_definer: true, ..user() };
        assert!(!passes(&definer));
        assert!(passes(&Function { pinned_path: true, ..definer }));
        let native = || Function { language: "internal".to_owned(), ..user() };
        assert!(passes(&Function { aggregate: true, ..native() }));
        assert!(passes(&Function { source: "range_constructor2".to_owned(), ..native() }));
        // The name of a trusted function makes nobody trusted.
        let shadow = Function { name: "lower".to_owned(), volatile: true, ..user() };
        assert!(!passes(&shadow));
    }

    #[test]
    fn extensions_are_judged_by_name_and_volatility() {
        let home = || Home::Extension("x".to_owned());
        assert!(!passes(&function("public", "dblink", home())));
        assert!(passes(&function("public", "similarity", home())));
        let uuid = function("public", "gen_random_uuid", home());
        assert!(passes(&Function { volatile: true, ..uuid }));
        let volatile = Function { volatile: true, ..function("public", "touch", home()) };
        assert!(!passes(&volatile));
        assert!(passes(&Function { internal: true, ..volatile.clone() }));
        assert!(judge(&volatile, Moment::Sent, &Allowed::read("public.tou*")).is_ok());
        assert!(judge(&volatile, Moment::Sent, &Allowed::read("public.tou")).is_err());
    }

    #[test]
    fn our_own_functions_run_but_are_not_sent_with_texts() {
        let explain = function("public", "mcp_explain", Home::Extension(OURS.to_owned()));
        assert!(!passes(&explain));
        assert!(judge(&explain, Moment::Run, &Allowed::default()).is_ok());
        let guard = Function { name: "mcp_health".to_owned(), volatile: true, ..explain };
        assert!(passes(&guard));
    }

    #[test]
    fn the_latch_stands_what_it_bounds() {
        let set = function("pg_catalog", "set_config", Home::Core);
        assert!(!passes(&set));
        assert!(judge(&set, Moment::Run, &Allowed::default()).is_ok());
        let shadow = Function { home: Home::User, ..set };
        assert!(judge(&shadow, Moment::Run, &Allowed::default()).is_err());
    }
}
