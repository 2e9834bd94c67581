//! Lists, page by page, short names, and labels.

use std::collections::BTreeMap;

use crate::failure::Failure;

/// Reads every page of a list.
macro_rules! every_page {
    ($client:expr, $method:ident, $request:expr, $field:ident) => {{
        let mut request = $request;
        let mut every = Vec::new();
        loop {
            let page = $client.$method($crate::client::within(request.clone())).await?.into_inner();
            every.extend(page.$field);
            if page.next_page_token.is_empty() {
                break every;
            }
            request.page_token = page.next_page_token;
        }
    }};
}
pub(crate) use every_page;

/// Keeps the newest of a list, and gives a sentence if there were more.
pub(crate) fn newest<T>(all: &mut Vec<T>, limit: usize) -> Option<String> {
    let is_cut = all.len() > limit;
    all.truncate(limit);
    is_cut.then(|| format!("the newest {limit} are shown; --limit shows more"))
}

/// `region=nordic`, and more of them.
pub(crate) fn label_pairs(labels: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let label = |text: &String| {
        let pair = text.split_once('=').filter(|(key, value)| !key.is_empty() && !value.is_empty());
        pair.map(|(key, value)| (key.to_owned(), value.to_owned()))
            .ok_or_else(|| Failure::Usage(format!("--label {text:?} is not KEY=VALUE, such as region=nordic")))
    };
    let mut pairs = BTreeMap::new();
    for (key, value) in labels.iter().map(label).collect::<Result<Vec<_>, _>>()? {
        if let Some(other) = pairs.insert(key.clone(), value.clone()) {
            let text = format!("--label {key}: {other} and {value}; a resource has one value of a label, so name one");
            return Err(Failure::Usage(text));
        }
    }
    Ok(pairs)
}

/// `contoso` and `tenants/contoso` mean the same where only a tenant can be meant.
pub(crate) fn full_name(collection: &str, text: &str) -> String {
    if text.contains('/') { text.into() } else { format!("{collection}/{text}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_that_is_given_twice_is_an_error_and_not_the_last_one() {
        let pairs = |texts: &[&str]| label_pairs(&texts.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(pairs(&["a=1", "b=2"]).unwrap().len(), 2);
        let twice = pairs(&["region=alpine", "region=nordic"]).unwrap_err().to_string();
        assert!(twice.contains("--label region: alpine and nordic"), "{twice}");
    }
}
