use proptest::prelude::*;
use serde_json::json;

use super::*;

fn shaped(raw: &str) -> Value {
    shape(raw, "numeric", 2_000, BigNumbers::String).0
}

#[test]
fn numbers_that_a_double_rounds_become_strings() {
    for (raw, expected) in [
        ("9007199254740991", "9007199254740991"),
        ("-9007199254740991", "-9007199254740991"),
        ("9007199254740992", "\"9007199254740992\""),
        ("-9223372036854775808", "\"-9223372036854775808\""),
        ("123456789012345678901234567890", "\"123456789012345678901234567890\""),
        ("0.1", "0.1"),
        ("1.50", "1.50"),
        ("0.30000000000000004", "0.30000000000000004"),
        ("1.7976931348623157e+308", "1.7976931348623157e+308"),
        ("5e-324", "5e-324"),
        ("1e400", "\"1e+400\""),
        ("0.1000000000000000055511151231257827", "\"0.1000000000000000055511151231257827\""),
        ("0.00", "0.00"),
        ("-0", "-0"),
        ("[9007199254740993,{\"a\":1}]", "[\"9007199254740993\",{\"a\":1}]"),
    ] {
        assert_eq!(shaped(raw).to_string(), expected, "{raw}");
    }
}

#[test]
fn big_numbers_stay_numbers_when_asked_for() {
    let (value, _) = shape("12345678901234567890.5", "numeric", 2_000, BigNumbers::Number);
    assert_eq!(value.to_string(), "12345678901234567890.5");
}

#[test]
fn an_oid_is_a_number() {
    assert_eq!(shape("\"1259\"", "oid", 9, BigNumbers::String).0, json!(1259));
    assert_eq!(shape("\"1259\"", "text", 9, BigNumbers::String).0, json!("1259"));
}

#[test]
fn long_values_are_cut_at_characters_and_counted() {
    assert_eq!(shape("\"ééé\"", "text", 3, BigNumbers::String), (json!("ééé"), false));
    assert_eq!(shape("\"éééé\"", "text", 3, BigNumbers::String), (json!("ééé…"), true));
    assert_eq!(shape("[1,2,3]", "integer[]", 4, BigNumbers::String), (json!("[1,2…"), true));
    assert_eq!(shape("1234567", "numeric", 4, BigNumbers::String), (json!("1234…"), true));
}

#[test]
fn documents_that_serde_refuses_are_shown_as_text() {
    let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
    assert_eq!(shaped(&deep), Value::String(deep.clone()));
    assert_eq!(shaped(r#"["\ud800"]"#), json!(r#"["\ud800"]"#));
    // The row around it is read all the same.
    let object = format!(r#"{{"c1":{deep},"c1":7}}"#);
    let raw = values(&object).unwrap();
    assert_eq!(raw.len(), 2);
    assert_eq!(raw[1].get(), "7");
}

#[test]
fn names_keep_order_and_repetition() {
    assert_eq!(names(r#"{"b":null,"a\"":null,"b":null}"#).unwrap(), ["b", "a\"", "b"]);
    assert!(names("{}").unwrap().is_empty());
}

proptest! {
    #[test]
    fn every_double_is_exact(double in prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL) {
        let shortest = format!("{double:?}");
        prop_assert!(is_exact(&shortest));
    }

    #[test]
    fn fifteen_digits_are_exact_and_a_changed_digit_shows(
        whole in 0_u64..1_000_000, fraction in 0_u64..1_000_000_000,
    ) {
        let text = format!("{whole}.{fraction:09}");
        prop_assert!(is_exact(&text));
        let long = format!("{text}0000000000000000001");
        prop_assert!(!is_exact(&long));
    }
}
