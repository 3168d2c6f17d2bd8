//! The words of a name, and their singular and plural forms.

/// Nouns whose plural has no rule.
const IRREGULAR: [(&str, &str); 12] = [
    ("analysis", "analyses"),
    ("child", "children"),
    ("criterion", "criteria"),
    ("datum", "data"),
    ("foot", "feet"),
    ("index", "indices"),
    ("man", "men"),
    ("matrix", "matrices"),
    ("medium", "media"),
    ("person", "people"),
    ("vertex", "vertices"),
    ("woman", "women"),
];

/// The words of a name in lower case: split at everything that is neither letter nor digit, where
/// a capital begins (`orderId`, `HTTPServer`), and between letters and digits.
#[must_use]
pub fn words(name: &str) -> Vec<String> {
    let chars: Vec<char> = name.chars().collect();
    let mut words = Vec::new();
    let mut word = String::new();
    for (at, &c) in chars.iter().enumerate() {
        if !c.is_alphanumeric() {
            words.extend(taken(&mut word));
            continue;
        }
        if let Some(&before) = at.checked_sub(1).and_then(|before| chars.get(before)) {
            let next_is_small = chars.get(at + 1).is_some_and(|next| next.is_lowercase());
            let begins = c.is_uppercase() && (before.is_lowercase() || next_is_small);
            if begins || c.is_numeric() != before.is_numeric() {
                words.extend(taken(&mut word));
            }
        }
        word.extend(c.to_lowercase());
    }
    words.extend(taken(&mut word));
    words
}

fn taken(word: &mut String) -> Option<String> {
    (!word.is_empty()).then(|| std::mem::take(word))
}

/// The word itself and what may be its singular or its plural, without repetition.
#[must_use]
pub fn forms(word: &str) -> Vec<String> {
    let mut forms = vec![word.to_owned()];
    let mut add = |form: String| {
        if form.chars().count() > 1 && !forms.contains(&form) {
            forms.push(form);
        }
    };
    for (one, many) in IRREGULAR {
        if word == one {
            add(many.to_owned());
        } else if word == many {
            add(one.to_owned());
        }
    }
    if let Some(stem) = word.strip_suffix("ies") {
        add(format!("{stem}y"));
    }
    let hisses = |stem: &str| ["s", "x", "z", "ch", "sh", "o"].iter().any(|e| stem.ends_with(e));
    if let Some(stem) = word.strip_suffix("es").filter(|stem| hisses(stem)) {
        add(stem.to_owned());
    }
    // Neither "address" nor "status" is a plural.
    let stem = word.strip_suffix('s').filter(|stem| !stem.ends_with(['s', 'u', 'i']));
    if let Some(stem) = stem {
        add(stem.to_owned());
    }
    let vowel = |c: char| "aeiou".contains(c);
    if let Some(stem) = word.strip_suffix('y').filter(|stem| !stem.ends_with(vowel)) {
        add(format!("{stem}ies"));
    } else if hisses(word) {
        add(format!("{word}es"));
    }
    if !word.ends_with('s') {
        add(format!("{word}s"));
    }
    forms
}

/// Whether both are the same word, in the singular or the plural.
#[must_use]
pub fn same(one: &str, other: &str) -> bool {
    let is_form = |form: &str, of: &str| forms(of).iter().any(|one| one == form);
    is_form(one, other) || is_form(other, one)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_split_where_people_split_them() {
        for (name, expected) in [
            ("order_items", &["order", "items"][..]),
            ("orderId", &["order", "id"]),
            ("OrderID", &["order", "id"]),
            ("HTTPServerLog", &["http", "server", "log"]),
            ("address2line", &["address", "2", "line"]),
            ("Größe in cm", &["größe", "in", "cm"]),
            ("__x__", &["x"]),
            ("日本", &["日本"]),
            ("", &[]),
            ("-;", &[]),
        ] {
            assert_eq!(words(name), expected, "{name}");
        }
    }

    #[test]
    fn singular_and_plural_are_the_same_word() {
        for (one, many) in [
            ("customer", "customers"),
            ("category", "categories"),
            ("address", "addresses"),
            ("box", "boxes"),
            ("status", "statuses"),
            ("house", "houses"),
            ("day", "days"),
            ("person", "people"),
            ("hero", "heroes"),
            ("airport", "airport"),
        ] {
            assert!(same(one, many) && same(many, one), "{one} {many}");
        }
        for (one, other) in [("customer", "custom"), ("buses", "busy"), ("item", "itemised")] {
            assert!(!same(one, other), "{one} {other}");
        }
    }

    proptest! {
        #[test]
        fn any_name_is_taken(name in "\\PC{0,20}") {
            for word in words(&name) {
                prop_assert!(!word.is_empty());
                prop_assert!(forms(&word).contains(&word));
            }
        }

        #[test]
        fn being_the_same_word_is_mutual(word in "[a-z]{2,8}") {
            for form in forms(&word) {
                prop_assert!(same(&word, &form) && same(&form, &word), "{} {}", word, form);
            }
        }
    }
}
