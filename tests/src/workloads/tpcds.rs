//! TPC-DS: 24 tables at any scale, and its 99 queries.
//!
//! The rows come from a crate, the queries from a Python package that `tests/bin/workloads.sh`
//! fetches: neither is copied here.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use tpcdsgen::config::{SessionBuilder, Table};
use tpcdsgen::row;

use super::Statement;
use super::tables::{Source, write_rows};

const DEFINITIONS: &str = include_str!("../../workloads/tpcds/tables.sql");

/// Queries of the benchmark.
const QUERIES: usize = 99;

/// Tables and their primary keys, the largest first.
const KEYS: [(&str, &str); 24] = [
    ("inventory", "inv_date_sk, inv_item_sk, inv_warehouse_sk"),
    ("store_sales", "ss_item_sk, ss_ticket_number"),
    ("catalog_sales", "cs_item_sk, cs_order_number"),
    ("web_sales", "ws_item_sk, ws_order_number"),
    ("customer_demographics", "cd_demo_sk"),
    ("store_returns", "sr_item_sk, sr_ticket_number"),
    ("catalog_returns", "cr_item_sk, cr_order_number"),
    ("web_returns", "wr_item_sk, wr_order_number"),
    ("customer", "c_customer_sk"),
    ("date_dim", "d_date_sk"),
    ("time_dim", "t_time_sk"),
    ("customer_address", "ca_address_sk"),
    ("item", "i_item_sk"),
    ("catalog_page", "cp_catalog_page_sk"),
    ("household_demographics", "hd_demo_sk"),
    ("promotion", "p_promo_sk"),
    ("store", "s_store_sk"),
    ("call_center", "cc_call_center_sk"),
    ("web_page", "wp_web_page_sk"),
    ("web_site", "web_site_sk"),
    ("warehouse", "w_warehouse_sk"),
    ("reason", "r_reason_sk"),
    ("ship_mode", "sm_ship_mode_sk"),
    ("income_band", "ib_income_band_sk"),
];

/// Fits `tables.sql` to a generator; 1.0 is a gigabyte of text. Dates, times and the demographics
/// have the same number of rows at every scale.
pub(super) fn source<'a>(
    write: &'a (dyn Fn(&str, &mut dyn Write) -> Result<()> + Sync),
) -> Source<'a> {
    Source { definitions: DEFINITIONS, keys: &KEYS, primary_keys: true, write }
}

/// One arm a table: they differ in nothing but the type of the generator.
macro_rules! write_table {
    ($table:expr, $scale:expr, $out:expr, $($kind:ident $generator:ident),* $(,)?) => {
        match $table {
            $(Table::$kind => {
                let session = SessionBuilder::new().with_scale_factor($scale).build();
                let session = session.map_err(|error| anyhow!("{error}"))?;
                // The last row to generate from: a sale makes several rows.
                let last = *session.get_source_row_range(Table::$kind).end();
                write_rows(row::$generator::new(session, last), $out)
            })*
            other => bail!("no generator for table {}", other.get_name()),
        }
    };
}

/// Writes all rows of `table`.
pub(super) fn write_table(table: &str, scale: f64, out: &mut dyn Write) -> Result<()> {
    let all = Table::values().iter();
    let known = all.copied().find(|known| known.get_name() == table);
    let known = known.with_context(|| format!("no generator for table {table}"))?;
    write_table!(
        known,
        scale,
        out,
        CallCenter CallCenterRowGenerator,
        CatalogPage CatalogPageRowGenerator,
        CatalogReturns CatalogReturnsRowGenerator,
        CatalogSales CatalogSalesRowGenerator,
        Warehouse WarehouseRowGenerator,
        ShipMode ShipModeRowGenerator,
        Reason ReasonRowGenerator,
        IncomeBand IncomeBandRowGenerator,
        HouseholdDemographics HouseholdDemographicsRowGenerator,
        CustomerDemographics CustomerDemographicsRowGenerator,
        CustomerAddress CustomerAddressRowGenerator,
        Customer CustomerRowGenerator,
        DateDim DateDimRowGenerator,
        TimeDim TimeDimRowGenerator,
        Item ItemRowGenerator,
        Promotion PromotionRowGenerator,
        Store StoreRowGenerator,
        StoreReturns StoreReturnsRowGenerator,
        StoreSales StoreSalesRowGenerator,
        WebPage WebPageRowGenerator,
        WebReturns WebReturnsRowGenerator,
        WebSales WebSalesRowGenerator,
        WebSite WebSiteRowGenerator,
        Inventory InventoryRowGenerator,
    )
}

/// The folder with the texts of the queries.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/workloads/tpcds")
}

/// All queries, as far as they are statements of PostgreSQL: the package's dialect is close, and
/// what differs is put right here.
pub(super) fn statements() -> Result<Vec<Statement>> {
    (1..=QUERIES)
        .map(|number| {
            let path = folder().join(format!("{number:02}.sql"));
            let text = std::fs::read_to_string(&path)
                .with_context(|| format!("read {}: run tests/bin/workloads.sh", path.display()))?;
            Ok(Statement::new(format!("Q{number}"), adapt(&text)))
        })
        .collect()
}

/// Without the semicolon. Where the package divides by a sum that is 0 in small data it gets null,
/// PostgreSQL an error.
fn adapt(text: &str) -> String {
    let mut text = text.trim().trim_end_matches(';').to_owned();
    for sales in ["ws", "cs", "ss"] {
        let sum = format!("sum(sum({sales}_ext_sales_price)) OVER (PARTITION BY i_class)");
        text = text.replace(&format!("/{sum}"), &format!("/nullif({sum}, 0)"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_division_by_a_sum_of_nothing() {
        let text = "select 1/sum(sum(ws_ext_sales_price)) OVER (PARTITION BY i_class);\n";
        let found = "select 1/nullif(sum(sum(ws_ext_sales_price)) OVER (PARTITION BY i_class), 0)";
        assert_eq!(adapt(text), found);
    }

    #[test]
    fn every_table_has_a_definition_and_rows() {
        for (table, _) in KEYS {
            let none = |_: &str, _: &mut dyn Write| Ok(());
            assert!(source(&none).create_statement(table).unwrap().ends_with(')'), "{table}");
        }
        let mut rows = Vec::new();
        write_table("reason", 1.0, &mut rows).unwrap();
        assert!(rows.starts_with(b"1|AAAAAAAABAAAAAAA|"));
        assert!(write_table("nothing", 1.0, &mut rows).is_err());
    }
}
