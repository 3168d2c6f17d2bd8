//! The findings about a plan, in words.

use serde_json::Value;

/// Most findings that are told; the structured content has all.
const MOST: usize = 10;

/// What the plan's text is followed by where findings cannot be made.
pub(super) const NO_FINDINGS: &str =
    "\n\nFindings: none were looked for; that needs the extension mcp_advisor.";

/// The plan, and below it what makes it slow if anything does. With other indexes the first plan is
/// meant, which is the one that they make.
pub(super) fn with_findings(plan: &str, findings: &Value, compared: bool) -> String {
    let findings = findings.as_array().map(Vec::as_slice).unwrap_or_default();
    if findings.is_empty() {
        return plan.to_owned();
    }
    let of = if compared { " in the plan with these indexes" } else { "" };
    let mut text = format!("{plan}\n\nFindings{of}:");
    for finding in findings.iter().take(MOST) {
        let field = |name| finding.get(name).and_then(Value::as_str).unwrap_or_default();
        let (severity, place) = (field("severity"), field("place"));
        let (message, remedy) = (field("message"), field("remedy"));
        let node = finding.get("node").and_then(Value::as_u64).unwrap_or_default();
        text.push_str(&format!("\n- {severity}, node {node} ({place}): {message}"));
        if !remedy.is_empty() {
            text.push_str(&format!(" => {remedy}"));
        }
    }
    if let Some(more) = findings.len().checked_sub(MOST).filter(|more| *more > 0) {
        text.push_str(&format!("\n- and {more} more"));
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn findings_follow_the_plan() {
        assert_eq!(with_findings("Result", &json!([]), false), "Result");
        assert_eq!(with_findings("Result", &json!(null), true), "Result");
        let one = json!({
            "severity": "warning", "node": 2, "place": "Seq Scan on t", "message": "Slow.",
            "remedy": "CREATE INDEX",
        });
        let text = with_findings("Result", &json!([one]), false);
        let line = "- warning, node 2 (Seq Scan on t): Slow. => CREATE INDEX";
        assert_eq!(text, format!("Result\n\nFindings:\n{line}"));
        let many = vec![one; 12];
        let text = with_findings("Result", &json!(many), true);
        assert!(text.ends_with("\n- and 2 more") && text.matches(line).count() == 10, "{text}");
    }
}
