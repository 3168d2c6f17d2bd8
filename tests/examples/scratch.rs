#![allow(missing_docs)]
use advisor_tests::cluster::Cluster;
use advisor_tests::workloads::Workload;
fn main() -> anyhow::Result<()> {
    let cluster = Cluster::start(
        "shared_preload_libraries = 'pg_stat_statements'\njit = off\npg_stat_statements.max = 20000\n",
    )?;
    let mut args = std::env::args().skip(1);
    let list = Workload::parse_list(&args.next().unwrap())?;
    let scale: f64 = args.next().unwrap().parse()?;
    for w in list {
        let mut c = cluster.create_database(w.name())?;
        for e in ["hypopg", "pg_stat_statements", "mcp_advisor"] {
            c.batch_execute(&format!("create extension {e}"))?;
        }
        w.load(&cluster, w.name(), scale, &|_| ())?;
        c.batch_execute(
            "create table public.zz_statements (name text, sql text, calls int, left_out bool)",
        )?;
        for s in w.statements()? {
            let out = w.left_out_of_costs().contains(&s.name.as_str());
            c.execute(
                "insert into public.zz_statements values ($1,$2,$3,$4)",
                &[&s.name, &s.sql, &(s.calls as i32), &out],
            )?;
        }
        c.batch_execute("vacuum analyze")?;
        let row = c.query_one(
            "select current_setting('unix_socket_directories'), current_setting('port')",
            &[],
        )?;
        println!("{} {:?} {:?}", w.name(), row.get::<_, String>(0), row.get::<_, String>(1));
    }
    loop {
        std::thread::sleep(std::time::Duration::from_secs(1000));
    }
}
