//! The search over names and comments: reads the catalog once, and keeps the best.

use std::cmp::Ordering;
use std::collections::HashMap;

use advisor_core::lookup::{Marks, NOTHING, Place, Question, Score};
use advisor_sql::map;
use pgrx::Spi;
use pgrx::spi::SpiError;

use crate::error::AdvisorError;
use crate::{query, sys};

/// How many finds are kept beyond those that are asked for, before the worst are dropped.
const SPARE: usize = 1_000;
/// Rows between two checks for a cancel.
const ROWS_BETWEEN: usize = 1_000;

/// What a find of each kind is worth: indexes and constraints repeat the names of columns.
const SHARES: [(&str, f64); 4] =
    [("function", 0.95), ("sequence", 0.8), ("constraint", 0.5), ("index", 0.5)];

/// A find.
#[derive(Debug, Clone, Default)]
pub(crate) struct FoundRow {
    value: f64,
    pub(crate) kind: String,
    pub(crate) schema: String,
    pub(crate) object: String,
    pub(crate) column: Option<String>,
    pub(crate) details: Option<String>,
    pub(crate) matched: String,
    pub(crate) rows: Option<f64>,
    pub(crate) description: Option<String>,
    /// The type and modifier of a column, until it has a name.
    column_type: Option<(i64, i32)>,
}

impl FoundRow {
    fn order(&self, other: &Self) -> Ordering {
        let name = |row: &Self| {
            (row.schema.clone(), row.object.clone(), row.column.clone(), row.kind.clone())
        };
        other.value.total_cmp(&self.value).then_with(|| name(self).cmp(&name(other)))
    }
}

/// The best `most` finds for `question`, best first.
///
/// # Errors
/// What SPI says.
pub(crate) fn search(question: &Question, most: usize) -> Result<Vec<FoundRow>, AdvisorError> {
    let _scope = query::own_scope();
    let mut search = Search {
        question,
        most,
        known: HashMap::new(),
        relations: HashMap::new(),
        found: Vec::new(),
        seen: 0,
    };
    search.relations()?;
    search.columns()?;
    search.others()?;
    search.keep_best();
    let mut found = search.found;
    name_types(&mut found)?;
    Ok(found)
}

/// A relation that columns, constraints and indexes belong to.
struct Relation {
    schema: String,
    name: String,
    rows: Option<f64>,
    name_marks: Marks,
    schema_marks: Marks,
    comment_marks: Marks,
}

struct Search<'a> {
    question: &'a Question,
    most: usize,
    /// The marks of names: the same ones come again and again.
    known: HashMap<String, Marks>,
    relations: HashMap<i64, Relation>,
    found: Vec<FoundRow>,
    seen: usize,
}

impl Search<'_> {
    fn name_marks(&mut self, name: &str) -> Marks {
        if let Some(marks) = self.known.get(name) {
            return *marks;
        }
        let marks = self.question.marks(name);
        self.known.insert(name.to_owned(), marks);
        marks
    }

    fn comment_marks(&self, comment: Option<&str>) -> Marks {
        comment.map_or(NOTHING, |comment| self.question.marks(comment))
    }

    fn look_at(&mut self, places: &[(Place, Marks)], name: &str, row: FoundRow) {
        self.seen += 1;
        if self.seen.is_multiple_of(ROWS_BETWEEN) {
            sys::check_interrupts();
        }
        let share =
            SHARES.iter().find(|(kind, _)| *kind == row.kind).map_or(1.0, |(_, share)| *share);
        let score = self.question.score(places, share, name, row.rows);
        let Some(Score { value, matched }) = score else { return };
        self.found.push(FoundRow { value, matched, ..row });
        if self.found.len() > 2 * self.most + SPARE {
            self.keep_best();
        }
    }

    fn keep_best(&mut self) {
        self.found.sort_by(FoundRow::order);
        self.found.truncate(self.most);
    }

    fn relations(&mut self) -> Result<(), SpiError> {
        Spi::connect(|client| {
            for row in client.select(map::SEARCH_RELATIONS, None, &[])? {
                let oid: i64 = row.get(1)?.unwrap_or_default();
                let found = FoundRow {
                    kind: row.get(2)?.unwrap_or_default(),
                    schema: row.get(3)?.unwrap_or_default(),
                    object: row.get(4)?.unwrap_or_default(),
                    rows: row.get(5)?,
                    description: row.get(6)?,
                    ..FoundRow::default()
                };
                let relation = Relation {
                    name_marks: self.name_marks(&found.object),
                    schema_marks: self.name_marks(&found.schema),
                    comment_marks: self.comment_marks(found.description.as_deref()),
                    schema: found.schema.clone(),
                    name: found.object.clone(),
                    rows: found.rows,
                };
                let places = [
                    (Place::Name, relation.name_marks),
                    (Place::Comment, relation.comment_marks),
                    (Place::Schema, relation.schema_marks),
                ];
                let name = relation.name.clone();
                self.relations.insert(oid, relation);
                self.look_at(&places, &name, found);
            }
            Ok(())
        })
    }

    /// What a relation adds to what belongs to it.
    fn of_table(&self, oid: i64) -> Option<(&Relation, [(Place, Marks); 3])> {
        let relation = self.relations.get(&oid)?;
        let places = [
            (Place::Table, relation.name_marks),
            (Place::TableComment, relation.comment_marks),
            (Place::Schema, relation.schema_marks),
        ];
        Some((relation, places))
    }

    fn columns(&mut self) -> Result<(), SpiError> {
        Spi::connect(|client| {
            for row in client.select(map::SEARCH_COLUMNS, None, &[])? {
                let name: String = row.get(2)?.unwrap_or_default();
                let description: Option<String> = row.get(5)?;
                let own = self.name_marks(&name);
                let comment = self.comment_marks(description.as_deref());
                if own == NOTHING && comment == NOTHING {
                    continue;
                }
                let oid: i64 = row.get(1)?.unwrap_or_default();
                let Some((relation, [table, table_comment, schema])) = self.of_table(oid) else {
                    continue;
                };
                let found = FoundRow {
                    kind: "column".to_owned(),
                    schema: relation.schema.clone(),
                    object: relation.name.clone(),
                    column: Some(name.clone()),
                    rows: relation.rows,
                    description,
                    column_type: Some((
                        row.get(3)?.unwrap_or_default(),
                        row.get(4)?.unwrap_or_default(),
                    )),
                    ..FoundRow::default()
                };
                let places =
                    [(Place::Name, own), (Place::Comment, comment), table, table_comment, schema];
                self.look_at(&places, &name, found);
            }
            Ok(())
        })
    }

    fn others(&mut self) -> Result<(), SpiError> {
        Spi::connect(|client| {
            for row in client.select(map::SEARCH_OTHERS, None, &[])? {
                let table: Option<i64> = row.get(2)?;
                let labels: Option<String> = row.get(7)?;
                let mut found = FoundRow {
                    kind: row.get(3)?.unwrap_or_default(),
                    schema: row.get(4)?.unwrap_or_default(),
                    object: row.get(5)?.unwrap_or_default(),
                    details: row.get(6)?,
                    description: row.get(8)?,
                    ..FoundRow::default()
                };
                let name = found.object.clone();
                let mut places = vec![
                    (Place::Name, self.name_marks(&name)),
                    (Place::Values, self.comment_marks(labels.as_deref())),
                    (Place::Comment, self.comment_marks(found.description.as_deref())),
                ];
                if found.kind != "schema" {
                    let schema = found.schema.clone();
                    places.push((Place::Schema, self.name_marks(&schema)));
                }
                if let Some((relation, of_table)) = table.and_then(|oid| self.of_table(oid)) {
                    places.extend(of_table);
                    found.rows = relation.rows;
                    found.details =
                        found.details.map(|details| format!("{details} on {}", relation.name));
                }
                self.look_at(&places, &name, found);
            }
            Ok(())
        })
    }
}

/// Writes the types of columns as details.
fn name_types(found: &mut [FoundRow]) -> Result<(), SpiError> {
    let (types, modifiers): (Vec<i64>, Vec<i32>) =
        found.iter().filter_map(|row| row.column_type).unzip();
    if types.is_empty() {
        return Ok(());
    }
    let names = query::texts(map::TYPE_NAMES, &[types.into(), modifiers.into()])?;
    let columns = found.iter_mut().filter(|row| row.column_type.is_some());
    for (row, name) in columns.zip(names) {
        row.details = Some(name);
    }
    Ok(())
}
