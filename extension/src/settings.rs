//! The settings (GUCs) under `mcp_advisor.`

use std::collections::BTreeSet;
use std::ffi::{CStr, CString};
use std::time::Duration;

use advisor_core::candidates::Kinds;
use advisor_core::model::Method;
use advisor_sql::guard::Allowed;
use advisor_sql::health::{self, Ignored, Limit, Threshold};
use pgrx::{GucContext, GucFlags, GucRegistry, GucSetting, PostgresGucEnum};

use crate::error::AdvisorError;

/// How index sizes are estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PostgresGucEnum)]
pub(crate) enum SizeModel {
    /// The advisor's formula: deduplication, alignment and tree height as nbtree builds them.
    #[name = c"measured"]
    Measured,
    /// What hypopg says, for comparison with tools that rely on it.
    #[name = c"hypopg"]
    Hypopg,
}

/// What the search minimises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PostgresGucEnum)]
pub(crate) enum Objective {
    /// The weighted sum of the statements' costs.
    #[name = c"total"]
    Total,
    /// The weighted geometric mean of the statements' cost ratios: every statement counts alike,
    /// however dear it is.
    #[name = c"geometric_mean"]
    GeometricMean,
}

static SIZE_MODEL: GucSetting<SizeModel> = GucSetting::<SizeModel>::new(SizeModel::Measured);
static OBJECTIVE: GucSetting<Objective> = GucSetting::<Objective>::new(Objective::Total);
static DRAWS: GucSetting<i32> = GucSetting::<i32>::new(3);
static MIN_CALLS: GucSetting<i32> = GucSetting::<i32>::new(1);
static MIN_MEAN_TIME: GucSetting<f64> = GucSetting::<f64>::new(0.0);
static INCLUDE_COLUMNS: GucSetting<i32> = GucSetting::<i32>::new(4);
static INDEX_METHODS: GucSetting<Option<CString>> =
    GucSetting::<Option<CString>>::new(Some(c"btree, hash, gist, spgist, gin, brin"));
static INDEX_KINDS: GucSetting<Option<CString>> =
    GucSetting::<Option<CString>>::new(Some(c"partial, expression, opclass"));
static SECOND_OPINION: GucSetting<bool> = GucSetting::<bool>::new(true);
static REMEMBER: GucSetting<bool> = GucSetting::<bool>::new(false);
static WRITE_WEIGHT: GucSetting<f64> = GucSetting::<f64>::new(1.0);
static WRITE_WINDOW: GucSetting<i32> = GucSetting::<i32>::new(24 * 60 * 60);
static SHADOW: GucSetting<bool> = GucSetting::<bool>::new(false);
static PROGRESS: GucSetting<bool> = GucSetting::<bool>::new(false);
/// 1 GB, in kB.
static MEMORY_LIMIT: GucSetting<i32> = GucSetting::<i32>::new(1 << 20);
static MAX_LOSS: GucSetting<f64> = GucSetting::<f64>::new(0.01);
static GUARD: GucSetting<bool> = GucSetting::<bool>::new(false);
static GUARD_FUNCTIONS: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);
static GUARD_STATEMENT_TEXTS: GucSetting<bool> = GucSetting::<bool>::new(true);
static HEALTH_IGNORE: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);
static HEALTH_TIME_LIMIT: GucSetting<i32> = GucSetting::<i32>::new(health::TIME_LIMIT);
static MAX_REGRESSION: GucSetting<f64> = GucSetting::<f64>::new(0.10);

fn int(
    name: &'static CStr,
    short: &'static CStr,
    long: &'static CStr,
    setting: &'static GucSetting<i32>,
    min: i32,
    max: i32,
) {
    GucRegistry::define_int_guc(
        name,
        short,
        long,
        setting,
        min,
        max,
        GucContext::Userset,
        GucFlags::default(),
    );
}

fn float(
    name: &'static CStr,
    short: &'static CStr,
    long: &'static CStr,
    setting: &'static GucSetting<f64>,
    max: f64,
) {
    GucRegistry::define_float_guc(
        name,
        short,
        long,
        setting,
        0.0,
        max,
        GucContext::Userset,
        GucFlags::default(),
    );
}

fn flag(
    name: &'static CStr,
    short: &'static CStr,
    long: &'static CStr,
    setting: &'static GucSetting<bool>,
) {
    GucRegistry::define_bool_guc(
        name,
        short,
        long,
        setting,
        GucContext::Userset,
        GucFlags::default(),
    );
}

/// Registers a limit of a health check. Its value is read by the check's SQL.
///
/// The setting lives as long as the process, which loads the library once.
fn threshold(threshold: &Threshold) {
    let (about, long) = (threshold.about, c"A limit of a check of mcp_health.");
    let whole = |default, unit| {
        GucRegistry::define_int_guc(
            threshold.setting,
            about,
            long,
            Box::leak(Box::new(GucSetting::<i32>::new(default))),
            0,
            i32::MAX,
            GucContext::Userset,
            unit,
        );
    };
    match threshold.limit {
        Limit::Count(default) => whole(default, GucFlags::default()),
        Limit::Seconds(default) => whole(default, GucFlags::UNIT_S),
        Limit::Kilobytes(default) => whole(default, GucFlags::UNIT_KB),
        Limit::Number(default) => float(
            threshold.setting,
            about,
            long,
            Box::leak(Box::new(GucSetting::<f64>::new(default))),
            f64::MAX,
        ),
    }
}

/// Registers the settings. Called from `_PG_init`.
pub(crate) fn register() {
    health::thresholds().for_each(threshold);
    GucRegistry::define_bool_guc(
        c"mcp_advisor.guard",
        c"Holds the session to reading until it ends, as mcp_guard() does.",
        c"For ALTER ROLE … SET, together with session_preload_libraries. The ceilings are what is in force when the session begins; where nothing is, 60 s a statement, 1 s a lock, 1 GB of temporary files. Switching it off opens nothing.",
        &GUARD,
        GucContext::Suset,
        GucFlags::default(),
    );
    // Not the user's to set: it would be the user's to take the guard off.
    GucRegistry::define_string_guc(
        c"mcp_advisor.guard_functions",
        c"Functions that the guard lets pass though they are not known to read only.",
        c"A comma-separated list of schema.name, with * at the end for any name that begins so.",
        &GUARD_FUNCTIONS,
        GucContext::Suset,
        GucFlags::default(),
    );
    // On by default: who watches a server needs the texts, and mcp_top_queries shows them.
    GucRegistry::define_bool_guc(
        c"mcp_advisor.guard_statement_texts",
        c"Whether the guard lets the texts of other users' statements be read.",
        c"They are in the column query of pg_stat_activity and pg_stat_statements, as far as the role may see them.",
        &GUARD_STATEMENT_TEXTS,
        GucContext::Suset,
        GucFlags::default(),
    );
    GucRegistry::define_string_guc(
        c"mcp_advisor.health_ignore",
        c"Findings of mcp_health to leave out.",
        c"A comma-separated list of check:object in which * stands for any characters, such as unused_index:public.audit*. How many were left out is said.",
        &HEALTH_IGNORE,
        GucContext::Userset,
        GucFlags::default(),
    );
    GucRegistry::define_int_guc(
        c"mcp_advisor.health_time_limit",
        c"How long one check of mcp_health may take.",
        c"A check that takes longer is given up and has a row that says so; the others go on.",
        &HEALTH_TIME_LIMIT,
        1,
        i32::MAX,
        GucContext::Userset,
        GucFlags::UNIT_MS,
    );
    GucRegistry::define_enum_guc(
        c"mcp_advisor.size_model",
        c"How the size of an index that does not exist is estimated.",
        c"\"measured\" follows what nbtree really builds; \"hypopg\" asks hypopg, whose sizes are larger and whose plans charge no tree descent.",
        &SIZE_MODEL,
        GucContext::Userset,
        GucFlags::default(),
    );
    GucRegistry::define_enum_guc(
        c"mcp_advisor.objective",
        c"What the search for indexes minimises.",
        c"\"total\" is the weighted sum of the statements' costs, \"geometric_mean\" the weighted mean of their ratios, in which a cheap statement counts as much as a dear one.",
        &OBJECTIVE,
        GucContext::Userset,
        GucFlags::default(),
    );
    int(
        c"mcp_advisor.draws",
        c"Parameter values tried for each statement with parameters.",
        c"Costs are averaged over the draws. Three see a common, a middle and a rare value; more cost planner calls in proportion.",
        &DRAWS,
        1,
        16,
    );
    int(
        c"mcp_advisor.min_calls",
        c"Statements of pg_stat_statements with fewer calls are left out.",
        c"",
        &MIN_CALLS,
        0,
        i32::MAX,
    );
    float(
        c"mcp_advisor.min_mean_time",
        c"Statements of pg_stat_statements with a lower mean execution time (in ms) are left out.",
        c"",
        &MIN_MEAN_TIME,
        f64::MAX,
    );
    int(
        c"mcp_advisor.include_columns",
        c"Most INCLUDE columns that an advised index may have.",
        c"0 advises no covering index beyond its key columns.",
        &INCLUDE_COLUMNS,
        0,
        16,
    );
    GucRegistry::define_string_guc(
        c"mcp_advisor.index_methods",
        c"The access methods of the indexes that are advised.",
        c"A comma-separated list of btree, hash, gist, spgist, gin and brin.",
        &INDEX_METHODS,
        GucContext::Userset,
        GucFlags::default(),
    );
    GucRegistry::define_string_guc(
        c"mcp_advisor.index_kinds",
        c"What the indexes that are advised may have beyond plain columns.",
        c"A comma-separated list of partial (a condition), expression (keys that are expressions) and opclass (operator classes other than a type's default); empty for none.",
        &INDEX_KINDS,
        GucContext::Userset,
        GucFlags::default(),
    );
    float(
        c"mcp_advisor.max_regression",
        c"Share by which the estimated cost of a statement may grow.",
        c"Advice that makes any statement worse by more than this is refused.",
        &MAX_REGRESSION,
        f64::MAX,
    );
    float(
        c"mcp_advisor.write_weight",
        c"How many times the cost of keeping an index up to date counts.",
        c"0 leaves writing out of what is minimised. With a list of statements, each of which is taken to be run once a second, this is the number of seconds between two runs.",
        &WRITE_WEIGHT,
        f64::MAX,
    );
    GucRegistry::define_int_guc(
        c"mcp_advisor.write_window",
        c"Least time that rates of writing are computed over.",
        c"Younger counters may count nothing but a load; what they count is spread over this time.",
        &WRITE_WINDOW,
        0,
        i32::MAX,
        GucContext::Userset,
        GucFlags::UNIT_S,
    );
    float(
        c"mcp_advisor.max_loss",
        c"Share of the workload's cost that may be left unexamined when there are many statements.",
        c"With more than 200 statements, those for which indexes could save least are left out of the search until what they could save together reaches this share, and one statement stands for others that use their tables in the same way. All are planned with the result. 0 examines every statement.",
        &MAX_LOSS,
        1.0,
    );
    GucRegistry::define_int_guc(
        c"mcp_advisor.memory_limit",
        c"How much memory an advising function may take.",
        c"Statements for which no room is left while they are read are left out, and the search ends with what it has found. The server's caches of the catalog are not counted.",
        &MEMORY_LIMIT,
        1024,
        i32::MAX,
        GucContext::Userset,
        GucFlags::UNIT_KB,
    );
    flag(
        c"mcp_advisor.second_opinion",
        c"Advise only indexes that also pay when nested loops are charged for all pages they fetch.",
        c"The planner spreads the pages of an inner index scan over more repetitions than there are, so some of its nested loops are slower in fact than the plan they replace.",
        &SECOND_OPINION,
    );
    flag(
        c"mcp_advisor.remember",
        c"Remember what mcp_advise_indexes and mcp_advise_report advise, in mcp_advice.",
        c"Only in a transaction that may write, by a role that may write to the table; else a NOTICE says so.",
        &REMEMBER,
    );
    flag(
        c"mcp_advisor.shadow",
        c"Plan by the sizes in the catalog, not by those of the files.",
        c"For a scratch database that mcp_import_statistics filled with the statistics of another one; the import switches it on for the database.",
        &SHADOW,
    );
    flag(
        c"mcp_advisor.progress",
        c"Report the progress of advising functions in notices.",
        c"At most every 250 ms a NOTICE \"progress\" whose DETAIL is a JSON object.",
        &PROGRESS,
    );
}

/// The size model in force.
pub(crate) fn size_model() -> SizeModel {
    SIZE_MODEL.get()
}

/// The objective in force.
pub(crate) fn objective() -> Objective {
    OBJECTIVE.get()
}

/// Draws per statement with parameters.
pub(crate) fn draws() -> usize {
    usize::try_from(DRAWS.get()).unwrap_or(1)
}

/// Fewest calls of a statement that counts.
pub(crate) fn min_calls() -> i64 {
    i64::from(MIN_CALLS.get())
}

/// Lowest mean execution time of a statement that counts, in ms.
pub(crate) fn min_mean_time() -> f64 {
    MIN_MEAN_TIME.get()
}

/// Most INCLUDE columns.
pub(crate) fn include_columns() -> usize {
    usize::try_from(INCLUDE_COLUMNS.get()).unwrap_or(0)
}

/// The access methods of advised indexes.
///
/// # Errors
/// [`AdvisorError::NoSuchValue`] for a word that is none.
pub(crate) fn index_methods() -> Result<BTreeSet<Method>, AdvisorError> {
    let known = |word: &str| Method::from_name(word);
    let values = Method::ALL.map(Method::as_str).to_vec();
    words(&INDEX_METHODS)
        .into_iter()
        .map(|given| known(&given).ok_or(no_value("mcp_advisor.index_methods", given, &values)))
        .collect()
}

/// The kinds of advised indexes.
///
/// # Errors
/// [`AdvisorError::NoSuchValue`] for a word that is none.
pub(crate) fn index_kinds() -> Result<Kinds, AdvisorError> {
    let mut kinds = Kinds::of_methods(index_methods()?);
    (kinds.partial, kinds.expression, kinds.opclass) = (false, false, false);
    for word in words(&INDEX_KINDS) {
        match word.as_str() {
            "partial" => kinds.partial = true,
            "expression" => kinds.expression = true,
            "opclass" => kinds.opclass = true,
            _ => {
                let values = ["partial", "expression", "opclass"];
                return Err(no_value("mcp_advisor.index_kinds", word, &values));
            }
        }
    }
    Ok(kinds)
}

/// The words of a list, in lower case.
fn words(setting: &GucSetting<Option<CString>>) -> Vec<String> {
    let text = setting.get().unwrap_or_default().to_string_lossy().to_lowercase();
    let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

fn no_value(argument: &'static str, given: String, values: &[&'static str]) -> AdvisorError {
    AdvisorError::NoSuchValue { argument, given, values: values.to_vec() }
}

/// Whether an index must also pay when nested loops are charged for all pages they fetch.
pub(crate) fn second_opinion() -> bool {
    SECOND_OPINION.get()
}

/// How many times the cost of writing counts.
pub(crate) fn write_weight() -> f64 {
    WRITE_WEIGHT.get()
}

/// Least time in seconds that rates of writing are computed over.
pub(crate) fn write_window() -> f64 {
    f64::from(WRITE_WINDOW.get())
}

/// Share by which a statement's cost may grow.
pub(crate) fn max_regression() -> f64 {
    MAX_REGRESSION.get()
}

/// Whether the session is to be held to reading.
pub(crate) fn guard() -> bool {
    GUARD.get()
}

/// Functions that the guard lets pass.
pub(crate) fn guard_functions() -> Allowed {
    let setting = GUARD_FUNCTIONS.get().unwrap_or_default();
    Allowed::read(&setting.to_string_lossy())
}

/// Whether the texts of other users' statements may be read.
///
/// They are benign to most: what monitoring asks for first is which statements run, and the function
/// `mcp_top_queries` shows them too. Where statements carry what others must not see, off keeps a
/// guarded session from the columns that show them; the role's own privileges hold in any case.
pub(crate) fn guard_statement_texts() -> bool {
    GUARD_STATEMENT_TEXTS.get()
}

/// Findings of the database's health to leave out.
pub(crate) fn health_ignore() -> Ignored {
    let setting = HEALTH_IGNORE.get().unwrap_or_default();
    Ignored::read(&setting.to_string_lossy())
}

/// How long one check of the database's health may take.
pub(crate) fn health_time_limit() -> Duration {
    Duration::from_millis(u64::try_from(HEALTH_TIME_LIMIT.get()).unwrap_or(0))
}

/// Whether advice is remembered.
pub(crate) fn remember() -> bool {
    REMEMBER.get()
}

/// Bytes that a call may hold.
pub(crate) fn memory_limit() -> f64 {
    f64::from(MEMORY_LIMIT.get()) * 1024.0
}

/// Share of a large workload's cost that may be left unexamined.
pub(crate) fn max_loss() -> f64 {
    MAX_LOSS.get()
}

/// Whether sizes are those of the catalog.
pub(crate) fn shadow() -> bool {
    SHADOW.get()
}

/// Whether progress is reported.
pub(crate) fn progress() -> bool {
    PROGRESS.get()
}
