//! A script for psql cut into the statements that psql would send.

/// The statements of `script`, without their semicolons. Data of COPY and psql's own commands are
/// left out; what psql would put in for its variables is left as it is written.
pub(crate) fn statements(script: &str) -> Vec<String> {
    let mut cut =
        Cut { rest: script, statement: String::new(), depth: 0, body: 0, found: Vec::new() };
    while !cut.rest.is_empty() {
        cut.step();
    }
    cut.end();
    cut.found
}

/// A place in the script.
struct Cut<'a> {
    rest: &'a str,
    /// What has been read of the statement.
    statement: String,
    /// Open parentheses.
    depth: u32,
    /// Open BEGIN and CASE of a function's body that is SQL.
    body: u32,
    found: Vec<String>,
}

impl Cut<'_> {
    fn step(&mut self) {
        let rest = self.rest;
        let next = rest.chars().next().unwrap_or_default();
        match next {
            '-' if rest.starts_with("--") => self.skip(rest.find('\n').unwrap_or(rest.len())),
            '/' if rest.starts_with("/*") => self.skip(comment(rest)),
            '\'' => {
                let before = self.statement.chars().next_back();
                let escapes = matches!(before, Some('e' | 'E')) && self.word_before().len() == 1;
                self.take(quoted(rest, '\'', escapes));
            }
            '"' => self.take(quoted(rest, '"', false)),
            '$' => self.take(dollar(rest).unwrap_or(1)),
            '\\' => self.command(),
            ';' if self.depth == 0 && self.body == 0 => {
                self.skip(1);
                let copies = self.statement.to_ascii_lowercase();
                self.end();
                if copies.trim_start().starts_with("copy") && copies.contains("from stdin") {
                    self.data();
                }
            }
            '(' => {
                self.depth += 1;
                self.take(1);
            }
            ')' => {
                self.depth = self.depth.saturating_sub(1);
                self.take(1);
            }
            c if is_name(c) => {
                let len = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
                self.count_bodies(&rest[..len].to_ascii_lowercase());
                self.take(len);
            }
            c => self.take(c.len_utf8()),
        }
    }

    /// `create function … begin atomic … end` holds semicolons.
    fn count_bodies(&mut self, word: &str) {
        let statement = self.statement.trim_start().to_ascii_lowercase();
        match word {
            "atomic"
                if statement.starts_with("create") && statement.trim_end().ends_with("begin") =>
            {
                self.body = 1;
            }
            "case" if self.body > 0 => self.body += 1,
            "end" => self.body = self.body.saturating_sub(1),
            _ => {}
        }
    }

    /// A command of psql: some send what was read so far, `\;` sends it with what comes.
    fn command(&mut self) {
        let line = self.rest.find('\n').unwrap_or(self.rest.len());
        let (command, rest) = self.rest.split_at(line);
        if command.starts_with("\\;") {
            self.skip(2);
            return self.end();
        }
        self.rest = rest;
        let word = command[1..].split(|c: char| !c.is_ascii_alphabetic()).next();
        match word {
            Some("g" | "gx" | "gset" | "gexec" | "gdesc" | "crosstabview") => self.end(),
            Some("r") => self.statement.clear(),
            _ => {}
        }
    }

    /// Lines after COPY FROM STDIN.
    fn data(&mut self) {
        let end = self.rest.find("\n\\.").map_or(self.rest.len(), |at| at + 3);
        self.skip(end);
    }

    fn word_before(&self) -> &str {
        let start = self.statement.rfind(|c| !is_name(c)).map_or(0, |at| at + 1);
        self.statement.get(start..).unwrap_or_default()
    }

    fn take(&mut self, len: usize) {
        let (taken, rest) = self.rest.split_at(len);
        self.statement.push_str(taken);
        self.rest = rest;
    }

    fn skip(&mut self, len: usize) {
        self.rest = &self.rest[len..];
        // What is left out separates words.
        self.statement.push(' ');
    }

    fn end(&mut self) {
        let statement = std::mem::take(&mut self.statement);
        (self.depth, self.body) = (0, 0);
        if !statement.trim().is_empty() {
            self.found.push(statement.trim().to_owned());
        }
    }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The length of the comment that `text` begins with; comments nest.
fn comment(text: &str) -> usize {
    let (mut at, mut depth) = (0, 0);
    loop {
        let rest = &text[at..];
        if rest.is_empty() {
            return at;
        } else if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(0, char::len_utf8);
        }
    }
}

/// The length of what is quoted at the beginning of `text`. A doubled quote ends one part and begins
/// the next, which comes to the same.
fn quoted(text: &str, quote: char, escapes: bool) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if escapes && c == '\\' {
            escaped = true;
        } else if c == quote {
            return at + 1;
        }
    }
    text.len()
}

/// The length of what is quoted by dollars at the beginning of `text`, if that is what it is.
fn dollar(text: &str) -> Option<usize> {
    let tag_end = text[1..].find('$')? + 2;
    let tag = &text[..tag_end];
    let name = &tag[1..tag_end - 1];
    if !name.chars().all(is_name) || name.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let end = text[tag_end..].find(tag)?;
    Some(tag_end + end + tag.len())
}

pub(crate) const SAMPLE: &str = r#"select 1; -- one; two
select ';', e'\';', "a;b", $$;$$, $x$ $$ ; $x$ /* ; /* ; */ ; */;
create rule r as on insert to t do (insert into u values (1); select 2);
create function f() returns int begin atomic select case when true then 1 end; select 2; end;
copy t from stdin;
1;2
\.
\d t
select 3 \gset x_
select 4\; select 5;
values (1)"#;

/// The cutter itself, on one piece of each kind.
pub(crate) fn cuts() -> anyhow::Result<()> {
    let found = statements(SAMPLE);
    let begins: Vec<&str> = found.iter().map(|s| s.get(..8).unwrap_or(s)).collect();
    let expected = [
        "select 1", "select '", "create r", "create f", "copy t f", "select 3", "select 4",
        "select 5", "values (",
    ];
    anyhow::ensure!(begins == expected, "{found:#?}");
    anyhow::ensure!(found[1].contains("$x$ $$ ; $x$"), "{found:#?}");
    anyhow::ensure!(found[3].ends_with("end"), "{found:#?}");
    Ok(())
}
