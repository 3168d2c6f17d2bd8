use super::*;

fn question(text: &str) -> Question {
    Question::new(text).unwrap()
}

/// The score of a column.
fn column(question: &Question, table: &str, name: &str, comment: &str) -> Option<Score> {
    let places = [
        (Place::Name, question.marks(name)),
        (Place::Comment, question.marks(comment)),
        (Place::Table, question.marks(table)),
    ];
    question.score(&places, 1.0, name, None)
}

#[test]
fn the_words_that_name_nothing_are_left_out() {
    let names = |text| question(text).words.into_iter().map(|word| word.text).collect::<Vec<_>>();
    assert_eq!(names("arrival of the flights"), ["arrival", "flights"]);
    assert_eq!(names("the"), ["the"]);
    assert_eq!(names("flight_arrival flightArrival"), ["flight", "arrival"]);
    assert!(Question::new("").is_none());
    assert!(Question::new(" _-; ").is_none());
    assert_eq!(names(&"w1 ".repeat(50)), ["w", "1"]);
}

#[test]
fn all_words_come_before_some_and_names_before_comments() {
    let question = question("flight arrival");
    let value = |table, name, comment| column(&question, table, name, comment).map(|s| s.value);
    let ranked = [
        value("x", "flight_arrival", ""),
        value("flights", "arrival", ""),
        value("flights", "scheduled_arrival", ""),
        value("flights", "eta", "time of arrival"),
        value("x", "arrival", ""),
        value("x", "eta", "time of arrival"),
    ];
    assert!(ranked.iter().all(Option::is_some), "{ranked:?}");
    assert!(ranked.is_sorted_by(|one, other| one > other), "{ranked:?}");
    // Its table alone does not make a column an answer.
    assert_eq!(value("flight_arrivals", "id", ""), None);
}

#[test]
fn what_was_found_where_is_said() {
    let score = column(&question("fligth arrival gate"), "flights", "arrival", "the gate").unwrap();
    assert_eq!(score.matched, "fligth (table), arrival (name), gate (comment)");
}

#[test]
fn rows_decide_between_equals_only() {
    let question = question("orders");
    let table = |name: &str, rows| {
        let score = question.score(&[(Place::Name, question.marks(name))], 1.0, name, Some(rows));
        score.unwrap().value
    };
    assert!(table("orders", 1e6) > table("orders", 1e3));
    assert!(table("orders", 0.0) > table("orders_archive", 1e12));
}
