//! Rows of TPC-H tables, in the format of COPY.

use std::fmt::{Display, Write as _};
use std::io::Write;

use anyhow::{Result, bail};
use tpchgen::generators::{
    CustomerGenerator, LineItemGenerator, NationGenerator, OrderGenerator, PartGenerator,
    PartSuppGenerator, RegionGenerator, SupplierGenerator,
};

/// Rows are sent in messages of about this many bytes.
const CHUNK_BYTES: usize = 256 * 1024;

/// Writes all rows of `table`.
pub(super) fn write_table(table: &str, scale: f64, out: &mut impl Write) -> Result<()> {
    // The whole table is part 1 of 1.
    match table {
        "region" => write_rows(RegionGenerator::new(scale, 1, 1).iter(), out),
        "nation" => write_rows(NationGenerator::new(scale, 1, 1).iter(), out),
        "part" => write_rows(PartGenerator::new(scale, 1, 1).iter(), out),
        "supplier" => write_rows(SupplierGenerator::new(scale, 1, 1).iter(), out),
        "partsupp" => write_rows(PartSuppGenerator::new(scale, 1, 1).iter(), out),
        "customer" => write_rows(CustomerGenerator::new(scale, 1, 1).iter(), out),
        "orders" => write_rows(OrderGenerator::new(scale, 1, 1).iter(), out),
        "lineitem" => write_rows(LineItemGenerator::new(scale, 1, 1).iter(), out),
        _ => bail!("no generator for table {table}"),
    }
}

fn write_rows(rows: impl Iterator<Item = impl Display>, out: &mut impl Write) -> Result<()> {
    let mut chunk = String::with_capacity(CHUNK_BYTES + 1024);
    for row in rows {
        write!(chunk, "{row}")?;
        // The generator ends each row with a delimiter, which COPY would take for one more column.
        chunk.pop();
        chunk.push('\n');
        if chunk.len() >= CHUNK_BYTES {
            out.write_all(chunk.as_bytes())?;
            chunk.clear();
        }
    }
    Ok(out.write_all(chunk.as_bytes())?)
}
