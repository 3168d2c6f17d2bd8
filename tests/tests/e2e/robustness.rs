//! Odd statements, all valid: each takes part or is left out for a reason, and the server lives.

use anyhow::{Context, Result, ensure};
use postgres::Client;

use crate::Case;
use crate::answer::{Answer, given, recorded};
use crate::fixture::Fixture;
use crate::odd::{ODD, ODD_TABLES, OVER_ODD_TABLES, SCHEMA};

pub(crate) const CASES: &[Case] = &[
    ("robust_against_odd_statements", odd_statements),
    ("robust_against_odd_tables", odd_tables),
    ("robust_against_depth", depth),
    ("robust_when_late", late),
    ("robust_against_width", width),
    ("robust_against_multibyte_texts", multibyte),
    ("robust_against_odd_texts", odd_texts),
    ("robust_when_recorded", as_recorded),
    ("robust_in_memory", memory),
];

fn database(fixture: &Fixture, name: &str) -> Result<Client> {
    let mut client = fixture.database(name, &["hypopg", "pg_stat_statements", "mcp_advisor"])?;
    client.batch_execute(SCHEMA)?;
    Ok(client)
}

/// Reasons that a statement which EXPLAIN takes may have to be left out.
const HARMLESS: &[&str] = &["no table", "catalog only"];

/// Advises on `statements` and fails when one that EXPLAIN takes is refused, or one is missing.
fn advise<S: AsRef<str>>(client: &mut Client, statements: &[S]) -> Result<Answer> {
    let pid = |client: &mut Client| -> Result<i32> {
        Ok(client.query_one("select pg_backend_pid()", &[])?.try_get(0)?)
    };
    let before = pid(client)?;
    let answer = given(client, statements, "time_limit => '60 s'")?;
    ensure!(pid(client)? == before, "another backend answers");
    let mut wrong = Vec::new();
    for statement in statements {
        let statement = statement.as_ref();
        let explained = client.simple_query(&format!("explain {statement}"));
        let used = answer.using(statement).any(|query| query["query"] == statement);
        let skipped = |harmless: bool| {
            answer.skipped_for(|reason, text| {
                text == statement && (!harmless || HARMLESS.contains(&reason))
            })
        };
        let fine = match explained {
            Ok(_) => used || !skipped(true).is_empty(),
            Err(_) => used || !skipped(false).is_empty(),
        };
        if !fine {
            wrong.push(format!("{statement:.300}"));
        }
    }
    ensure!(wrong.is_empty(), "{}\n{}", wrong.join("\n"), answer.left_out());
    Ok(answer)
}

fn odd_statements(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "robust_statements")?;
    let answer = advise(&mut client, ODD)?;
    let used = answer.used();
    ensure!(used + 8 >= ODD.len(), "only {used} of {}:\n{}", ODD.len(), answer.left_out());
    Ok(())
}

/// The same through pg_stat_statements, in normalized form. Not all can run; those that did must
/// take part.
fn as_recorded(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "robust_recorded")?;
    // Nothing that takes long, or ends in an error and so is not recorded.
    let mut ran = 0;
    for statement in ODD.iter().filter(|text| !text.contains("natural join")) {
        client.batch_execute("begin; set local statement_timeout = '2 s'")?;
        ran += usize::from(client.simple_query(statement).is_ok());
        client.batch_execute("rollback")?;
    }
    ensure!(ran > 60, "only {ran} run");
    let answer = recorded(&mut client, "time_limit => '60 s'")?;
    let harmless = ["utility statement", "no table", "catalog only"];
    // A row of parameters says nothing of their types, and the server wants them for its columns.
    let known = "select (row($1, p)).*";
    let wrong =
        answer.skipped_for(|reason, text| !harmless.contains(&reason) && !text.starts_with(known));
    ensure!(wrong.is_empty(), "{wrong:?}");
    ensure!(answer.used() > 55, "{} used", answer.used());
    Ok(())
}

fn odd_tables(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "robust_tables")?;
    client.batch_execute(ODD_TABLES)?;
    for analyzed in [false, true] {
        if analyzed {
            client.batch_execute("analyze")?;
        }
        let answer = advise(&mut client, OVER_ODD_TABLES)?;
        for index in answer.indexes() {
            // As printed, but in this transaction, so that the next round finds the same tables.
            client.batch_execute("begin")?;
            client.batch_execute(&index.ddl.replace(" CONCURRENTLY", "")).context(index.ddl)?;
            client.batch_execute("rollback")?;
        }
        for statement in OVER_ODD_TABLES {
            // Alone, so that each is searched for; an error is an answer as well.
            let call = "select * from mcp_advise_indexes(array[$1])";
            let outcome = client.query(call, &[statement]);
            ensure!(!client.is_closed(), "{statement} ended the backend: {outcome:?}");
        }
    }
    Ok(())
}

/// `inner` wrapped `times` times.
fn nested(open: &str, inner: &str, close: &str, times: usize) -> String {
    format!("{}{inner}{}", open.repeat(times), close.repeat(times))
}

/// As deep as the server's own stack limit lets a statement be, and deeper.
fn depth(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "robust_depth")?;
    let select = |condition: &str| format!("select id from wide_enough where {condition}");
    for times in [50, 2000, 20_000] {
        // What the planner takes much longer for comes with its greatest depth.
        let shapes: [(usize, String); 16] = [
            (2000, select(&format!("k = 5 {}", "and (m > 3 or k = 7) ".repeat(times)))),
            (2000, select(&format!("k = 5 {}", "or m = 3 and k = 7 ".repeat(times)))),
            (50, select(&nested("(k = 5 or (m = 3 and ", "k = 7", "))", times))),
            (2000, select(&nested("not (k = 5 and ", "m = 3", ")", times))),
            (20_000, select(&format!("k = 1 {}", "+ m ".repeat(times)))),
            (20_000, select(&format!("k = {}", nested("(m + ", "1", ")", times)))),
            (20_000, select(&format!("note = 'a' {}", "|| note ".repeat(times)))),
            (20_000, select(&format!("k = {}", nested("abs(", "m", ")", times)))),
            (20_000, select(&format!("doc {} = '5'", "-> 'a' ".repeat(times)))),
            (20_000, select(&format!("k = {}", nested("coalesce(m, ", "5", ")", times)))),
            (
                20_000,
                select(&format!(
                    "k = {}",
                    nested("case m when 1 then 2 else ", "5", " end", times)
                )),
            ),
            (
                50,
                nested("select * from (", "select * from wide_enough where k = 5", ") as x", times),
            ),
            (50, nested("select id from wide_enough where k in (", "select 5", ")", times)),
            (
                50,
                select(&format!(
                    "k = {}",
                    nested("(select max(id) from typed where amount = ", "5", ")", times)
                )),
            ),
            (
                50,
                nested("(", "select k from wide_enough where k = 5", ") union all select 5", times),
            ),
            (
                50,
                nested(
                    "with c as (",
                    "select id from wide_enough where k = 5",
                    ") select * from c",
                    times,
                ),
            ),
        ];
        for (_, statement) in shapes.iter().filter(|(deepest, _)| times <= *deepest) {
            alone(&mut client, statement, times)?;
        }
    }
    Ok(())
}

/// One statement, which may be too complex for the server, but not for the advisor alone.
fn alone(client: &mut Client, statement: &str, times: usize) -> Result<()> {
    let explained = client.simple_query(&format!("explain {statement}"));
    let statements = ["select id from typed where amount = 77", statement];
    let answer = given(client, &statements, "time_limit => '10 s'")
        .with_context(|| format!("{statement:.100} ({times} times)"))?;
    answer.expect_used("amount = 77")?;
    // On a busy machine the ten seconds may be over before it is read.
    if answer.used() == 1 && answer.skipped("") != ["time limit"] {
        // A call of a function is under way, so the stack is a little fuller than for EXPLAIN.
        let refused = explained.is_err() || times > 2000;
        ensure!(refused, "{times} times {statement:.100}: {}", answer.left_out());
        let known = explained.is_err() || answer.skipped("") == ["too complex"];
        ensure!(known, "{times} times {statement:.100}: {}", answer.left_out());
    }
    Ok(())
}

/// A statement that the server refuses is the caller's error only if every statement was looked at.
fn late(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "robust_late")?;
    let deep = format!("select {}", nested("case 1 when 1 then 2 else ", "5", " end", 20_000));
    let refused = client.simple_query(&deep).err().context("the server takes it")?;
    ensure!(refused.code().is_some(), "{refused}");
    // To read it takes longer than there is, so nothing is left for the other.
    let statements = [deep.as_str(), "select id from typed where amount = 77"];
    let answer = given(&mut client, &statements, "time_limit => '4 ms'")?;
    ensure!(answer.used() == 0, "both were read within 4 ms");
    ensure!(answer.skipped("amount = 77") == ["time limit"], "{}", answer.left_out());
    // With time for both, the one that can be read gives the answer.
    given(&mut client, &statements, "")?.expect_used("amount = 77")?;
    let error = given(&mut client, &statements[..1], "").err().context("nothing to advise on")?;
    ensure!(format!("{error:#}").contains("memory exhausted"), "{error:#}");
    Ok(())
}

fn width(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "robust_width")?;
    let columns: Vec<String> = (1..=500).map(|n| format!("c{n} integer")).collect();
    client.batch_execute(&format!(
        "create table many ({}); insert into many (c1, c2, c250, c500)
            select i, i % 500, i % 30, i from generate_series(1, 9000) as i; analyze many",
        columns.join(", ")
    ))?;
    let list = |count: usize, item: &dyn Fn(usize) -> String, separator: &str| -> String {
        (1..=count).map(item).collect::<Vec<_>>().join(separator)
    };
    let numbers = list(1000, &|n| n.to_string(), ", ");
    let quoted = list(3000, &|n| format!("'note {n}'"), ", ");
    let union = list(200, &|n| format!("select id from wide_enough where k = {n}"), " union all ");
    let unions = list(60, &|n| format!("select id from wide_enough where k = {n}"), " union ");
    let targets = list(1600, &|n| format!("k + {n}"), ", ");
    let values = list(2000, &|n| format!("({n}, 'x{n}')"), ", ");
    let all = list(500, &|n| format!("c{n}"), ", ");
    let every = list(500, &|n| format!("c{n} = {n}"), " and ");
    let any = list(100, &|n| format!("c{n} = {n}"), " or ");
    let sums = list(500, &|n| format!("sum(c{n})"), ", ");
    let when = list(500, &|n| format!("when k = {n} then {n}"), " ");
    let joins = list(11, &|n| format!("join typed as t{n} on t{n}.id = w.k"), " ");
    let commas = list(25, &|n| format!("typed as t{n}"), ", ");
    let chain = list(24, &|n| format!("t{n}.id = t{}.amount", n + 1), " and ");
    let set = list(499, &|n| format!("c{n} = {n}"), ", ");
    let ctes = list(100, &|n| format!("q{n} as (select id from wide_enough where k = {n})"), ", ");
    let from_ctes = list(100, &|n| format!("select * from q{n}"), " union all ");
    let windows = list(50, &|n| format!("sum(k) over (partition by k % {n} order by day)"), ", ");
    let statements = [
        format!("select id from wide_enough where k in ({numbers})"),
        format!("select id from wide_enough where k not in ({numbers}) and m = 3"),
        format!("select id from wide_enough where note in ({quoted})"),
        format!("select id from wide_enough where k = any (array[{numbers}])"),
        format!("select id from wide_enough where note = '{}'", "long ".repeat(20_000)),
        union,
        unions,
        format!("select {targets} from wide_enough where k = 5"),
        format!(
            "select w.id from wide_enough as w join (values {values}) as v (a, b) on w.k = v.a"
        ),
        format!("insert into wide_enough (id, note) values {values}"),
        format!("select {all} from many where c2 = 5 order by {all}"),
        format!("select c1 from many where {every}"),
        format!("select c1 from many where {any}"),
        format!("select {sums} from many group by c2, c250, c500"),
        format!("select count(*) from many group by {all}"),
        "select distinct * from many where c500 = 5".to_owned(),
        format!("update many set {set} where c500 = 5"),
        format!("select case {when} end from wide_enough where m = 3"),
        format!("select count(*) from wide_enough as w {joins} where w.id = 5"),
        format!("select count(*) from {commas} where {chain} and t1.amount = 3"),
        format!("with {ctes} {from_ctes}"),
        format!("select {windows} from wide_enough where m = 3"),
    ];
    let answer = advise(&mut client, &statements)?;
    answer.expect_count(statements.len())
}

fn multibyte(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "robust_multibyte")?;
    client.batch_execute(
        "create schema elsewhere;
        create table elsewhere.\"Größe 🦀\" as select i as id, i % 500 as \"ключ\"
            from generate_series(1, 9000) as i;
        create table elsewhere.plain as select * from elsewhere.\"Größe 🦀\";
        analyze",
    )?;
    // The server counts characters; what is mended stands behind many bytes.
    let texts = [
        "select 'äöü€🦀漢字' as m_one, id from \"Größe 🦀\" where \"ключ\" = 5",
        "/* 🦀🦀🦀 */ select id as m_two from plain where \"ключ\" = 7 -- ünï",
        "select '🦀' as m_three, id from wide_enough where at > now() - interval $1 and note = 'ß'",
        "select 'é', id as m_four from plain where \"ключ\" = $1 and 'ü' || $2 = 'üx' limit $3",
        "with \"ö\" as (select '🦀' as \"ä\", p.id from plain as p) select \"ä\" as m_five from \"ö\"
            where id = $1",
        "select U&'\\+01F980' as m_six, id from plain where id = 5",
    ];
    let answer = given(&mut client, &texts, "")?;
    answer.expect_count(texts.len())?;
    let answer = given(
        &mut client,
        &[
            "select '🦀漢字' as m_syntax, from from plain",
            "select '🦀漢字' as m_missing from \"плохо\"",
            "select '🦀漢字' as m_column, \"нет\" from elsewhere.plain",
            "select '🦀漢字 as m_cut from plain",
            texts[0],
        ],
        "",
    )?;
    answer.expect_skipped("m_syntax", "parse error")?;
    answer.expect_skipped("m_missing", "missing object")?;
    answer.expect_skipped("m_column", "missing object")?;
    answer.expect_skipped("m_cut", "truncated text")?;
    answer.expect_used("m_one")
}

/// Texts that are hardly statements.
fn odd_texts(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "robust_texts")?;
    let long = format!("select {} from", "x".repeat(1_000_000));
    let deep = "(".repeat(100_000);
    let params = (1..3000).map(|n| format!("k = ${n}")).collect::<Vec<_>>().join(" or ");
    let params = format!("select id from wide_enough where {params}");
    let texts = [
        "",
        " ",
        ";",
        ";;",
        "--",
        "/*",
        "/* unterminated",
        "'",
        "\"",
        "$$",
        "$a$",
        "E'\\",
        "(",
        ")",
        "\u{1}",
        "\t\n",
        "\u{feff}select 1",
        "select $0",
        "select $1",
        "select $65536",
        "select $99999999999",
        "select id from wide_enough where k = $2147483647",
        "select $1 from wide_enough where k = $3",
        "select $1, $1::integer, $1::text from wide_enough",
        "select $1::no_type from wide_enough",
        "explain select 1",
        "begin",
        "select 1 into x",
        "create table y as select 1",
        "execute x",
        "do ''",
        "copy wide_enough to stdout",
        "declare c cursor for select 1",
        "vacuum",
        "call x()",
        "listen x",
        "select * from wide_enough where k = 5 union",
        "selec",
        "select 'a' 'b' from wide_enough",
        "0",
        "insert into wide_enough (id) values ($1), ($2), ($3 /*, ... */)",
        "select id from wide_enough where k in ($1 /*, ... */)",
        "select id from wide_enough where k = ?",
        "select id from wide_enough where k = :name",
        "select id from wide_enough where k = %s",
        &long,
        &deep,
        &params,
        "select id from wide_enough where k = 77",
    ];
    let answer = given(&mut client, &texts, "")?;
    answer.expect_used("k = 77")?;
    answer.expect_used("k = $1 or")?;
    for text in texts.iter().filter(|text| text.len() > 3) {
        let known = answer.using(text).next().is_some() || !answer.skipped(text).is_empty();
        ensure!(known, "{text:.80} is nowhere");
    }
    // An error of a single one is raised, with the server's code.
    for text in texts {
        let call = "select * from mcp_advise_indexes(array[$1])";
        let outcome = client.query(call, &[&text]);
        ensure!(!client.is_closed(), "{text:.80} ended the backend: {outcome:?}");
        let code = outcome.err().map(|error| error.code().map(|code| code.code().to_owned()));
        ensure!(code.as_ref() != Some(&Some("XX000".to_owned())), "internal error from {text:.80}");
    }
    Ok(())
}

/// What each planner call takes is given back: the thousandth takes no more than the tenth.
fn memory(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.database("robust_memory", &["mcp_advisor"])?;
    client.batch_execute(
        "create table kept as select i as id, i % 5000 as a, i % 70 as b, i % 9 as c, md5(i::text) as d
            from generate_series(1, 20000) as i; analyze kept",
    )?;
    let bytes = |client: &mut Client| -> Result<i64> {
        let sql = "select sum(used_bytes)::bigint from pg_backend_memory_contexts";
        Ok(client.query_one(sql, &[])?.try_get(0)?)
    };
    let plan = |client: &mut Client, repeats: i32| -> Result<()> {
        let sql = format!(
            "select * from mcp_whatif_benchmark(array['select d from kept where a = 7 and b = 3',
                'select count(*) from kept as x join kept as y using (a) where x.c = 1'],
                8, {repeats})"
        );
        ensure!(client.query(&sql, &[])?.len() > 4);
        Ok(())
    };
    // The first of each kind fills the caches of the catalog.
    given(&mut client, &["select d from kept where a = 7", "select nothing"], "")?;
    plan(&mut client, 5)?;
    let first = bytes(&mut client)?;
    plan(&mut client, 5)?;
    let few = bytes(&mut client)? - first;
    plan(&mut client, 500)?;
    let many = bytes(&mut client)? - first;
    ensure!(many < few.max(0) + 64 * 1024, "{few} bytes after some calls, {many} after many");
    // Nor does a call keep what it needs for itself, whatever it finds.
    for _ in 0..20 {
        given(&mut client, &["select d from kept where a = 7", "select nothing"], "")?;
    }
    let after = bytes(&mut client)? - first;
    ensure!(after < many.max(0) + 64 * 1024, "{many} bytes before 20 answers, {after} after them");
    Ok(())
}
