//! Reads the server's own dump of a query tree (`nodeToString`).
//!
//! The dump names every field, so the advisor can look at an analyzed query without touching a
//! server struct: no pointer, no version-dependent layout, and tests need no server. The grammar
//! is that of PostgreSQL's `src/backend/nodes/outfuncs.c` and `read.c`.

use std::ops::Range;

/// How deep nodes and lists may nest before the rest is left unread: the walk is recursive and
/// runs on the backend's stack.
const MAX_DEPTH: usize = 400;

/// A field's value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `<>`: a null pointer or an empty list.
    Null,
    /// A number, enum, flag or string, unescaped.
    Atom(String),
    /// A node.
    Node(Node),
    /// A list of nodes, strings or integers.
    List(Vec<Value>),
    /// Something nested deeper than the reader goes.
    Opaque,
}

/// A node: its tag and its fields in order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Node {
    /// The upper-case tag, such as `QUERY` or `OPEXPR`.
    pub tag: String,
    /// Field names (without colon) and values.
    pub fields: Vec<(String, Value)>,
    /// Where it stands in the dump: from its opening brace to behind its closing one, in bytes.
    pub span: Range<usize>,
}

/// A dump and what it says.
#[derive(Debug, Clone, PartialEq)]
pub struct Tree<'a> {
    /// The outermost node.
    pub root: Node,
    /// The dump.
    pub text: &'a str,
}

impl<'a> Tree<'a> {
    /// Reads a dumped node. `None` when the text is not a node at all.
    #[must_use]
    pub fn read(text: &'a str) -> Option<Self> {
        read(text).map(|root| Self { root, text })
    }
}

impl Value {
    /// The node, if this is one.
    #[must_use]
    pub const fn node(&self) -> Option<&Node> {
        if let Self::Node(node) = self { Some(node) } else { None }
    }

    /// The members of a list; none for anything else.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        if let Self::List(items) = self { items } else { &[] }
    }

    /// The text of an atom.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        if let Self::Atom(text) = self { Some(text) } else { None }
    }
}

impl Node {
    /// The value of a field.
    #[must_use]
    pub fn get(&self, field: &str) -> Option<&Value> {
        self.fields.iter().find(|(name, _)| name == field).map(|(_, value)| value)
    }

    /// A field that holds a node.
    #[must_use]
    pub fn child(&self, field: &str) -> Option<&Self> {
        self.get(field).and_then(Value::node)
    }

    /// A field that holds a list; empty when absent or null.
    #[must_use]
    pub fn list(&self, field: &str) -> &[Value] {
        self.get(field).map_or(&[], Value::items)
    }

    /// The nodes of a list field.
    pub fn nodes<'a>(&'a self, field: &str) -> impl Iterator<Item = &'a Self> + use<'a> {
        self.list(field).iter().filter_map(Value::node)
    }

    /// A field as an integer; 0 when absent.
    #[must_use]
    pub fn int(&self, field: &str) -> i64 {
        self.text(field).and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    /// A field as an oid; 0 when absent.
    #[must_use]
    pub fn oid(&self, field: &str) -> u32 {
        self.text(field).and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    /// A field as a flag; false when absent.
    #[must_use]
    pub fn flag(&self, field: &str) -> bool {
        self.text(field) == Some("true")
    }

    /// A field as text.
    #[must_use]
    pub fn text(&self, field: &str) -> Option<&str> {
        self.get(field).and_then(Value::text)
    }
}

/// What an expression calls, as far as the dump names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Called {
    /// `pg_proc.oid`.
    Function(u32),
    /// `pg_operator.oid`; whether its function has been looked up already differs between dumps.
    Operator(u32),
}

/// The functions and operators that the nodes name, in the order of the dump. Those behind a cast
/// through text are the types' own and are not named.
#[must_use]
pub fn calls(node: &Node) -> Vec<Called> {
    let mut found = Vec::new();
    let mut open = vec![node];
    while let Some(node) = open.pop() {
        for (name, value) in &node.fields {
            match (name.as_str(), value) {
                ("funcid", _) => found.push(Called::Function(node.oid("funcid"))),
                ("opno", _) => found.push(Called::Operator(node.oid("opno"))),
                (_, Value::Node(child)) => open.push(child),
                (_, Value::List(items)) => open.extend(items.iter().filter_map(Value::node)),
                _ => {}
            }
        }
    }
    found
}

/// Reads one dumped node. `None` when the text is not a node at all.
#[must_use]
pub fn read(dump: &str) -> Option<Node> {
    let mut reader = Reader { bytes: dump.as_bytes(), at: 0 };
    match reader.value(0) {
        Some(Value::Node(node)) => Some(node),
        _ => None,
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn peek(&mut self) -> Option<u8> {
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        self.bytes.get(self.at).copied()
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        match self.peek()? {
            b'{' if depth >= MAX_DEPTH => self.skip_balanced(),
            b'(' if depth >= MAX_DEPTH => self.skip_balanced(),
            b'{' => self.node(depth).map(Value::Node),
            b'(' => self.list(depth),
            b'}' | b')' => None,
            _ => {
                let start = self.at;
                let text = self.atom();
                // An escaped `<>` is a string; only the bare one is null.
                if text == "<>" && self.bytes.get(start) == Some(&b'<') {
                    return Some(Value::Null);
                }
                Some(Value::Atom(text))
            }
        }
    }

    fn node(&mut self, depth: usize) -> Option<Node> {
        let start = self.at;
        self.at += 1;
        let mut node = Node { tag: self.atom(), fields: Vec::new(), span: start..start };
        loop {
            match self.peek()? {
                b'}' => {
                    self.at += 1;
                    node.span.end = self.at;
                    return Some(node);
                }
                b':' => {
                    self.at += 1;
                    let name = self.atom();
                    let value = self.value(depth + 1)?;
                    node.fields.push((name, value));
                }
                // The rest of a value of several tokens, such as the bytes of a constant.
                b'{' | b'(' => {
                    self.skip_balanced()?;
                }
                b')' => return None,
                _ => {
                    self.atom();
                }
            }
        }
    }

    fn list(&mut self, depth: usize) -> Option<Value> {
        self.at += 1;
        let mut items = Vec::new();
        // `(i 1 2)`, `(o 1 2)` and `(b 1 2)` start with the kind of their members.
        if let Some(b'i' | b'o' | b'b' | b'x') = self.peek()
            && self.bytes.get(self.at + 1).is_some_and(|next| matches!(next, b' ' | b')'))
        {
            self.at += 1;
        }
        loop {
            match self.peek()? {
                b')' => {
                    self.at += 1;
                    return Some(Value::List(items));
                }
                b'}' => return None,
                _ => items.push(self.value(depth + 1)?),
            }
        }
    }

    /// One token; backslash takes the next character as it is, double quotes delimit a string.
    fn atom(&mut self) -> String {
        self.peek();
        let quoted = self.bytes.get(self.at) == Some(&b'"');
        if quoted {
            self.at += 1;
        }
        let mut text = Vec::new();
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b'\\' => {
                    self.at += 1;
                    text.extend(self.bytes.get(self.at));
                }
                b'"' if quoted => {
                    self.at += 1;
                    break;
                }
                b' ' | b'\n' | b'\t' | b'(' | b')' | b'{' | b'}' if !quoted => break,
                _ => text.push(byte),
            }
            self.at += 1;
        }
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Passes over a node or list without recursion.
    fn skip_balanced(&mut self) -> Option<Value> {
        let mut open = 0_usize;
        loop {
            match self.peek()? {
                b'{' | b'(' => {
                    open += 1;
                    self.at += 1;
                }
                b'}' | b')' => {
                    open -= 1;
                    self.at += 1;
                    if open == 0 {
                        return Some(Value::Opaque);
                    }
                }
                _ => {
                    let before = self.at;
                    self.atom();
                    // A stray byte that no token starts with must not stop the reader.
                    self.at = self.at.max(before + 1);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_fields_lists_and_escapes() {
        let node = read(
            "{RTE :alias {ALIAS :aliasname My\\ Table :colnames (\"a\" \"b c\")} :relid 16384 \
             :inh true :cols (b 8 9) :subquery <> :constvalue 4 [ 1 0 0 0 ] :rows (i 1 2)}",
        )
        .unwrap();
        assert_eq!(node.tag, "RTE");
        let alias = node.child("alias").unwrap();
        assert_eq!(alias.text("aliasname"), Some("My Table"));
        assert_eq!(alias.list("colnames")[1].text(), Some("b c"));
        assert_eq!(node.oid("relid"), 16384);
        assert!(node.flag("inh"));
        assert_eq!(node.list("cols").len(), 2);
        assert_eq!(node.get("subquery"), Some(&Value::Null));
        assert_eq!(node.int("constvalue"), 4);
        assert_eq!(node.list("rows").len(), 2);
    }

    #[test]
    fn nodes_know_where_they_stand() {
        let tree = Tree::read("  {A :x {VAR :varno 1} :y ({C :z \\}} 7)}").unwrap();
        let of = |node: &Node| &tree.text[node.span.clone()];
        assert_eq!(of(&tree.root), &tree.text[2..]);
        assert_eq!(of(tree.root.child("x").unwrap()), "{VAR :varno 1}");
        assert_eq!(of(tree.root.nodes("y").next().unwrap()), "{C :z \\}}");
    }

    #[test]
    fn deep_nesting_is_left_unread() {
        let depth = 100_000;
        let text = format!("{}{{A :x 1}}{}", "{A :arg ".repeat(depth), "}".repeat(depth));
        let mut node = &read(&text).unwrap();
        let mut levels = 0;
        while let Some(child) = node.child("arg") {
            node = child;
            levels += 1;
        }
        assert!(levels < MAX_DEPTH);
        assert_eq!(node.get("arg"), Some(&Value::Opaque));
    }

    proptest! {
        #[test]
        fn never_panics(text in "[{}():<>\\\\\"ab \\[\\]1]{0,80}") {
            let _ = read(&text);
        }
    }
}
