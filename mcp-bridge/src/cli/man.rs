//! `man`: the manual pages, one for the program and one for each subcommand.
//!
//! Names, options and their help are the command line's own. What a manual page has beyond is put
//! together here from the same texts: examples, exit codes, environment, files.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;

use clap::{Arg, Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};

use super::{Cli, EXAMPLES, EXITS};

/// The section that the pages are in.
const SECTION: &str = "1";

/// When the texts below were last changed; those of the options have no date of their own.
const DATE: &str = "2026-11-28";

/// A variable: its name, the subcommands that read it (none: all that connect), and its meaning.
type Variable = (&'static str, Option<&'static str>, &'static str);

/// Variables that no option has.
const VARIABLES: &[Variable] = &[
    (
        "DATABASE_URI",
        None,
        "Connection URI or keyword string, as for libpq. It goes before the argument, so that a \
         client's configuration can keep it out of the command line.",
    ),
    ("DATABASE_URL", None, "The same, when neither DATABASE_URI, an argument nor a file is given."),
    (
        "PGHOST, PGPORT, PGDATABASE, PGUSER, PGPASSWORD, PGPASSFILE, PGSERVICE, PGSSLMODE",
        None,
        "These and libpq's other variables: defaults for what the URI leaves out, and the whole connection where \
         PGHOST, PGSERVICE or PGDATABASE is set and no URI is given.",
    ),
    (
        "MCP_BRIDGE_AUTH_TOKEN",
        Some("mcp-bridge"),
        "A bearer token that clients of the HTTP transports must send.",
    ),
    ("MCP_BRIDGE_ROLE_PASSWORD", Some("setup"), "The password of the role to make."),
];

/// Files: as the manual prints them, and their meaning. Only for what connects.
const FILES: &[(&str, &str)] = &[
    ("~/.pgpass", "Passwords, one host:port:database:user:password a line (or PGPASSFILE)."),
    ("~/.pg_service.conf", "Services that a connection can name (or PGSERVICEFILE)."),
    (
        "~/.postgresql/root.crt, postgresql.crt, postgresql.key",
        "Certificates for TLS, unless sslrootcert, sslcert and sslkey name others.",
    ),
];

/// Writes the page of the program.
///
/// # Errors
/// What writing says.
pub fn print(out: &mut dyn Write) -> io::Result<()> {
    let command = command();
    out.write_all(page(&command, &command)?.as_bytes())
}

/// Writes every page into a folder that exists, and says which.
///
/// # Errors
/// What writing says.
pub fn write_all(folder: &Path, out: &mut dyn Write) -> io::Result<()> {
    let program = command();
    for command in std::iter::once(&program).chain(program.get_subcommands()) {
        let path = folder.join(format!("{}.{SECTION}", name(command)));
        std::fs::write(&path, page(&program, command)?).map_err(|error| {
            io::Error::new(error.kind(), format!("{}: {error}", path.display()))
        })?;
        writeln!(out, "{}", path.display())?;
    }
    Ok(())
}

/// The command line, with the names that subcommands have by themselves.
fn command() -> Command {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    command
}

/// `mcp-bridge` or `mcp-bridge-check`.
fn name(command: &Command) -> &str {
    command.get_display_name().unwrap_or_else(|| command.get_name())
}

/// One page.
fn page(program: &Command, command: &Command) -> io::Result<String> {
    let version = program.get_version().unwrap_or_default();
    let man = Man::new(command.clone())
        .title(name(command).to_uppercase())
        .date(DATE)
        .source(format!("mcp-bridge {version}"))
        .manual("mcp_advisor Manual");
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut text)?;
    }
    let mut roff = Roff::new();
    environment(&mut roff, command);
    files(&mut roff, command);
    exit_status(&mut roff, command);
    examples(&mut roff, command);
    see_also(&mut roff, program, command);
    roff.to_writer(&mut text)?;
    let text = String::from_utf8(text).map_err(io::Error::other)?;
    Ok(cleaned(&text))
}

/// Most characters of a line in the source of a page.
const WIDTH: usize = 80;

/// The page as the tools that check manual pages want it: the definition of the apostrophe at its
/// beginning only, as each part brings its own, no empty lines, and long lines broken.
fn cleaned(text: &str) -> String {
    // What separates an option's values from its help.
    let text = text.replace("\n.br\n\n.br\n", "\n.sp\n").replace("\n\n", "\n.sp\n");
    let mut page = String::new();
    let mut preambles = 0;
    // A tag is one line, and an example is as it is.
    let (mut is_tag, mut is_filled) = (false, true);
    for line in text.lines() {
        let is_preamble = line.starts_with(".ie \\n(.g .ds Aq") || line.starts_with(".el .ds Aq");
        preambles += usize::from(is_preamble);
        if is_preamble && preambles > 2 {
            continue;
        }
        match line {
            ".nf" => is_filled = false,
            ".fi" => is_filled = true,
            _ => {}
        }
        let breaks = is_filled && !is_tag && !line.starts_with('.');
        let line = line.trim_end();
        page.push_str(&if breaks { broken(line) } else { line.to_owned() });
        page.push('\n');
        is_tag = line == ".TP";
    }
    page
}

/// A line of running text, broken at spaces; no line begins as a request does.
fn broken(line: &str) -> String {
    let mut out = String::new();
    let mut length = 0;
    for word in line.split(' ') {
        let fits = length + 1 + word.len() <= WIDTH || word.starts_with(['.', '\'']);
        if length > 0 {
            out.push(if fits { ' ' } else { '\n' });
        }
        length = if fits { length + 1 + word.len() } else { word.len() };
        out.push_str(word);
    }
    out
}

/// Whether the command connects to a database.
fn connects(command: &Command) -> bool {
    let is = |name: &str| command.get_arguments().any(|argument| argument.get_id() == name);
    is("uri") || is("shadow")
}

/// A term and what it means.
fn item(roff: &mut Roff, term: Vec<Inline>, meaning: &str) {
    roff.control("TP", []);
    roff.text(term);
    roff.text([roman(meaning)]);
}

fn environment(roff: &mut Roff, command: &Command) {
    let of_option = |argument: &Arg| {
        let variable = argument.get_env()?.to_str()?.to_owned();
        Some((variable, format!("--{}", argument.get_long()?)))
    };
    let options: Vec<_> = command.get_arguments().filter_map(of_option).collect();
    let own: Vec<_> = VARIABLES
        .iter()
        .filter(|(_, only, _)| match only {
            None => command.get_arguments().any(|argument| argument.get_id() == "uri"),
            Some(only) => *only == command.get_name(),
        })
        .collect();
    if options.is_empty() && own.is_empty() {
        return;
    }
    roff.control("SH", ["ENVIRONMENT"]);
    for (variable, _, meaning) in own {
        item(roff, vec![bold(*variable)], meaning);
    }
    for (variable, option) in options {
        item(roff, vec![bold(variable)], &format!("As the option {option}, which goes before it."));
    }
}

fn files(roff: &mut Roff, command: &Command) {
    if !connects(command) {
        return;
    }
    roff.control("SH", ["FILES"]);
    for (file, meaning) in FILES {
        item(roff, vec![italic(*file)], meaning);
    }
}

fn exit_status(roff: &mut Roff, command: &Command) {
    roff.control("SH", ["EXIT STATUS"]);
    for exit in
        EXITS.iter().filter(|exit| exit.of.is_empty() || exit.of.contains(&command.get_name()))
    {
        item(roff, vec![bold(exit.code.to_string())], exit.meaning);
    }
}

/// The examples of a command: those of the help that call it.
fn examples(roff: &mut Roff, command: &Command) {
    let all: Vec<(String, &str)> = parsed();
    let calls = |text: &str| match command.has_subcommands() {
        true => true,
        false => text.contains(&format!("mcp-bridge {}", command.get_name())),
    };
    let own: Vec<_> = all.into_iter().filter(|(text, _)| calls(text)).collect();
    if own.is_empty() {
        return;
    }
    roff.control("SH", ["EXAMPLES"]);
    for (index, (text, meaning)) in own.iter().enumerate() {
        if index > 0 {
            roff.control("PP", []);
        }
        roff.text([roman(*meaning)]);
        roff.control("PP", []);
        roff.control("RS", ["4"]);
        roff.control("nf", []);
        for line in text.lines() {
            roff.text([roman(line)]);
        }
        roff.control("fi", []);
        roff.control("RE", []);
    }
}

/// The examples of the help: each with its commands, and what they do.
fn parsed() -> Vec<(String, &'static str)> {
    let mut examples = Vec::new();
    let mut command = String::new();
    for line in EXAMPLES.lines().skip(1) {
        if let Some(meaning) = line.strip_prefix("      ").filter(|_| !command.ends_with("\\\n")) {
            examples.push((std::mem::take(&mut command).trim_end().to_owned(), meaning));
        } else {
            let _ = writeln!(command, "{}", line.get(2..).unwrap_or_default());
        }
    }
    examples
}

fn see_also(roff: &mut Roff, program: &Command, command: &Command) {
    let others = std::iter::once(program).chain(program.get_subcommands());
    let mut names: Vec<&str> = others.map(name).filter(|other| *other != name(command)).collect();
    if !command.has_subcommands() {
        names.truncate(1);
    }
    names.push("psql");
    roff.control("SH", ["SEE ALSO"]);
    let mut line = Vec::new();
    for (index, name) in names.iter().enumerate() {
        line.push(bold(*name));
        line.push(roman(if index + 1 < names.len() { "(1), " } else { "(1)" }));
    }
    roff.text(line);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages() -> Vec<(String, String)> {
        let program = command();
        let all = std::iter::once(&program).chain(program.get_subcommands());
        all.map(|one| (name(one).to_owned(), page(&program, one).unwrap())).collect()
    }

    #[test]
    fn every_subcommand_has_a_page_with_its_sections() {
        let pages = pages();
        assert!(pages.len() > 8 && pages.iter().any(|(name, _)| name == "mcp-bridge-check"));
        for (name, page) in &pages {
            for section in [
                "NAME",
                "SYNOPSIS",
                "DESCRIPTION",
                "OPTIONS",
                "\"EXIT STATUS\"",
                "EXAMPLES",
                "\"SEE ALSO\"",
            ] {
                assert!(page.contains(&format!(".SH {section}\n")), "{name} lacks {section}");
            }
            assert_eq!(page.matches(".el .ds Aq").count(), 1, "{name}");
            // What mandoc -Tlint and groff -wall would say something of.
            assert!(!page.contains("\n\n") && page.is_ascii(), "{name}");
            assert!(page.lines().all(|line| line == line.trim_end()), "{name}");
        }
        for name in ["mcp-bridge", "mcp-bridge-setup", "mcp-bridge-report"] {
            let (_, page) = pages.iter().find(|(other, _)| other == name).unwrap();
            assert!(page.contains(".SH ENVIRONMENT\n") && page.contains(".SH FILES\n"), "{name}");
        }
    }

    #[test]
    fn examples_are_taken_whole() {
        let examples = parsed();
        assert!(
            examples
                .iter()
                .all(|(text, meaning)| text.contains("mcp-bridge") && meaning.ends_with('.')),
            "{examples:#?}"
        );
        let long = examples.iter().find(|(text, _)| text.contains("--auth-token-file")).unwrap();
        assert_eq!(long.0.lines().count(), 2);
    }

    #[test]
    fn pages_are_written_into_a_folder_that_exists() {
        let folder = std::env::temp_dir().join(format!("mcp-bridge-man-{}", std::process::id()));
        assert!(write_all(&folder, &mut Vec::new()).is_err());
        std::fs::create_dir(&folder).unwrap();
        let mut said = Vec::new();
        write_all(&folder, &mut said).unwrap();
        let written = std::fs::read_dir(&folder).unwrap().count();
        assert_eq!(written, String::from_utf8(said).unwrap().lines().count());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
