//! How alike two words are.

/// The same word.
pub(super) const BEST: u8 = 100;
/// The singular or the plural.
const FORM: u8 = 95;
/// The word asked for is the beginning.
const BEGINNING: u8 = 75;
/// The word found is the beginning.
const SHORTER: u8 = 60;
/// Both begin alike and end differently: arrival, arrived.
const STEM: u8 = 55;
/// A mistake of one letter, or of two in a long word.
const MISTAKE: u8 = 50;
/// The word asked for is inside.
const INSIDE: u8 = 45;

/// How alike a word that was asked for, whose forms are given, and one that was found are.
pub(super) fn likeness(asked: &str, forms: &[String], found: &str) -> u8 {
    if asked == found {
        return BEST;
    }
    if forms.iter().any(|form| form == found) {
        return FORM;
    }
    let (asked_length, found_length) = (asked.chars().count(), found.chars().count());
    if asked_length >= 3 && found.starts_with(asked) {
        return BEGINNING;
    }
    if found_length >= 4 && asked.starts_with(found) {
        return SHORTER;
    }
    let common = asked.chars().zip(found.chars()).take_while(|(one, other)| one == other).count();
    if common >= 5 && asked_length - common <= 3 && found_length - common <= 3 {
        return STEM;
    }
    // Numbers that differ are different numbers.
    let is_word = |text: &str| text.chars().all(char::is_alphabetic);
    if is_word(found) && forms.iter().any(|form| is_word(form) && is_mistaken(form, found)) {
        return MISTAKE;
    }
    if asked_length >= 4 && found.contains(asked) { INSIDE } else { 0 }
}

/// Whether one may be the other with a mistake.
fn is_mistaken(one: &str, other: &str) -> bool {
    let (one_length, other_length) = (one.chars().count(), other.chars().count());
    let allowed = match one_length.min(other_length) {
        0..=4 => return false,
        5..=7 => 1,
        _ => 2,
    };
    one_length.abs_diff(other_length) <= allowed && distance(one, other) <= allowed
}

/// Letters to add, to leave out, to change, and neighbours to swap, until both are the same.
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.iter().enumerate() {
        let mut next = Vec::with_capacity(row.len());
        next.push(i + 1);
        for (j, b) in other.iter().enumerate() {
            let change = row[j] + usize::from(a != b);
            let mut least = change.min(row[j + 1] + 1).min(next[j] + 1);
            if i > 0 && j > 0 && one[i - 1] == *b && other[j - 1] == *a {
                least = least.min(before[j - 1] + 1);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::relate::words::forms;

    fn like(asked: &str, found: &str) -> u8 {
        likeness(asked, &forms(asked), found)
    }

    #[test]
    fn the_more_alike_the_better() {
        for (asked, found, expected) in [
            ("flight", "flight", BEST),
            ("flight", "flights", FORM),
            ("people", "person", FORM),
            ("dep", "departure", BEGINNING),
            ("customerno", "customer", SHORTER),
            ("arrived", "arrival", STEM),
            ("fligth", "flight", MISTAKE),
            ("costumer", "customer", MISTAKE),
            ("adress", "address", MISTAKE),
            ("item", "orderitem", INSIDE),
        ] {
            assert_eq!(like(asked, found), expected, "{asked} {found}");
        }
    }

    #[test]
    fn other_words_are_not_alike() {
        for (asked, found) in [
            ("flight", "light2"),
            ("id", "idea"),
            ("cat", "car"),
            ("gate", "late"),
            ("2023", "2024"),
            ("price", "rice2"),
            ("customer", "consumption"),
        ] {
            assert_eq!(like(asked, found), 0, "{asked} {found}");
        }
    }

    proptest! {
        #[test]
        fn one_mistake_is_one_apart(word in "[a-z]{5,9}", at in 0_usize..5, letter in "[a-z]") {
            let mut changed: Vec<char> = word.chars().collect();
            changed[at] = letter.chars().next().unwrap_or('a');
            let changed: String = changed.into_iter().collect();
            prop_assert!(distance(&word, &changed) <= 1);
            let mut swapped: Vec<char> = word.chars().collect();
            swapped.swap(at, at.saturating_sub(1));
            let swapped: String = swapped.into_iter().collect();
            prop_assert!(distance(&word, &swapped) <= 1);
            prop_assert!(like(&word, &changed) > 0);
        }

        #[test]
        fn any_words_are_taken(one in "\\PC{0,12}", other in "\\PC{0,12}") {
            let there = distance(&one, &other);
            prop_assert_eq!(there, distance(&other, &one));
            prop_assert_eq!(there == 0, one == other);
            like(&one, &other);
        }
    }
}
