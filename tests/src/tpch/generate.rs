//! Rows of TPC-H tables, in the format of COPY.

use std::io::Write;

use anyhow::{Result, bail};
use tpchgen::generators::{
    CustomerGenerator, LineItemGenerator, NationGenerator, OrderGenerator, PartGenerator,
    PartSuppGenerator, RegionGenerator, SupplierGenerator,
};

use crate::workloads::tables::write_rows;

/// Writes all rows of `table`.
pub(super) fn write_table(table: &str, scale: f64, out: &mut dyn Write) -> Result<()> {
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
