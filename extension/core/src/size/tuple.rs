//! How many bytes the columns of an index tuple take, as an expectation over rows.
//!
//! Index tuples start with an 8-byte header; attributes follow at their alignment, short varlena
//! unaligned, and the whole is rounded up to 8 bytes (`index_form_tuple`, `heap_compute_data_size`
//! in PostgreSQL's source). Alignment makes the size a step function of the widths, so the layout
//! keeps the distribution of the offset modulo 8 instead of a mean alone.

use crate::model::Column;

/// Bytes that every attribute offset and tuple size is rounded to (`MAXIMUM_ALIGNOF`).
const MAX_ALIGN: usize = 8;
/// `sizeof(IndexTupleData)`; also what the null bitmap costs after alignment.
const HEADER: f64 = 8.0;
/// Longest value that is stored with a one-byte, unaligned varlena header.
const SHORT_VARLENA: f64 = 127.0;
/// Points that the assumed spread of a varying width is evaluated at.
const SPREAD_POINTS: u32 = 16;

/// What the size of an index needs to know about one of its columns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KeyPart {
    /// Average width in bytes of the values that are not NULL, varlena header included, as in
    /// `pg_stats.avg_width`.
    pub width: f64,
    /// Alignment of the type in bytes: 1, 2, 4 or 8.
    pub align: u8,
    /// How the width differs between rows.
    pub spread: Spread,
    /// Share of NULLs, 0 to 1.
    pub null_frac: f64,
    /// Distinct values that are not NULL.
    pub n_distinct: f64,
}

/// How the width of a column's values differs between rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spread {
    /// All values have the same width: fixed-length types, `char(n)`, `bit(n)`.
    Fixed,
    /// Widths vary around the average: text and most other varlena types.
    Varying,
    /// `numeric`: three bytes and two for each group of four decimal digits.
    Numeric,
}

impl From<&Column> for KeyPart {
    fn from(column: &Column) -> Self {
        let name = column.type_name.as_str();
        let spread =
            if column.type_len > 0 || name.starts_with("character(") || name.starts_with("bit(") {
                Spread::Fixed
            } else if name.starts_with("numeric") {
                Spread::Numeric
            } else {
                Spread::Varying
            };
        let width = if column.type_len > 0 {
            f64::from(column.type_len)
        } else {
            column.avg_width.max(1.0)
        };
        let align = if column.type_len < 0 && width <= SHORT_VARLENA { 1 } else { column.align };
        Self {
            width,
            align: align.max(1),
            spread,
            null_frac: column.null_frac.clamp(0.0, 1.0),
            n_distinct: column.n_distinct.max(1.0),
        }
    }
}

impl KeyPart {
    /// Possible widths with their probability; the mean is the column's average.
    fn widths(&self) -> Vec<(usize, f64)> {
        let centre = match self.spread {
            // ANALYZE cuts the average down to whole bytes: half a byte is missing on average.
            Spread::Numeric => return numeric_widths(self.width + 0.5),
            Spread::Fixed => return split(self.width, 1.0),
            Spread::Varying => self.width,
        };
        let reach = (centre / 4.0).min(MAX_ALIGN as f64);
        (0..SPREAD_POINTS)
            .flat_map(|point| {
                let at = (f64::from(point) + 0.5) / f64::from(SPREAD_POINTS) * 2.0 - 1.0;
                split(centre + reach * at, 1.0 / f64::from(SPREAD_POINTS))
            })
            .collect()
    }
}

/// Shares a fractional width between its two whole neighbours.
fn split(width: f64, weight: f64) -> Vec<(usize, f64)> {
    let floor = width.max(0.0).floor();
    let above = (width.max(0.0) - floor) * weight;
    vec![(floor as usize, weight - above), (floor as usize + 1, above)]
}

/// The two neighbouring widths that a `numeric` can have around its mean.
fn numeric_widths(mean: f64) -> Vec<(usize, f64)> {
    let groups = ((mean - 3.0) / 2.0).max(0.0);
    let low = 3 + 2 * (groups.floor() as usize);
    let above = groups - groups.floor();
    vec![(low, 1.0 - above), (low + 2, above)]
}

/// The expected layout of an index tuple.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    /// Mean bytes of the data so far, padding between attributes included.
    mean: f64,
    /// Probability of each offset modulo 8.
    residue: [f64; MAX_ALIGN],
    /// Probability that no attribute so far is NULL.
    no_null: f64,
}

impl Default for Layout {
    fn default() -> Self {
        let mut residue = [0.0; MAX_ALIGN];
        residue[0] = 1.0;
        Self { mean: 0.0, residue, no_null: 1.0 }
    }
}

impl Layout {
    /// Appends a column that is NULL with probability `null`.
    pub(super) fn push(&mut self, part: &KeyPart, null: f64) {
        let align = usize::from(part.align.max(1));
        let present = 1.0 - null;
        let widths = part.widths();
        let mut next = self.residue.map(|share| share * null);
        let mut added = 0.0;
        for (offset, &share) in self.residue.iter().enumerate() {
            let pad = (align - offset % align) % align;
            for &(width, probability) in &widths {
                let bytes = pad + width;
                next[(offset + bytes) % MAX_ALIGN] += share * probability * present;
                added += share * probability * present * bytes as f64;
            }
        }
        self.mean += added;
        self.residue = next;
        self.no_null *= present;
    }

    /// Mean bytes of the whole tuple: header, null bitmap where needed, data, rounded up.
    pub(super) fn tuple_bytes(&self) -> f64 {
        let pad: f64 = self
            .residue
            .iter()
            .enumerate()
            .map(|(offset, share)| share * ((MAX_ALIGN - offset) % MAX_ALIGN) as f64)
            .sum();
        HEADER + HEADER * (1.0 - self.no_null) + self.mean + pad
    }
}

/// Mean bytes of one index tuple (header, data, alignment) before any deduplication.
#[must_use]
pub fn tuple_bytes(keys: &[KeyPart], include: &[KeyPart]) -> f64 {
    let mut layout = Layout::default();
    for part in keys.iter().chain(include) {
        layout.push(part, part.null_frac);
    }
    layout.tuple_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixed(width: f64, align: u8) -> KeyPart {
        KeyPart { width, align, spread: Spread::Fixed, null_frac: 0.0, n_distinct: 1.0 }
    }

    #[test]
    fn fixed_columns_are_padded_as_the_server_does() {
        assert_eq!(tuple_bytes(&[fixed(4.0, 4)], &[]), 16.0);
        assert_eq!(tuple_bytes(&[fixed(4.0, 4), fixed(4.0, 4)], &[]), 16.0);
        assert_eq!(tuple_bytes(&[fixed(2.0, 2), fixed(8.0, 8)], &[]), 24.0);
        assert_eq!(tuple_bytes(&[fixed(1.0, 1), fixed(2.0, 2), fixed(4.0, 4)], &[]), 16.0);
        assert_eq!(tuple_bytes(&[fixed(16.0, 1)], &[fixed(4.0, 4)]), 32.0);
    }

    #[test]
    fn a_null_costs_the_bitmap_and_no_data() {
        let null = KeyPart { null_frac: 1.0, ..fixed(8.0, 8) };
        assert_eq!(tuple_bytes(&[null], &[]), 16.0);
        assert_eq!(tuple_bytes(&[fixed(8.0, 8), null], &[]), 24.0);
    }

    #[test]
    fn varying_widths_keep_their_mean() {
        for width in [1.0, 2.0, 7.5, 33.0, 126.0] {
            let part = KeyPart { spread: Spread::Varying, ..fixed(width, 1) };
            let mean: f64 = part.widths().iter().map(|&(w, p)| w as f64 * p).sum();
            assert!((mean - width).abs() < 1e-9, "{width}: {mean}");
        }
    }
}
