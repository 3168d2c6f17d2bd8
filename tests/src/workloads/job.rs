//! Joins of films, people and companies, in the classes of the Join Order Benchmark.
//!
//! The benchmark's statements are not copied: each of the 33 classes is a list of relations, which
//! decides the joins, and of conditions in two to six variants.

use std::fmt::Write as _;

use anyhow::Result;
use postgres::Client;

use super::job_classes::{Class, FIRST};
use super::job_classes_more::MORE;
use super::{Statement, run_script};

const TABLES: &str = include_str!("../../workloads/job/tables.sql");
const DATA: &str = include_str!("../../workloads/job/data.sql");

/// A relation by its alias: its table, how it joins the relations before it, and the column that is
/// asked for.
struct Relation {
    alias: &'static str,
    table: &'static str,
    join: Option<&'static str>,
    shown: Option<&'static str>,
}

const fn relation(
    alias: &'static str,
    table: &'static str,
    join: &'static str,
    shown: Option<&'static str>,
) -> Relation {
    Relation { alias, table, join: Some(join), shown }
}

/// `t` is the film that all else is about, `t2` one that it is linked to.
const RELATIONS: [Relation; 27] = [
    Relation { alias: "t", table: "title", join: None, shown: Some("title") },
    relation("kt", "kind_type", "kt.id = t.kind_id", None),
    relation("mc", "movie_companies", "mc.movie_id = t.id", None),
    relation("cn", "company_name", "cn.id = mc.company_id", Some("name")),
    relation("ct", "company_type", "ct.id = mc.company_type_id", None),
    relation("mk", "movie_keyword", "mk.movie_id = t.id", None),
    relation("k", "keyword", "k.id = mk.keyword_id", None),
    relation("mi", "movie_info", "mi.movie_id = t.id", Some("info")),
    relation("it1", "info_type", "it1.id = mi.info_type_id", None),
    relation("mx", "movie_info_idx", "mx.movie_id = t.id", Some("info")),
    relation("it2", "info_type", "it2.id = mx.info_type_id", None),
    relation("ci", "cast_info", "ci.movie_id = t.id", None),
    relation("n", "name", "n.id = ci.person_id", Some("name")),
    relation("chn", "char_name", "chn.id = ci.person_role_id", Some("name")),
    relation("rt", "role_type", "rt.id = ci.role_id", None),
    relation("an", "aka_name", "an.person_id = n.id", Some("name")),
    relation("pi", "person_info", "pi.person_id = n.id", None),
    relation("it3", "info_type", "it3.id = pi.info_type_id", None),
    relation("at", "aka_title", "at.movie_id = t.id", Some("title")),
    relation("cc", "complete_cast", "cc.movie_id = t.id", None),
    relation("cct1", "comp_cast_type", "cct1.id = cc.subject_id", None),
    relation("cct2", "comp_cast_type", "cct2.id = cc.status_id", None),
    relation("ml", "movie_link", "ml.movie_id = t.id", None),
    relation("lt", "link_type", "lt.id = ml.link_type_id", Some("link")),
    relation("t2", "title", "t2.id = ml.linked_movie_id", Some("title")),
    relation("mx2", "movie_info_idx", "mx2.movie_id = t2.id", Some("info")),
    relation("kt2", "kind_type", "kt2.id = t2.kind_id", None),
];

/// All statements, named by class and variant as in `13c`.
pub(super) fn statements() -> Vec<Statement> {
    let mut all = Vec::new();
    for (class, number) in FIRST.iter().chain(&MORE).zip(1..) {
        for (variant, letter) in class.variants.iter().zip('a'..) {
            all.push(Statement::new(format!("{number}{letter}"), sql(class, variant)));
        }
    }
    all
}

fn sql(class: &Class, variant: &[&str]) -> String {
    let named: Vec<&str> = class.relations.split(' ').collect();
    let used = || RELATIONS.iter().filter(|one| named.contains(&one.alias));
    let shown = used().filter_map(|one| Some(format!("min({}.{})", one.alias, one.shown?)));
    let tables = used().map(|one| format!("{} as {}", one.table, one.alias));
    let conditions = used()
        .filter_map(|one| one.join)
        .chain(class.conditions.iter().copied())
        .chain(variant.iter().copied());
    let mut text = String::new();
    let list = |items: Vec<String>| items.join(", ");
    // Writing to a string cannot fail.
    let _ = write!(
        text,
        "select {} from {} where {}",
        list(shown.collect()),
        list(tables.collect()),
        conditions.collect::<Vec<_>>().join(" and ")
    );
    text
}

/// Creates and fills the tables.
pub(super) fn load(
    client: &mut Client,
    scale: f64,
    progress: &(dyn Fn(&str) + Sync),
) -> Result<()> {
    client.batch_execute(TABLES)?;
    run_script(client, DATA, scale, progress)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_join_three_to_seventeen_known_relations() {
        let mut counts = Vec::new();
        for class in FIRST.iter().chain(&MORE) {
            let known = |alias: &str| RELATIONS.iter().any(|one| one.alias == alias);
            assert!(class.relations.split(' ').all(known), "{}", class.relations);
            counts.push(class.relations.split(' ').count());
        }
        assert_eq!((counts.iter().min(), counts.iter().max()), (Some(&3), Some(&17)));
    }
}
