//! Parameter values: read from the statistics, bound for the planner.

use std::ffi::{CStr, CString};
use std::marker::PhantomData;

use pgrx::{PgSqlErrorCode, pg_sys};

use super::analyze::to_c_string;
use super::arena::Arena;
use super::guard::calls_when_made;
use super::subxact::{ServerError, subtransaction};

/// `STATISTIC_KIND_MCV` and `STATISTIC_KIND_HISTOGRAM` of the server's `pg_statistic.h`.
const KIND_MCV: i32 = 1;
const KIND_HISTOGRAM: i32 = 2;
/// A histogram has no frequencies, and the server raises an ERROR when asked for them.
const VALUES: u32 = pg_sys::ATTSTATSSLOT_VALUES;

/// The values that ANALYZE kept of one column, in the arena.
pub(crate) struct StatsValues<'a> {
    type_oid: pg_sys::Oid,
    mcvs: Vec<pg_sys::Datum>,
    histogram: Vec<pg_sys::Datum>,
    /// Frequencies of the most common values.
    pub(crate) frequencies: Vec<f64>,
    /// Share of NULLs.
    pub(crate) null_frac: f64,
    arena: PhantomData<&'a Arena>,
}

/// One of the kept values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Pick {
    /// A most common value by position.
    Common(usize),
    /// The histogram bound nearest to this quantile, 0 to 1.
    Quantile(f64),
}

/// What to bind a parameter to.
pub(crate) enum Source<'s, 'a> {
    /// A value of the statistics.
    Stats(&'s StatsValues<'a>, Pick),
    /// A text for the type's input function.
    Text(String),
    /// Nothing: the planner estimates as for a generic plan.
    Unknown,
}

/// Parameter values of one draw.
pub(crate) struct Binding<'a> {
    params: Vec<pg_sys::ParamExternData>,
    arena: PhantomData<&'a Arena>,
}

impl<'a> StatsValues<'a> {
    /// Reads the statistics of a column; `None` when there are none.
    ///
    /// Reads `pg_statistic` directly, as the planner does: the values never leave the backend.
    pub(crate) fn load(arena: &'a Arena, relation: u32, column: i16) -> Option<Self> {
        arena.with(|| {
            [false, true].into_iter().find_map(|inherited| load(relation, column, inherited))
        })
    }

    /// How many histogram bounds there are.
    pub(crate) fn histogram_len(&self) -> usize {
        self.histogram.len()
    }

    fn datum(&self, pick: Pick) -> Option<pg_sys::Datum> {
        match pick {
            Pick::Common(at) => self.mcvs.get(at).copied(),
            Pick::Quantile(quantile) => {
                let last = self.histogram.len().checked_sub(1)?;
                let at = (quantile.clamp(0.0, 1.0) * last as f64).round() as usize;
                self.histogram.get(at).copied()
            }
        }
    }

    /// A kept value as text.
    pub(crate) fn text(&self, pick: Pick) -> Option<String> {
        let datum = self.datum(pick)?;
        subtransaction(true, || {
            // SAFETY: the datum is of this type; the output function returns a palloc'd C string.
            unsafe {
                let (mut output, mut varlena) = (pg_sys::InvalidOid, false);
                pg_sys::getTypeOutputInfo(self.type_oid, &raw mut output, &raw mut varlena);
                let text = pg_sys::OidOutputFunctionCall(output, datum);
                CStr::from_ptr(text).to_string_lossy().into_owned()
            }
        })
        .ok()
    }
}

fn load<'a>(relation: u32, column: i16, inherited: bool) -> Option<StatsValues<'a>> {
    // SAFETY: the syscache tuple is held until its slots have been copied into the current
    // context (the arena), where `get_attstatsslot` puts by-reference values itself.
    unsafe {
        let tuple = pg_sys::SearchSysCache3(
            pg_sys::SysCacheIdentifier::STATRELATTINH as i32,
            pg_sys::Datum::from(pg_sys::Oid::from(relation)),
            pg_sys::Datum::from(column),
            pg_sys::Datum::from(inherited),
        );
        if tuple.is_null() {
            return None;
        }
        let values = values_of(tuple);
        pg_sys::ReleaseSysCache(tuple);
        values
    }
}

/// The values that a row of `pg_statistic` keeps, copied into the current context.
///
/// # Safety
/// A complete row.
pub(super) unsafe fn values_of<'a>(tuple: pg_sys::HeapTuple) -> Option<StatsValues<'a>> {
    // SAFETY: see the contract.
    unsafe {
        let form: *const pg_sys::FormData_pg_statistic = pg_sys::GETSTRUCT(tuple).cast();
        let null_frac = f64::from((*form).stanullfrac);
        let (mcv_type, mcvs, frequencies) =
            slot(tuple, KIND_MCV, VALUES | pg_sys::ATTSTATSSLOT_NUMBERS);
        let (histogram_type, histogram, _) = slot(tuple, KIND_HISTOGRAM, VALUES);
        let type_oid = if mcvs.is_empty() { histogram_type } else { mcv_type };
        let values =
            StatsValues { type_oid, mcvs, histogram, frequencies, null_frac, arena: PhantomData };
        (type_oid != pg_sys::InvalidOid).then_some(values)
    }
}

unsafe fn slot(
    tuple: pg_sys::HeapTuple,
    kind: i32,
    flags: u32,
) -> (pg_sys::Oid, Vec<pg_sys::Datum>, Vec<f64>) {
    // SAFETY: the slot is filled by the server when it returns true; its arrays are copied before
    // they go. By-reference values point into `values_arr`, which is therefore not freed: it
    // belongs to the arena.
    unsafe {
        let mut slot = pg_sys::AttStatsSlot::default();
        if !pg_sys::get_attstatsslot(&raw mut slot, tuple, kind, pg_sys::InvalidOid, flags as i32) {
            return (pg_sys::InvalidOid, Vec::new(), Vec::new());
        }
        let values = usize::try_from(slot.nvalues).unwrap_or(0);
        let numbers = usize::try_from(slot.nnumbers).unwrap_or(0);
        let data = (0..values).map(|at| *slot.values.add(at)).collect();
        let frequencies = (0..numbers).map(|at| f64::from(*slot.numbers.add(at))).collect();
        (slot.valuetype, data, frequencies)
    }
}

/// Binds values of the given types, one for each; a value that the type refuses stays unknown.
pub(crate) fn bind<'a>(arena: &'a Arena, types: &[u32], sources: &[Source<'_, 'a>]) -> Binding<'a> {
    let params = types
        .iter()
        .zip(sources.iter().map(Some).chain(std::iter::repeat(None)))
        .map(|(&type_oid, source)| {
            let datum = match source {
                Some(Source::Stats(values, pick)) => from_stats(arena, values, *pick, type_oid),
                Some(Source::Text(text)) => from_text(arena, text, type_oid),
                _ => None,
            };
            let mut param = pg_sys::ParamExternData::default();
            if let Some(value) = datum {
                param.value = value;
                param.pflags = pg_sys::PARAM_FLAG_CONST as u16;
                param.ptype = pg_sys::Oid::from(type_oid);
            }
            param
        })
        .collect();
    Binding { params, arena: PhantomData }
}

/// Binds the given values, one for each parameter; `None` is NULL.
///
/// A value of a domain is read as one of the type below, without the domain's checks: they may be
/// functions of anybody. For the same reason no value is read of a type that has a domain in it.
///
/// # Errors
/// 0A000 for such a type, and what the type's input function says, with the parameter's number as
/// DETAIL.
pub(crate) fn bind_given<'a>(
    arena: &'a Arena,
    types: &[u32],
    values: &[Option<String>],
) -> Result<Binding<'a>, ServerError> {
    let params =
        (1..).zip(types).zip(values).map(|((number, &type_oid), value): ((usize, _), _)| {
            let mut param = pg_sys::ParamExternData::default();
            // A number that does not occur has no type.
            if type_oid == 0 {
                return Ok(param);
            }
            param.pflags = pg_sys::PARAM_FLAG_CONST as u16;
            param.ptype = pg_sys::Oid::from(type_oid);
            match value {
                Some(text) => {
                    param.value = given(arena, text, param.ptype).map_err(|error| {
                        let server = error.detail.map(|detail| format!(" {detail}"));
                        let detail = format!("It is the value given for parameter ${number}.");
                        ServerError { detail: Some(detail + &server.unwrap_or_default()), ..error }
                    })?;
                }
                None => param.isnull = true,
            }
            Ok(param)
        });
    let params = params.collect::<Result<Vec<_>, ServerError>>()?;
    Ok(Binding { params, arena: PhantomData })
}

fn given(arena: &Arena, text: &str, type_oid: pg_sys::Oid) -> Result<pg_sys::Datum, ServerError> {
    let mut typmod = -1;
    // SAFETY: a look-up of a type that exists: the analyzer found it.
    let base = unsafe { pg_sys::getBaseTypeAndTypmod(type_oid, &raw mut typmod) };
    if calls_when_made(base) {
        let code = PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED;
        let error = ServerError::new(code, "a value of the parameter's type cannot be given");
        return Err(error.with_hint(
            "Reading one may run functions of users. Put the value in the parameter's place.",
        ));
    }
    let text = to_c_string(text)?;
    subtransaction(true, || {
        arena.with(|| {
            // SAFETY: as in `from_text`.
            unsafe {
                let (mut input, mut element) = (pg_sys::InvalidOid, pg_sys::InvalidOid);
                pg_sys::getTypeInputInfo(base, &raw mut input, &raw mut element);
                pg_sys::OidInputFunctionCall(input, text.as_ptr().cast_mut(), element, typmod)
            }
        })
    })
}

fn from_stats(
    arena: &Arena,
    values: &StatsValues<'_>,
    pick: Pick,
    type_oid: u32,
) -> Option<pg_sys::Datum> {
    if values.type_oid.to_u32() == type_oid {
        return values.datum(pick);
    }
    from_text(arena, &values.text(pick)?, type_oid)
}

fn from_text(arena: &Arena, text: &str, type_oid: u32) -> Option<pg_sys::Datum> {
    let text = CString::new(text).ok()?;
    // A value that the type refuses is no reason to lose the statement.
    subtransaction(true, || {
        arena.with(|| {
            // SAFETY: the type exists (the analyzer found it); the result is allocated in the arena.
            unsafe {
                let (mut input, mut element) = (pg_sys::InvalidOid, pg_sys::InvalidOid);
                pg_sys::getTypeInputInfo(
                    pg_sys::Oid::from(type_oid),
                    &raw mut input,
                    &raw mut element,
                );
                pg_sys::OidInputFunctionCall(input, text.as_ptr().cast_mut(), element, -1)
            }
        })
    })
    .ok()
}

impl Binding<'_> {
    /// A parameter list for one planner call, in the current context. Never null, so that its
    /// address identifies the call.
    pub(super) fn fresh_list(&self) -> pg_sys::ParamListInfo {
        let count = i32::try_from(self.params.len()).unwrap_or(0);
        // SAFETY: `makeParamList` returns room for `count` entries behind the header, which it
        // leaves to the caller; none is written beyond it.
        unsafe {
            let list = pg_sys::makeParamList(count.max(1));
            (*list).numParams = count;
            let entries = (*list).params.as_mut_ptr();
            for (at, param) in self.params.iter().enumerate() {
                entries.add(at).write(*param);
            }
            list
        }
    }

    /// How many parameters have a value.
    pub(crate) fn bound(&self) -> usize {
        self.params.iter().filter(|param| param.ptype != pg_sys::InvalidOid).count()
    }

    /// Whether the parameter with this number, from 1, has a value.
    pub(crate) fn has_value(&self, number: usize) -> bool {
        let param = number.checked_sub(1).and_then(|at| self.params.get(at));
        param.is_some_and(|param| param.ptype != pg_sys::InvalidOid)
    }

    /// Whether two draws bound the same values (by-value types and identical picks only).
    pub(crate) fn same_as(&self, other: &Self) -> bool {
        self.params.len() == other.params.len()
            && self
                .params
                .iter()
                .zip(&other.params)
                .all(|(a, b)| a.ptype == b.ptype && a.value.value() == b.value.value())
    }
}
