//! What a document shows as printed, against what was printed.

use anyhow::{Result, bail, ensure};

use crate::document::Compare;

/// Fails when `printed` is not what the document shows.
pub(crate) fn compare(how: Compare, shown: &str, printed: &str) -> Result<()> {
    let (shown, printed) = (trimmed(shown), trimmed(printed));
    let same = match how {
        Compare::Exactly => fits(&shown, &printed),
        Compare::End => !shown.is_empty() && printed.ends_with(&shown),
        Compare::Figures => fits(&without_figures(&shown), &without_figures(&printed)),
        Compare::Columns => columns(&shown)? == columns(&printed)?,
    };
    ensure!(same, "the document shows\n{shown}\nprinted was\n{printed}");
    Ok(())
}

/// Whether what is shown is what was printed, where `…` stands for anything.
fn fits(shown: &str, printed: &str) -> bool {
    let mut parts = shown.split('…');
    // `split` gives at least one part.
    let Some(mut rest) = parts.next().and_then(|first| printed.strip_prefix(first)) else {
        return false;
    };
    let mut last = None;
    for part in parts {
        if let Some(between) = last.replace(part) {
            match rest.split_once(between) {
                Some((_, after)) => rest = after,
                None => return false,
            }
        }
    }
    last.map_or(rest.is_empty(), |end| rest.ends_with(end))
}

/// Without spaces at the ends of lines and empty lines around.
fn trimmed(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n").trim_matches('\n').to_owned()
}

/// With a sign for each number, and tables as if all columns were equally wide.
fn without_figures(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let numeric = |c: &char| c.is_ascii_digit() || *c == '.';
        let repeated = matches!(c, ' ' | '-');
        if c.is_ascii_digit() {
            while rest.next_if(numeric).is_some() {}
            out.push('#');
        } else if !(repeated && out.ends_with(c)) {
            out.push(c);
        }
    }
    // A column that ends in numbers is padded on either side.
    out.lines().map(str::trim).collect::<Vec<_>>().join("\n")
}

/// The names of the columns that psql prints.
fn columns(text: &str) -> Result<Vec<String>> {
    let lines: Vec<&str> = text.lines().collect();
    let is_rule = |line: &str| line.contains('-') && line.chars().all(|c| matches!(c, '-' | '+'));
    if let Some(rule) = lines.iter().position(|line| is_rule(line)).filter(|at| *at > 0) {
        return Ok(lines[rule - 1].split('|').map(|name| name.trim().to_owned()).collect());
    }
    let Some(first) = lines.iter().position(|line| line.starts_with("-[ RECORD 1")) else {
        bail!("no table of psql:\n{text}");
    };
    let record = lines[first + 1..].iter().take_while(|line| !line.starts_with("-["));
    Ok(record
        .filter_map(|line| line.split_once('|'))
        .map(|(name, _)| name.trim().to_owned())
        .collect())
}

/// That a comparison can fail.
pub(crate) fn comparisons_can_fail() -> Result<()> {
    let table = " a | b\n---+----\n 1 | x\n(1 row)\n";
    let wider = " a   | b\n-----+---\n 123 | x\n(1 row)\n\n";
    let other = " a | c\n---+---\n 1 | x\n(1 row)\n";
    ensure!(compare(Compare::Figures, table, wider).is_ok());
    ensure!(compare(Compare::Exactly, table, wider).is_err());
    ensure!(compare(Compare::Columns, table, wider).is_ok());
    for how in [Compare::Figures, Compare::Columns, Compare::Exactly, Compare::End] {
        ensure!(compare(how, table, other).is_err(), "{how:?}");
    }
    ensure!(compare(Compare::End, "", "anything").is_err());
    ensure!(compare(Compare::Exactly, "a … c … e", "a b c d e").is_ok());
    for other in ["a b c d", "b c d e", "a b d e"] {
        ensure!(compare(Compare::Exactly, "a … c … e", other).is_err(), "{other}");
    }
    ensure!(compare(Compare::End, "b\n", "a\nb\n").is_ok());
    ensure!(columns("-[ RECORD 1 ]-\na | 1\nb | 2\n-[ RECORD 2 ]-\na | 1\nb | 2")? == ["a", "b"]);
    Ok(())
}
