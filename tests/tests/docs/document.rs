//! A document: what in it can be run, and what it refers to.
//!
//! What a block is for is said by an HTML comment directly above it, which no reader sees:
//!
//! | comment | the block below it |
//! |---|---|
//! | `not run: REASON` | is not run |
//! | `output` | is what the block before it prints, to the letter |
//! | `output: figures differ` | the same, but for numbers |
//! | `output: columns` | the same, but for the rows |
//! | `output: last command` | is how that output ends |
//! | `serves` | starts a server that runs until it is told to end |
//! | `file: NAME` | is a file that later blocks find |
//!
//! In an output `…` stands for anything. `<!-- setup: … -->` stands by itself and has SQL, or `tpch SCALE`, that is run at this place.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// A document with its text.
#[derive(Debug)]
pub(crate) struct Document {
    /// Relative to the repository.
    pub(crate) path: PathBuf,
    pub(crate) text: String,
    /// Blocks and what sets the stage for them, in order.
    pub(crate) steps: Vec<Step>,
    /// Headings: where they begin, their level, their text.
    pub(crate) headings: Vec<Heading>,
    /// Destinations of links and images, with their lines.
    pub(crate) links: Vec<(usize, String)>,
    /// What is set as code in running text, with its line.
    pub(crate) spans: Vec<(usize, String)>,
}

#[derive(Debug)]
pub(crate) struct Heading {
    pub(crate) at: usize,
    pub(crate) text: String,
}

#[derive(Debug)]
pub(crate) enum Step {
    Setup { line: usize, text: String },
    Block(Block),
}

/// A fenced block.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) line: usize,
    pub(crate) language: String,
    pub(crate) text: String,
    pub(crate) purpose: Purpose,
    /// Where its content is in the document's text.
    pub(crate) content: Range<usize>,
}

/// What a comment above a block says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// No comment: it is run, or parsed.
    Plain,
    NotRun(String),
    Serves,
    File(String),
    Output(Compare),
}

/// How an output is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compare {
    Exactly,
    Figures,
    Columns,
    End,
}

/// The folder of the repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every Markdown file that is or will be under version control.
pub(crate) fn documents() -> Result<Vec<Document>> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "*.md"])
        .current_dir(repository())
        .output()
        .context("run git")?;
    ensure!(output.status.success(), "git: {}", String::from_utf8_lossy(&output.stderr));
    let paths = String::from_utf8(output.stdout)?;
    let there = |path: &&str| repository().join(path).is_file();
    paths.lines().filter(there).map(|path| Document::read(Path::new(path))).collect()
}

impl Document {
    fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(repository().join(path))
            .with_context(|| path.display().to_string())?;
        Self::parse(path, text).with_context(|| path.display().to_string())
    }

    fn parse(path: &Path, text: String) -> Result<Self> {
        let mut reader = Reader::new(&text);
        for (event, range) in Parser::new_ext(&text, Options::ENABLE_TABLES).into_offset_iter() {
            reader.take(event, range)?;
        }
        let Reader { steps, headings, links, spans, comment, .. } = reader;
        if let Some((at, text)) = comment {
            bail!("line {at}: nothing is below the comment \"{text}\"");
        }
        Ok(Self { path: path.to_owned(), text, steps, headings, links, spans })
    }

    /// The name in messages.
    pub(crate) fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// Its fenced blocks.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = &Block> {
        self.steps.iter().filter_map(|step| match step {
            Step::Block(block) => Some(block),
            Step::Setup { .. } => None,
        })
    }

    /// The anchors that its headings have on the usual hosting platforms.
    pub(crate) fn anchors(&self) -> Vec<String> {
        let mut anchors: Vec<String> = Vec::new();
        for heading in &self.headings {
            let slug = slug(&heading.text);
            let same = |anchor: &&String| {
                let numbered = anchor.strip_prefix(&slug).and_then(|rest| rest.strip_prefix('-'));
                **anchor == slug || numbered.is_some_and(|rest| rest.parse::<u32>().is_ok())
            };
            let before = anchors.iter().filter(same).count();
            anchors.push(if before == 0 { slug } else { format!("{slug}-{before}") });
        }
        anchors
    }

    /// The text below each heading that names `word`, or, where none does, of each section that has it.
    pub(crate) fn about(&self, word: &str) -> String {
        let has = |text: &str| words(text).any(|found| found == word);
        let ends = self.headings.iter().skip(1).map(|heading| heading.at);
        let sections: Vec<(&Heading, &str)> = self
            .headings
            .iter()
            .zip(ends.chain([self.text.len()]))
            .map(|(heading, end)| (heading, &self.text[heading.at..end]))
            .collect();
        let named = sections.iter().filter(|(heading, _)| has(&heading.text));
        let text: String = named.map(|(_, text)| *text).collect();
        if !text.is_empty() {
            return text;
        }
        sections.iter().filter(|(_, text)| has(text)).map(|(_, text)| *text).collect()
    }
}

/// The words of a text: letters, digits, underscores and points inside.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.'))
        .map(|word| word.trim_matches('.'))
        .filter(|word| !word.is_empty())
}

fn slug(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, '-' | '_' | ' ');
    heading.to_lowercase().chars().filter(kept).map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// Collects what a document has from what the parser says.
struct Reader<'a> {
    text: &'a str,
    steps: Vec<Step>,
    headings: Vec<Heading>,
    links: Vec<(usize, String)>,
    spans: Vec<(usize, String)>,
    /// A comment that waits for its block, and its line.
    comment: Option<(usize, String)>,
    html: Option<(usize, String)>,
    heading: Option<Heading>,
    fence: Option<(usize, String, String)>,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            steps: Vec::new(),
            headings: Vec::new(),
            links: Vec::new(),
            spans: Vec::new(),
            comment: None,
            html: None,
            heading: None,
            fence: None,
        }
    }

    fn line(&self, at: usize) -> usize {
        self.text[..at].matches('\n').count() + 1
    }

    fn take(&mut self, event: Event<'_>, range: Range<usize>) -> Result<()> {
        let line = self.line(range.start);
        match event {
            Event::Start(Tag::HtmlBlock) => self.html = Some((line, String::new())),
            Event::Html(text) => {
                if let Some((_, html)) = &mut self.html {
                    html.push_str(&text);
                }
            }
            Event::End(TagEnd::HtmlBlock) => self.end_of_html()?,
            Event::Start(Tag::CodeBlock(kind)) => {
                let CodeBlockKind::Fenced(language) = kind else {
                    bail!("line {line}: code without a fence");
                };
                self.fence = Some((line, language.into_string(), String::new()));
            }
            Event::Text(text) => {
                if let Some((_, _, code)) = &mut self.fence {
                    code.push_str(&text);
                } else if let Some(heading) = &mut self.heading {
                    heading.text.push_str(&text);
                } else {
                    self.nothing_waits(line)?;
                }
            }
            Event::Code(text) => {
                if let Some(heading) = &mut self.heading {
                    heading.text.push_str(&text);
                }
                self.spans.push((line, text.into_string()));
            }
            Event::End(TagEnd::CodeBlock) => self.end_of_fence(range)?,
            Event::Start(Tag::Heading { .. }) => {
                self.heading = Some(Heading { at: range.start, text: String::new() });
            }
            Event::End(TagEnd::Heading(_)) => self.headings.extend(self.heading.take()),
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                self.links.push((line, dest_url.into_string()));
            }
            _ => {}
        }
        Ok(())
    }

    fn nothing_waits(&self, line: usize) -> Result<()> {
        match &self.comment {
            Some((at, text)) => {
                bail!(
                    "line {line}: the comment \"{text}\" of line {at} is not directly above a block"
                )
            }
            None => Ok(()),
        }
    }

    fn end_of_html(&mut self) -> Result<()> {
        let Some((line, html)) = self.html.take() else { return Ok(()) };
        let html = html.trim();
        let Some(comment) = html.strip_prefix("<!--").and_then(|rest| rest.strip_suffix("-->"))
        else {
            return Ok(());
        };
        self.nothing_waits(line)?;
        let comment = comment.trim();
        match comment.strip_prefix("setup:") {
            Some(text) => self.steps.push(Step::Setup { line, text: text.trim().to_owned() }),
            None if purpose(comment).is_some() => self.comment = Some((line, comment.to_owned())),
            None => {
                let word = comment.split([':', ' ']).next().unwrap_or_default();
                ensure!(
                    !["not", "output", "serves", "file", "setup"].contains(&word),
                    "line {line}: the comment \"{comment}\" says nothing that is known"
                );
            }
        }
        Ok(())
    }

    fn end_of_fence(&mut self, range: Range<usize>) -> Result<()> {
        let Some((line, language, text)) = self.fence.take() else { return Ok(()) };
        ensure!(!language.is_empty(), "line {line}: a block without a language");
        let comment = self.comment.take();
        let purpose = match &comment {
            None => Purpose::Plain,
            Some((at, text)) => purpose(text).with_context(|| format!("line {at}: \"{text}\""))?,
        };
        let begin =
            self.text[range.clone()].find('\n').map_or(range.end, |at| range.start + at + 1);
        let end = self.text[begin..range.end].rfind("```").map_or(range.end, |at| begin + at);
        self.steps.push(Step::Block(Block { line, language, text, purpose, content: begin..end }));
        Ok(())
    }
}

/// What a comment says of the block below it.
fn purpose(comment: &str) -> Option<Purpose> {
    let (word, rest) = comment.split_once(':').unwrap_or((comment, ""));
    let rest = rest.trim();
    Some(match (word, rest) {
        ("not run", reason) if reason.len() > 5 => Purpose::NotRun(reason.to_owned()),
        ("serves", "") => Purpose::Serves,
        ("file", name) if !name.is_empty() => Purpose::File(name.to_owned()),
        ("output", "") => Purpose::Output(Compare::Exactly),
        ("output", "figures differ") => Purpose::Output(Compare::Figures),
        ("output", "columns") => Purpose::Output(Compare::Columns),
        ("output", "last command") => Purpose::Output(Compare::End),
        _ => return None,
    })
}

/// What the reader must see, and must refuse.
pub(crate) fn reads_what_documents_have() -> Result<()> {
    let parse = |text: &str| Document::parse(Path::new("a.md"), text.to_owned());
    let document = parse(
        "# A `b` c\n\n<!-- setup:\nselect 1;\n-->\n<!-- not run: too long -->\n```sql\nselect 2;\n```\n\
         \n[x](#a-b-c) `mcp_x`\n\n## A b c\n",
    )?;
    ensure!(document.anchors() == ["a-b-c", "a-b-c-1"], "{:?}", document.anchors());
    ensure!(document.steps.len() == 2 && document.links == [(11, "#a-b-c".to_owned())]);
    let block = document.blocks().next().context("no block")?;
    ensure!(block.purpose == Purpose::NotRun("too long".to_owned()), "{block:?}");
    ensure!(&document.text[block.content.clone()] == "select 2;\n", "{block:?}");
    for wrong in [
        "```\nx\n```\n",
        "    x\n",
        "<!-- not run: -->\n```sql\nx\n```\n",
        "<!-- output: somehow -->\n```text\nx\n```\n",
        "<!-- not run: too long -->\nwords\n\n```sql\nx\n```\n",
        "<!-- output -->\n",
    ] {
        ensure!(parse(wrong).is_err(), "was taken: {wrong}");
    }
    Ok(())
}
