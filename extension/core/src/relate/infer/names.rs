//! What names suggest.

use std::collections::HashMap;

use crate::relate::words::{forms, same, words};
use crate::relate::{Column, Relationship, Table};

/// Types whose values are keys, grouped by which can be compared: integers, texts, uuid, numeric.
const KEY_TYPES: [(u32, u8); 8] =
    [(21, 0), (23, 0), (20, 0), (25, 1), (1043, 1), (1042, 1), (2950, 2), (1700, 3)];
/// The group of integers.
const INTEGERS: u8 = 0;
/// The group of uuid.
const UUIDS: u8 = 2;

/// Last words of names of columns that identify a row.
const KEY_WORDS: [&str; 12] =
    ["id", "uuid", "guid", "code", "key", "no", "nr", "num", "number", "ref", "sku", "oid"];

/// First words that say that the key is one of another system.
const ELSEWHERE: [&str; 7] =
    ["external", "ext", "foreign", "legacy", "remote", "source", "upstream"];

/// Why a column seems to refer to a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// `customer_id` names the table `customers` and its key `id` or `customer_id`.
    TableAndKey,
    /// `parent_id` in a table with the key `id`.
    Parent,
    /// The same name of several words as the primary key of one table only.
    SameName,
    /// `billing_address_id` names `addresses`, after a role.
    Role,
    /// `customer` names the table `customers`.
    TableName,
}

impl Rule {
    /// Whether the name alone is not enough.
    #[must_use]
    pub fn needs_values(self) -> bool {
        matches!(self, Self::Role | Self::TableName)
    }
}

/// A column that may refer to a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The table of the column.
    pub from: usize,
    /// The column.
    pub column: i16,
    /// The table with the key.
    pub to: usize,
    /// The key: the only column of a unique index.
    pub key: i16,
    /// Why.
    pub rule: Rule,
}

impl Candidate {
    /// What speaks for it, in words.
    pub(super) fn evidence(&self, tables: &[Table]) -> Option<String> {
        let (from, to) = (tables.get(self.from)?, tables.get(self.to)?);
        let (column, key) = (from.column(self.column)?, to.column(self.key)?);
        let why = match self.rule {
            Rule::TableAndKey => "the name is that of the table and its key".to_owned(),
            Rule::Parent => "the name says parent and the table's own key".to_owned(),
            Rule::SameName => "no other table has a primary key of this name".to_owned(),
            Rule::Role => "the name is a role with that of the table and its key".to_owned(),
            Rule::TableName => "the name is that of the table".to_owned(),
        };
        let primary = to.indexes.iter().any(|i| i.primary && i.columns == [self.key]);
        let unique = if primary { "the primary key" } else { "unique" };
        let types = if column.type_oid == key.type_oid {
            format!("both are {}", key.type_name)
        } else {
            format!("{} and {}", column.type_name, key.type_name)
        };
        Some(format!("{why}; {}.{} is {unique}; {types}", to.name, key.name))
    }
}

/// A table with a key, by name.
struct Target {
    table: usize,
    key: i16,
    key_words: Vec<String>,
    group: u8,
    primary: bool,
}

/// The targets by what they can be asked for.
struct Targets {
    all: Vec<Target>,
    /// By the words of the table's name, joined.
    by_table: HashMap<String, Vec<usize>>,
    /// By the words of the primary key's name, joined.
    by_key: HashMap<String, Vec<usize>>,
}

/// The candidates, in the order of tables and columns; at most one for a column.
#[must_use]
pub fn candidates(tables: &[Table], declared: &[Relationship]) -> Vec<Candidate> {
    let targets = targets(tables);
    let mut taken: HashMap<usize, Vec<i16>> = HashMap::new();
    for key in declared {
        taken.entry(key.from).or_default().extend(&key.from_columns);
    }
    let mut found = Vec::new();
    for (from, table) in tables.iter().enumerate().filter(|(_, table)| !table.partition) {
        let own = words(&table.name);
        for column in &table.columns {
            let is_taken = taken.get(&from).is_some_and(|all| all.contains(&column.number));
            if is_taken || column.makes_values || column.inherited {
                continue;
            }
            let Some(group) = group(column) else { continue };
            let asker = Asker { tables, targets: &targets, from, own: &own, column, group };
            found.extend(asker.candidate());
        }
    }
    found
}

fn group(column: &Column) -> Option<u8> {
    KEY_TYPES.iter().find(|(oid, _)| *oid == column.type_oid).map(|(_, group)| *group)
}

fn targets(tables: &[Table]) -> Targets {
    let mut targets = Targets { all: Vec::new(), by_table: HashMap::new(), by_key: HashMap::new() };
    for (position, table) in tables.iter().enumerate().filter(|(_, table)| !table.partition) {
        let name = words(&table.name).join("_");
        let mut seen = Vec::new();
        for index in table.indexes.iter().filter(|index| index.unique) {
            let [key] = index.columns[..] else { continue };
            let Some(column) = table.column(key) else { continue };
            let Some(group) = group(column) else { continue };
            let key_words = words(&column.name);
            let names_rows = key_words.last().is_some_and(|w| KEY_WORDS.contains(&w.as_str()));
            if seen.contains(&key) || !(index.primary || names_rows) {
                continue;
            }
            seen.push(key);
            let number = targets.all.len();
            targets.by_table.entry(name.clone()).or_default().push(number);
            if index.primary {
                targets.by_key.entry(key_words.join("_")).or_default().push(number);
            }
            let primary = index.primary;
            targets.all.push(Target { table: position, key, key_words, group, primary });
        }
    }
    targets
}

/// A column that asks what it may refer to.
struct Asker<'a> {
    tables: &'a [Table],
    targets: &'a Targets,
    from: usize,
    own: &'a [String],
    column: &'a Column,
    group: u8,
}

impl Asker<'_> {
    fn candidate(&self) -> Option<Candidate> {
        let name = words(&self.column.name);
        let elsewhere = name.first().is_some_and(|word| ELSEWHERE.contains(&word.as_str()));
        if elsewhere || self.is_polymorphic(&name) {
            return None;
        }
        if let Some(key) = self.parent(&name) {
            return Some(self.to(self.from, key, Rule::Parent));
        }
        if let Some(target) = self.only(&self.by_table_and_key(&name, 0), false) {
            return Some(self.to(target.table, target.key, Rule::TableAndKey));
        }
        if let Some(target) = self.by_same_name(&name) {
            return Some(self.to(target.table, target.key, Rule::SameName));
        }
        for role in 1..name.len().saturating_sub(1) {
            if let Some(target) = self.only(&self.by_table_and_key(&name, role), true) {
                return Some(self.to(target.table, target.key, Rule::Role));
            }
        }
        if [INTEGERS, UUIDS].contains(&self.group) {
            let named: Vec<usize> =
                self.named(&name).into_iter().filter(|&t| self.targets.all[t].primary).collect();
            if let Some(target) = self.only(&named, false) {
                return Some(self.to(target.table, target.key, Rule::TableName));
            }
        }
        None
    }

    fn to(&self, to: usize, key: i16, rule: Rule) -> Candidate {
        Candidate { from: self.from, column: self.column.number, to, key, rule }
    }

    /// `item_id` beside `item_type`: a key of whichever table the other column names.
    fn is_polymorphic(&self, name: &[String]) -> bool {
        let Some((_, stem)) = name.split_last() else { return false };
        !stem.is_empty()
            && self.tables[self.from].columns.iter().any(|column| {
                let other = words(&column.name);
                let (last, before) = match other.split_last() {
                    Some((last, before)) => (last.as_str(), before),
                    None => return false,
                };
                before == stem && ["type", "kind", "class", "table"].contains(&last)
            })
    }

    /// `parent_id` and `parent_category_id` in a table `categories` with the key `id`.
    fn parent(&self, name: &[String]) -> Option<i16> {
        let (first, rest) = name.split_first()?;
        let own = self.targets.by_table.get(&self.own.join("_"))?;
        let own = own.iter().map(|&t| &self.targets.all[t]).find(|target| {
            target.table == self.from && target.group == self.group && target.primary
        })?;
        let with_table = rest.len() == self.own.len() + own.key_words.len()
            && same_words(&rest[..self.own.len()], self.own)
            && rest[self.own.len()..] == own.key_words[..];
        (first == "parent" && (rest == own.key_words || with_table)).then_some(own.key)
    }

    /// Targets whose table and key the name gives from word `skip` on.
    fn by_table_and_key(&self, name: &[String], skip: usize) -> Vec<usize> {
        let mut found = Vec::new();
        let name = &name[skip..];
        for split in 1..name.len() {
            for target in self.named(&name[..split]) {
                let key = &self.targets.all[target].key_words;
                if name[split..] == key[..] || *name == key[..] {
                    found.push(target);
                }
            }
        }
        found
    }

    /// Targets whose table has this name, in the singular or the plural, or with the word before
    /// it that the column's table begins with (`shop_order`, `shop_customer`).
    fn named(&self, stem: &[String]) -> Vec<usize> {
        let Some((last, before)) = stem.split_last() else { return Vec::new() };
        let mut found = Vec::new();
        for form in forms(last) {
            let mut name = before.to_vec();
            name.push(form);
            let plain = name.join("_");
            let prefixed = self.own.first().filter(|_| self.own.len() > 1);
            let prefixed = prefixed.map(|prefix| format!("{prefix}_{plain}"));
            for name in [Some(plain), prefixed].into_iter().flatten() {
                found.extend(self.targets.by_table.get(&name).into_iter().flatten().copied());
            }
        }
        found.retain(|&target| self.targets.all[target].group == self.group);
        found
    }

    /// The only one that the name can mean: in the table's own schema, else in the others; a
    /// primary key before other keys.
    fn only(&self, found: &[usize], itself: bool) -> Option<&Target> {
        let schema = &self.tables[self.from].schema;
        let mut found: Vec<&Target> = found.iter().map(|&t| &self.targets.all[t]).collect();
        found.retain(|target| target.key != self.column.number || target.table != self.from);
        if !itself && found.iter().any(|target| target.table == self.from) {
            // A number of the row's own, such as `customer_id` in `customers`.
            return None;
        }
        let home: Vec<&Target> = found
            .iter()
            .filter(|target| self.tables[target.table].schema == *schema)
            .copied()
            .collect();
        let mut found = if home.is_empty() { found } else { home };
        if found.iter().any(|target| target.primary) {
            found.retain(|target| target.primary);
        }
        let first = found.first()?;
        found.iter().all(|t| (t.table, t.key) == (first.table, first.key)).then_some(first)
    }

    /// The only table whose primary key has this name of several words.
    fn by_same_name(&self, name: &[String]) -> Option<&Target> {
        if name.len() < 2 || self.tables[self.from].is_unique(&[self.column.number]) {
            return None;
        }
        let [only] = self.targets.by_key.get(&name.join("_"))?[..] else { return None };
        let target = self.targets.all.get(only)?;
        (target.group == self.group && target.table != self.from).then_some(target)
    }
}

fn same_words(some: &[String], others: &[String]) -> bool {
    some.len() == others.len() && some.iter().zip(others).all(|(a, b)| same(a, b))
}
