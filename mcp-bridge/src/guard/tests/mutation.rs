//! Statements of the corpus, spelled differently: the verdict stays. And texts of any kind: no
//! panic, and what passes is what it says.

use pg_query::protobuf::{ScanToken, Token};
use proptest::prelude::*;
use proptest::sample::Index;

use super::corpus::{self, Case};
use super::*;

fn tokens(sql: &str) -> Vec<(ScanToken, String)> {
    let tokens = crate::parser::scan(sql).unwrap_or_default();
    let text = |token: &ScanToken| sql[token.start as usize..token.end as usize].to_owned();
    tokens.into_iter().map(|token| (token, text(&token))).collect()
}

/// A way to write the same token.
#[derive(Debug, Clone, Copy)]
enum Spelling {
    AsIs,
    Upper,
    Mixed,
    Quoted,
    Escaped,
}

fn spell(token: &ScanToken, text: &str, spelling: Spelling) -> String {
    let is_name = token.token() == Token::Ident && !text.starts_with('"');
    let is_word = is_name || token.keyword_kind() != pg_query::protobuf::KeywordKind::NoKeyword;
    let lower = text.to_ascii_lowercase();
    match spelling {
        Spelling::Upper if is_word => text.to_ascii_uppercase(),
        Spelling::Mixed if is_word => {
            let turn = |(n, c): (usize, char)| if n % 2 == 0 { c.to_ascii_uppercase() } else { c };
            lower.chars().enumerate().map(turn).collect()
        }
        Spelling::Quoted if is_name => format!("\"{lower}\""),
        Spelling::Escaped if is_name => {
            let escaped: String = lower.chars().map(|c| format!("\\{:04x}", c as u32)).collect();
            format!("U&\"{escaped}\"")
        }
        _ => text.to_owned(),
    }
}

fn respell(sql: &str, spellings: &[(Spelling, &str)]) -> String {
    let mut pairs = spellings.iter().cycle();
    let mut out = String::new();
    for (token, text) in tokens(sql) {
        let (spelling, gap) = *pairs.next().unwrap_or(&(Spelling::AsIs, " "));
        out.push_str(&spell(&token, &text, spelling));
        out.push_str(gap);
        if matches!(token.token(), Token::SqlComment) {
            out.push('\n');
        }
    }
    out
}

fn spelling() -> impl Strategy<Value = (Spelling, &'static str)> {
    use Spelling::{AsIs, Escaped, Mixed, Quoted, Upper};
    (
        prop::sample::select(vec![AsIs, Upper, Mixed, Quoted, Escaped]),
        prop::sample::select(vec![
            " ",
            "\n",
            "\t\r\n",
            "/**/",
            "/* ; ' \" $$ */",
            " -- ' ; \n",
            "\u{c}",
        ]),
    )
}

fn pick<'a>(cases: &'a [Case], index: &Index) -> &'a Case {
    index.get(cases)
}

/// Not those that are about the text itself.
fn hostile() -> Vec<Case> {
    let mut cases = corpus::read("refused");
    cases.retain(|case| !["Syntax", "Text"].contains(&case.class().as_str()));
    cases
}

#[test]
fn every_spelling_of_every_statement_keeps_its_verdict() {
    let gap = "/**/ -- ;\n";
    let cases = hostile();
    for case in &cases {
        for spelling in [Spelling::Upper, Spelling::Mixed, Spelling::Quoted, Spelling::Escaped] {
            let sql = respell(&case.sql, &[(spelling, gap)]);
            let class = format!("{:?}", refusal(&sql).class());
            assert_eq!(class, case.class(), "{sql}");
        }
    }
    for case in corpus::read("allowed") {
        for spelling in [Spelling::Upper, Spelling::Mixed] {
            let sql = respell(&case.sql, &[(spelling, gap)]);
            assert!(check(&sql).is_ok(), "{sql}: {:?}", check(&sql));
        }
    }
}

#[test]
fn a_schema_before_a_function_changes_nothing() {
    for case in corpus::read("refused_functions") {
        let tokens = tokens(&case.sql);
        let mut sql = String::new();
        for (n, (token, text)) in tokens.iter().enumerate() {
            let followed = tokens.get(n + 1).is_some_and(|(_, text)| text == "(");
            let fixed = n > 0 && [".", "as"].contains(&tokens[n - 1].1.as_str());
            if token.token() == Token::Ident && followed && !fixed {
                sql.push_str("pg_catalog.");
            }
            sql.push_str(text);
            sql.push(' ');
        }
        assert_eq!(refusal(&sql).class(), Class::Function, "{sql}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn refused_stays_refused(index: Index, spellings in prop::collection::vec(spelling(), 1..12)) {
        let cases = hostile();
        let case = pick(&cases, &index);
        let sql = respell(&case.sql, &spellings);
        let refusal = check(&sql).err().map(|refusal| format!("{:?}", refusal.class()));
        prop_assert_eq!(refusal, Some(case.class()), "{}", sql);
    }

    /// Whatever is around a hostile query: it is refused, or not SQL.
    #[test]
    fn nested_stays_refused(index: Index, outer: Index) {
        let hostile = corpus::read("refused_places");
        let around = [
            "select * from ({}) q", "select ({})", "select array({})", "with q as ({}) select * from q",
            "select exists ({})", "({}) union all ({})", "select 1 in ({})", "explain analyze {}",
            "select * from customers c, lateral ({}) l", "select case when exists ({}) then 1 end",
            "values (({}))", "select coalesce(({}), ({}))", "select 1 order by ({})",
            "select xmlelement(name a, ({}))", "select json_array(({}))", "select 1 limit ({})",
        ];
        let sql = outer.get(&around).replace("{}", &pick(&hostile, &index).sql);
        let class = check(&sql).err().map(|refusal| refusal.class());
        prop_assert!(matches!(class, Some(Class::Function | Class::Syntax | Class::Statement)), "{:?} {}", class, sql);
    }

    #[test]
    fn any_text_is_judged(sql in "\\PC{0,200}") {
        let _ = check(&sql);
        let _ = inspect(&sql);
    }

    /// Pieces of real statements in any order.
    #[test]
    fn any_soup_of_tokens_is_judged(picks in prop::collection::vec(any::<(Index, Index)>(), 1..30)) {
        let cases = [corpus::read("allowed_odd"), corpus::read("refused")].concat_cases();
        let words = picks.iter().map(|(case, token)| {
            let tokens = tokens(&case.get(&cases).sql);
            if tokens.is_empty() { String::new() } else { token.get(&tokens).1.clone() }
        });
        let sql = words.collect::<Vec<_>>().join(" ");
        if let Ok(statement) = check(&sql) {
            // What passed is one statement, where it says, and passes alone.
            prop_assert_eq!(&sql[statement.offset..][..statement.text.len()], statement.text);
            prop_assert_eq!(check(statement.text).map(|again| again.form).is_ok(), true);
            prop_assert_eq!(inspect(statement.text).map(|parts| parts.len()), Ok(1));
        }
        let _ = inspect(&sql);
    }

    /// Any statement cut anywhere, and anything put there.
    #[test]
    fn any_cut_is_judged(index: Index, at: Index, noise in "[\\PC\n\0';\"$/*-]{0,4}") {
        let cases = [corpus::read("allowed"), corpus::read("refused")].concat_cases();
        let sql = &pick(&cases, &index).sql;
        let chars: Vec<char> = sql.chars().collect();
        let at = at.index(chars.len() + 1);
        let cut: String = chars[..at].iter().collect::<String>() + &noise + &chars[at..].iter().collect::<String>();
        let _ = check(&cut);
        let _ = inspect(&cut);
    }
}

/// Cases of several prefixes as one list.
trait ConcatCases {
    fn concat_cases(self) -> Vec<Case>;
}

impl ConcatCases for [Vec<Case>; 2] {
    fn concat_cases(self) -> Vec<Case> {
        self.into_iter().flatten().collect()
    }
}
