//! Encodes paths and queries. External text cannot end a segment or a filter.

use std::fmt::Write;

/// RFC 3986, 2.3: all but the unreserved characters are escaped. A space is %20, never '+'.
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(byte.into()),
            _ => write!(encoded, "%{byte:02X}").expect("a String takes all that is written to it"),
        }
    }
    encoded
}

/// `path?name=value&..`. Values are encoded, names stay as they are (`$filter`).
pub(crate) fn with_query(path: &str, query: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = query.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    format!("{path}?{}", pairs.join("&"))
}

/// OData: string literals. Quotes inside are doubled.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out_of_a_filter() {
        let filter = format!("mail eq {}", quoted("o'neil#x&y@nordwall.example"));
        assert_eq!(
            with_query("/v1.0/users", &[("$filter", &filter)]),
            "/v1.0/users?$filter=mail%20eq%20%27o%27%27neil%23x%26y%40nordwall.example%27"
        );
        assert_eq!(encode("é/"), "%C3%A9%2F");
    }
}
