//! What YAML can write in more ways than people read: numbers by other bases, and tags that make a text another one.

use serde::{Deserialize, Deserializer};

/// Decimal digits and nothing else: `0o14`, `1_000` and `1e3` are numbers to YAML, and others to a reader.
pub(super) fn count<'de, D: Deserializer<'de>>(d: D) -> Result<u32, D::Error> {
    let text = String::deserialize(d)?;
    let is_plain = text.chars().all(|c| c.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    let number = Some(&text).filter(|_| is_plain).and_then(|text| text.parse().ok());
    number
        .ok_or_else(|| serde::de::Error::custom(format!("{text:?} is not a number: write decimal digits, such as 25")))
}

/// Line and column of the first tag, such as `!!binary`. A plain text cannot begin with `!`, so outside quotes and
/// comments one that begins a word is a tag.
pub(super) fn tag(yaml: &str) -> Option<(usize, usize)> {
    let mut quote = None;
    for (line, text) in yaml.lines().enumerate() {
        let mut before = ' ';
        for (column, c) in text.chars().enumerate() {
            let begins = before.is_whitespace() || "[{,".contains(before);
            match (quote, c) {
                (Some('"'), '"') if before == '\\' => {}
                (Some(open), c) if open == c => quote = None,
                (Some(_), _) => {}
                (None, '#') if before.is_whitespace() => break,
                (None, '"' | '\'') if begins => quote = Some(c),
                (None, '!') if begins => return Some((line + 1, column + 1)),
                (None, _) => {}
            }
            before = c;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::tag;

    #[test]
    fn a_tag_is_found_where_it_stands_and_nothing_else_is_taken_for_one() {
        assert_eq!(tag("owner: !!binary Y2lzbw=="), Some((1, 8)));
        assert_eq!(tag("a: 1\nlist: [!x y]"), Some((2, 8)));
        assert_eq!(tag("people: {userTypes: !!seq [guest]}"), Some((1, 21)));
        for text in
            ["owner: hi!", "owner: \"!x\"", "owner: '!x'", "owner: x # !y", "owner: \"a \\\" !x\"", "o: don't !"]
        {
            let found = tag(text);
            assert_eq!(found.is_some(), text.ends_with(" !"), "{text}: {found:?}");
        }
    }
}
