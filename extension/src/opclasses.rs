//! Which access methods and operator classes can find the rows of a comparison.
//!
//! By the catalog, not by names, so what an extension brings counts as much as the server's own.
//! Whether an index of such a class pays is for the planner to say; here is only what it would be
//! a waste to ask it.

use std::collections::{BTreeMap, BTreeSet};

use advisor_core::model::{Column, Method};
use pgrx::Spi;

use crate::error::AdvisorError;
use crate::sys::{self, ValueType};

const OPCLASSES: &str = include_str!("../../sql/catalog/opclasses.sql");
const C_COLLATIONS: &str = include_str!("../../sql/catalog/c_collations.sql");

/// Strategy number of `=` in a b-tree family.
const EQUAL: u8 = 3;
/// Widest average value in bytes of which a b-tree is still as small as a hash index, whose entries
/// are 20 bytes at a fill factor of 75 %.
const NARROW: f64 = 40.0;
/// Correlation between value and place from which on block ranges tell values apart.
const IN_ORDER: f64 = 0.9;
/// Fewest pages of a table for which BRIN is tried: fifty block ranges.
const MANY_PAGES: f64 = 6400.0;
/// Operators below this oid are the server's own (`FirstNormalObjectId`).
const FIRST_USER_OID: u32 = 16_384;

/// An operator class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Class {
    pub(crate) method: Method,
    /// `pg_opclass.oid`.
    oid: u32,
    family: u32,
    /// The type that it takes.
    input: u32,
    /// Its name as CREATE INDEX takes it.
    name: String,
    /// Whether the operator in question orders rows by distance.
    orders: bool,
}

/// What is compared.
pub(crate) struct Compared<'a> {
    /// The values.
    pub(crate) of: ValueType,
    /// Strategy of the operator in the type's default b-tree class.
    pub(crate) strategy: Option<u8>,
    /// What is known of the values.
    pub(crate) column: &'a Column,
    /// Pages of the table.
    pub(crate) pages: f64,
}

/// The operator classes of the database, by operator.
#[derive(Debug, Default)]
pub(crate) struct OperatorClasses {
    by_operator: BTreeMap<u32, Vec<Class>>,
    /// Classes of the b-tree in which a prefix is a range whatever the collation.
    patterns: Vec<Class>,
    c_collations: BTreeSet<u32>,
}

impl OperatorClasses {
    /// Reads the classes of the access methods `allowed`.
    ///
    /// # Errors
    /// What SPI says.
    pub(crate) fn read(allowed: &BTreeSet<Method>) -> Result<Self, AdvisorError> {
        let mut found = Self::default();
        Spi::connect(|client| -> Result<(), AdvisorError> {
            for row in client.select(OPCLASSES, None, &[])? {
                let number = |at: usize| -> Result<u32, AdvisorError> {
                    let value: Option<i64> = row.get(at)?;
                    Ok(value.and_then(|oid| u32::try_from(oid).ok()).unwrap_or(0))
                };
                let method: Option<String> = row.get(3)?;
                let Some(method) = method.as_deref().and_then(Method::from_name) else { continue };
                if !allowed.contains(&method) {
                    continue;
                }
                let class = Class {
                    method,
                    oid: number(4)?,
                    family: number(5)?,
                    input: number(6)?,
                    name: row.get(7)?.unwrap_or_default(),
                    orders: row.get(2)?.unwrap_or(false),
                };
                if sys::is_pattern_family(class.family)
                    && !found.patterns.iter().any(|known| known.oid == class.oid)
                {
                    found.patterns.push(class.clone());
                }
                found.by_operator.entry(number(1)?).or_default().push(class);
            }
            for row in client.select(C_COLLATIONS, None, &[])? {
                let oid: Option<i64> = row.get(1)?;
                found.c_collations.extend(oid.and_then(|oid| u32::try_from(oid).ok()));
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// The classes of which an index finds the rows where `compared operator value`, the column
    /// being on the operator's left.
    pub(crate) fn searches(&self, operator: u32, compared: &Compared<'_>) -> Vec<&Class> {
        let all = self.taking(operator, false, compared.of);
        let mut found = Vec::new();
        for method in [Method::Gin, Method::Gist, Method::Spgist, Method::Hash, Method::Brin] {
            let of: Vec<&Class> = all.iter().copied().filter(|c| c.method == method).collect();
            if !worthwhile(method, compared, &found) {
                continue;
            }
            // A scalar is no reason for such an index, but may be a further column of one.
            match (method, compared.strategy) {
                (Method::Gin | Method::Gist, Some(_)) => {
                    found.extend(of.into_iter().find(|class| class.is_default(compared.of)));
                }
                _ => found.extend(chosen(of, compared.of, method != Method::Gin)),
            }
        }
        if compared.strategy.is_none() {
            found.extend(all.iter().copied().filter(|class| class.method == Method::Btree));
        }
        if sys::is_pattern_match(operator) && !self.c_collations.contains(&compared.of.collation) {
            found.extend(self.patterns(operator, compared.of));
        }
        found
    }

    /// The classes of which an index returns rows in the order of `compared operator value`.
    pub(crate) fn distances(&self, operator: u32, of: ValueType) -> Vec<&Class> {
        let all = self.taking(operator, true, of);
        let mut found = Vec::new();
        for method in [Method::Gist, Method::Spgist] {
            let of_method = all.iter().copied().filter(|c| c.method == method).collect();
            found.extend(chosen(of_method, of, true));
        }
        found
    }

    /// The extension whose classes would serve an operator that none of the installed ones does.
    pub(crate) fn missing(&self, operator: u32) -> Option<&'static str> {
        let known = self.by_operator.get(&operator);
        let inverted = |class: &Class| matches!(class.method, Method::Gin | Method::Gist);
        (operator < FIRST_USER_OID
            && sys::is_pattern_match(operator)
            && !known.is_some_and(|classes| classes.iter().any(inverted)))
        .then_some("pg_trgm")
    }

    /// The classes that have the operator and take the type.
    fn taking(&self, operator: u32, orders: bool, of: ValueType) -> Vec<&Class> {
        let known = self.by_operator.get(&operator).map_or(&[][..], Vec::as_slice);
        known
            .iter()
            .filter(|class| class.orders == orders && sys::takes_type(class.input, of.type_oid))
            .collect()
    }

    /// The pattern classes of a type for a pattern operator, each family once.
    fn patterns(&self, operator: u32, of: ValueType) -> Vec<&Class> {
        let left = sys::left_type(operator);
        let taking = self
            .patterns
            .iter()
            .filter(|class| class.input == left && sys::takes_type(class.input, of.type_oid));
        let mut found: Vec<&Class> = Vec::new();
        let own_name = sys::type_name(of.type_oid);
        for class in taking {
            match found.iter_mut().find(|known| known.family == class.family) {
                None => found.push(class),
                // The same class has a name for each of text and varchar.
                Some(known) if class.name.starts_with(&own_name) => *known = class,
                Some(_) => {}
            }
        }
        found
    }
}

/// Whether an index of the method is worth asking the planner about.
fn worthwhile(method: Method, compared: &Compared<'_>, found: &[&Class]) -> bool {
    let scalar = compared.strategy.is_some();
    let inverted = found.iter().any(|class| class.method == Method::Gin);
    match method {
        Method::Gin => true,
        Method::Gist => scalar || !inverted,
        Method::Spgist => !scalar && !inverted,
        Method::Hash => {
            let equality = compared.strategy.is_none_or(|strategy| strategy == EQUAL);
            equality && (!compared.column.btree || compared.column.avg_width > NARROW)
        }
        Method::Brin => {
            compared.column.correlation.abs() > IN_ORDER && compared.pages >= MANY_PAGES
        }
        Method::Btree => false,
    }
}

/// Of the classes of one method: the type's default one when it is among them, else one of each
/// family; all families when not only the `usual` one is wanted.
fn chosen(classes: Vec<&Class>, of: ValueType, usual_only: bool) -> Vec<&Class> {
    let usual = classes.iter().copied().find(|class| class.is_default(of));
    if let (Some(usual), true) = (usual, usual_only) {
        return vec![usual];
    }
    let mut found: Vec<&Class> = usual.into_iter().collect();
    for class in classes {
        if !found.iter().any(|known| known.family == class.family) {
            found.push(class);
        }
    }
    found
}

impl Class {
    /// Whether CREATE INDEX takes this class when none is named.
    fn is_default(&self, of: ValueType) -> bool {
        sys::default_class(of.type_oid, self.method) == Some(self.oid)
    }

    /// Its name where it must be said.
    pub(crate) fn named(&self, of: ValueType) -> Option<String> {
        (!self.is_default(of)).then(|| self.name.clone())
    }
}
