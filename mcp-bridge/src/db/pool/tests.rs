use super::*;

fn error() -> ToolError {
    ToolError::new(Kind::DatabaseUnavailable, "could not connect")
}

#[test]
fn back_off_doubles_up_to_its_limit_and_says_its_age() {
    let start = Instant::now();
    let mut failures = Failures::default();
    assert!(failures.refusal(start).is_none());
    failures.record(start, start, &error());
    assert_eq!(failures.delay(), FIRST_DELAY);
    let refusal = failures.refusal(start + Duration::from_millis(100)).unwrap();
    assert_eq!(refusal.kind, Kind::DatabaseUnavailable);
    let detail = refusal.detail.unwrap();
    assert!(detail.contains("0.1 s ago") && detail.contains("in 0.1"), "{detail}");
    assert!(failures.refusal(start + Duration::from_millis(251)).is_none());
    for n in 1..40 {
        let at = start + Duration::from_secs(10 * n);
        failures.record(at, at, &error());
    }
    assert_eq!(failures.delay(), MAX_DELAY);
}

#[test]
fn attempts_side_by_side_count_once() {
    let start = Instant::now();
    let later = start + Duration::from_secs(1);
    let mut failures = Failures::default();
    failures.record(start, later, &error());
    failures.record(start, later, &error());
    assert_eq!(failures.count, 1);
}
