//! Values for the parameters of a statement, from the statistics of the columns that they meet.

use std::collections::BTreeMap;

use advisor_core::draws::{ColumnProfile, Draw, LikeForm, ParamRole, Rank, ValueChoice, draw};
use advisor_core::shape::{Meets, ParamUse};
use pgrx::pg_sys;

use super::{Entry, Prepared};
use crate::catalog::ServerCatalog;
use crate::sys::{self, Arena, Binding, Pick, Source, StatsValues};

/// Characters of a sampled value that a LIKE pattern takes over.
const PATTERN_LENGTH: usize = 5;

/// Binds `draws` sets of values; one when there is nothing to draw, and one without values for no
/// draws. Equal sets are kept once. Only the statistics of columns that are `allowed` are used.
pub(super) fn bind_draws<'a>(
    arena: &'a Arena,
    types: &[u32],
    params: &[ParamUse],
    draws: usize,
    entry: &Entry,
    catalog: &ServerCatalog,
    allowed: impl Fn(u32, i16) -> bool,
) -> Vec<Binding<'a>> {
    let all = each_draw(arena, types, (params, catalog), draws, entry, allowed);
    counted(all).into_iter().map(|(binding, _)| binding).collect()
}

/// Each set of values once, with how often it was drawn.
fn counted<'a>(bindings: impl IntoIterator<Item = Binding<'a>>) -> Vec<(Binding<'a>, usize)> {
    let mut counted: Vec<(Binding<'a>, usize)> = Vec::new();
    for binding in bindings {
        match counted.iter_mut().find(|(other, _)| other.same_as(&binding)) {
            Some((_, times)) => *times += 1,
            None => counted.push((binding, 1)),
        }
    }
    counted
}

/// One set of values for each draw.
fn each_draw<'a>(
    arena: &'a Arena,
    types: &[u32],
    (params, catalog): (&[ParamUse], &ServerCatalog),
    draws: usize,
    entry: &Entry,
    allowed: impl Fn(u32, i16) -> bool,
) -> Vec<Binding<'a>> {
    if types.is_empty() || draws == 0 {
        return vec![sys::bind(arena, types, &[])];
    }
    let columns = load_columns(arena, params, catalog, allowed);
    let roles = roles(params);
    let mut bindings: Vec<Binding<'a>> = Vec::new();
    for index in 0..draws {
        let sources: Vec<Source<'_, 'a>> = (1..)
            .zip(types)
            .map(|(number, &type_oid)| {
                let at = params.iter().position(|param| param.number == number);
                let Some((param, &role)) = at.and_then(|at| params.get(at).zip(roles.get(at)))
                else {
                    return Source::Unknown;
                };
                let known = param.column.and_then(|column| columns.get(&column));
                let draw =
                    Draw { index, total: draws, param: number, rows_per_call: entry.rows_per_call };
                source(role, known, draw, type_oid)
            })
            .collect();
        bindings.push(sys::bind(arena, types, &sources));
    }
    bindings
}

/// So many sets of values for a statement that is ready, spread over common and rare ones; each
/// once, with how often it was drawn. To be called as the statement's role: reading a value may run
/// the input function of its type.
pub(crate) fn more_draws<'a>(
    arena: &'a Arena,
    prepared: &Prepared<'_>,
    catalog: &ServerCatalog,
    draws: usize,
) -> Vec<(Binding<'a>, usize)> {
    let types = &prepared.statement.param_types;
    let known = (prepared.params.as_slice(), catalog);
    counted(each_draw(arena, types, known, draws, &prepared.entry, |_, _| true))
}

/// A column's kept values and their distribution.
struct Known<'a> {
    values: StatsValues<'a>,
    profile: ColumnProfile,
}

fn load_columns<'a>(
    arena: &'a Arena,
    params: &[ParamUse],
    catalog: &ServerCatalog,
    allowed: impl Fn(u32, i16) -> bool,
) -> BTreeMap<(u32, i16), Known<'a>> {
    let mut columns = BTreeMap::new();
    for (relation, column) in params.iter().filter_map(|param| param.column) {
        if columns.contains_key(&(relation, column)) || !allowed(relation, column) {
            continue;
        }
        let Some((values, distinct)) = catalog.values(arena, relation, column) else { continue };
        let profile = ColumnProfile {
            mcv_freqs: values.frequencies.clone(),
            histogram_bounds: values.histogram_len(),
            // Only the order of magnitude matters here; a share stands for "many".
            n_distinct: if distinct > 0.0 { distinct } else { 1e6 },
            null_frac: values.null_frac,
            rows: 1e6,
        };
        columns.insert((relation, column), Known { values, profile });
    }
    columns
}

/// The roles of the parameters: bounds of one column are paired, list members numbered.
fn roles(params: &[ParamUse]) -> Vec<ParamRole> {
    let other_bound = |param: &ParamUse, wanted: Meets| {
        params
            .iter()
            .find(|other| {
                param.column.is_some()
                    && other.column == param.column
                    && other.meets == Some(wanted)
            })
            .map(|other| other.number)
    };
    let members = |param: &ParamUse| -> Vec<u32> {
        params
            .iter()
            .filter(|other| other.column == param.column && other.meets == Some(Meets::In))
            .map(|other| other.number)
            .collect()
    };
    params
        .iter()
        .map(|param| match param.meets {
            Some(Meets::Equal) => ParamRole::Equal,
            Some(Meets::NotEqual) => ParamRole::NotEqual,
            Some(Meets::In) => {
                let members = members(param);
                let position = members.iter().position(|&number| number == param.number);
                ParamRole::In { position: position.unwrap_or(0), of: members.len().max(1) }
            }
            Some(Meets::Lower) => other_bound(param, Meets::Upper)
                .map_or(ParamRole::LowerBound, |partner| ParamRole::BetweenLow { partner }),
            Some(Meets::Upper) => other_bound(param, Meets::Lower)
                .map_or(ParamRole::UpperBound, |partner| ParamRole::BetweenHigh { partner }),
            Some(Meets::Pattern) => ParamRole::LikePattern,
            Some(Meets::Limit) => ParamRole::Limit,
            Some(Meets::Offset) => ParamRole::Offset,
            Some(Meets::Interval) => ParamRole::IntervalLike,
            None => ParamRole::Untied,
        })
        .collect()
}

fn source<'s, 'a>(
    role: ParamRole,
    known: Option<&'s Known<'a>>,
    at: Draw,
    type_oid: u32,
) -> Source<'s, 'a> {
    let pick = |rank: Rank| match rank {
        Rank::Mcv(at) => Pick::Common(at),
        Rank::HistogramAt(quantile) => Pick::Quantile(quantile),
    };
    match draw(role, known.map(|known| &known.profile), at) {
        ValueChoice::Column(rank) => {
            known.map_or(Source::Unknown, |known| Source::Stats(&known.values, pick(rank)))
        }
        ValueChoice::LikeOf(rank, form) => known
            .and_then(|known| known.values.text(pick(rank)))
            .map_or(Source::Unknown, |text| Source::Text(pattern(&text, form))),
        ValueChoice::Integer(number) => Source::Text(number.to_string()),
        ValueChoice::IntervalDays(days) if type_oid == pg_sys::INTERVALOID.to_u32() => {
            Source::Text(format!("{days} days"))
        }
        _ => Source::Unknown,
    }
}

/// A LIKE pattern from a value; its own wildcards are escaped.
fn pattern(text: &str, form: LikeForm) -> String {
    let characters: Vec<char> = text.trim_end().chars().collect();
    let escaped = |part: &[char]| -> String {
        part.iter()
            .flat_map(|&c| {
                let escape = matches!(c, '%' | '_' | '\\').then_some('\\');
                escape.into_iter().chain([c])
            })
            .collect()
    };
    let length = characters.len();
    match form {
        LikeForm::Prefix(wanted) => {
            let end = wanted.min(length);
            format!("{}%", escaped(characters.get(..end).unwrap_or_default()))
        }
        LikeForm::Contains => {
            let start = length.saturating_sub(PATTERN_LENGTH) / 2;
            let end = (start + PATTERN_LENGTH).min(length);
            format!("%{}%", escaped(characters.get(start..end).unwrap_or_default()))
        }
        LikeForm::Suffix => {
            let start = length.saturating_sub(PATTERN_LENGTH);
            format!("%{}", escaped(characters.get(start..).unwrap_or_default()))
        }
    }
}
